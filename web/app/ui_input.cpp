// How Ui takes pointer, wheel and keys.
#include <cmath>

#include "ui.hpp"

namespace neurona::app {
namespace {

constexpr float kTapSlop = 8;  // pixels a finger may wander and still tap

bool near(ImVec2 a, ImVec2 b, float distance) {
  return std::fabs(a.x - b.x) <= distance && std::fabs(a.y - b.y) <= distance;
}

}  // namespace

void Ui::take_pointer(Input& input) {
  bool transition = false;  // one press or release a frame, so that a quick tap is seen as both
  std::size_t used = 0;
  for (; used < input.pointer.size(); ++used) {
    const PointerEvent& event = input.pointer[used];
    using Kind = PointerEvent::Kind;
    if ((event.kind == Kind::down || event.kind == Kind::up) && transition) break;
    const ImVec2 before = pointer_;
    last_was_key_ = false;
    if (event.kind != Kind::leave && event.kind != Kind::cancel) pointer_ = {event.position.x / input.zoom, event.position.y / input.zoom};
    source_ = event.source;
    switch (event.kind) {
      case Kind::down:
        transition = true;
        press();
        break;
      case Kind::move:
        pointer_inside_ = true;
        if (pointer_down_) drag(before);
        break;
      case Kind::up:
        transition = true;
        release();
        break;
      case Kind::cancel:
        if (!pointer_down_) break;
        transition = true;  // a press after it is another one
        cancel();
        break;
      case Kind::leave:
        if (!pointer_down_ && source_ != PointerSource::touch)
          pointer_inside_ = false;  // fingers leave when they lift
        break;
    }
  }
  input.pointer.erase(input.pointer.begin(), input.pointer.begin() + std::ptrdiff_t(used));
  if (!input.pointer.empty()) request_frames();
}

void Ui::press() {
  pointer_down_ = pointer_inside_ = true;
  is_scrolling_ = false;
  dragging_ = source_ != PointerSource::touch;
  press_position_ = pointer_;
  trail_.assign(1, pointer_);
  const Region* region = regions_.top_at(pointer_, overlay_open_);
  touch_scroll_ = source_ == PointerSource::touch ? scroll_at(pointer_, 0) : std::string();
  if (Scrolling::Area* area = scrolling_.find(touch_scroll_)) area->velocity = 0;
  focus_by_key_ = false;
  if (region) {
    // Whether it is enabled, region() decides: it may have become so since it was drawn.
    active_ = pressed_ = region->id;
    if (region->focusable && region->enabled) focus_ = region->id;
  }
  if (!region || region->role == Role::none || region->role == Role::scroll) focus_.clear();
  if (!pinned_.empty() && (!region || region->id != pinned_)) pinned_.clear();
}

void Ui::drag(ImVec2 before) {
  trail_.push_back(pointer_);
  if (dragging_) return;
  const Region* region = active_.empty() ? nullptr : regions_.find(active_);
  const Drag kept = region && region->enabled ? region->drag : Drag::none;
  if (!is_scrolling_ && kept != Drag::all && !near(pointer_, press_position_, kTapSlop)) {
    const bool sideways =
        std::fabs(pointer_.x - press_position_.x) > std::fabs(pointer_.y - press_position_.y);
    if (kept == Drag::horizontal && sideways) {
      dragging_ = true;  // the slider keeps the finger
      touch_scroll_.clear();
      return;
    }
    if (touch_scroll_.empty()) return;
    is_scrolling_ = true;
    active_.clear(), pressed_.clear();
  }
  if (!is_scrolling_) return;
  Scrolling::Area* area = scrolling_.find(touch_scroll_);
  if (!area) return;
  const float dy = before.y - pointer_.y;
  scroll(*area, dy);
  const double elapsed = std::max(time_ - area->touched, 1.0 / 240);
  area->velocity += 0.35f * (float(double(dy) / elapsed) - area->velocity);
  area->touched = time_;
}

void Ui::release() {
  pointer_down_ = false;
  if (trail_.empty()) trail_.push_back(pointer_);
  const Region* region = regions_.top_at(pointer_, overlay_open_);
  if (!active_.empty()) {
    released_ = active_;
    if (region && region->id == active_ && !is_scrolling_) clicked_ = active_;
  }
  if (Scrolling::Area* area = scrolling_.find(touch_scroll_); area && time_ - area->touched > 0.08)
    area->velocity = 0;  // the finger rested before it left
  is_scrolling_ = false;
  touch_scroll_.clear();
  // A lifted finger hovers nothing, but a tap on a picture leaves its reading up until the next touch.
  if (source_ == PointerSource::touch)
    pointer_inside_ =
        region && region->id == clicked_ && region->role == Role::image && region->drag != Drag::all;
}

void Ui::cancel() {
  pointer_down_ = is_scrolling_ = pointer_inside_ = false;
  released_ = active_;
  cancelled_ = true;
  if (Scrolling::Area* area = scrolling_.find(touch_scroll_)) area->velocity = 0;
  touch_scroll_.clear();
}

// --------------------------------------------------------------------------------------------- keys and wheel

void Ui::take_keys(Input& input) {
  if (!input.keys.empty()) last_was_key_ = true;
  for (const KeyEvent& event : input.keys) {
    switch (event.key) {
      case Key::tab:
        move_focus(event.shift);
        break;
      case Key::enter:
      case Key::space:
        if (const Region* region = regions_.find(focus_); region && region->enabled) {
          clicked_ = focus_;
          focus_by_key_ = true;
        } else {
          keys_.push_back(event);
        }
        break;
      case Key::escape:
        if (!pinned_.empty())
          pinned_.clear();
        else
          keys_.push_back(event);
        break;
      default:
        if (!focus_.empty()) focus_by_key_ = true;
        keys_.push_back(event);
    }
  }
  input.keys.clear();
}

bool Ui::tab_leaves(int steps) const { return !tab_target(regions_.now(), focus_, overlay_now_, steps); }

void Ui::move_focus(bool backwards) {
  const Region* target = tab_target(regions_.before(), focus_, overlay_open_, backwards ? -1 : 1);
  focus_by_key_ = true;
  focus_ = target ? target->id : std::string();
  if (target) reveal(*target);
}

void Ui::activate(std::string_view name) {
  activated_ = std::string(name);
  request_frames();
}

void Ui::focus(std::string_view name) {
  const std::string inside = id_of(name);
  const auto& drawn = regions_.now();
  const auto found = std::find_if(drawn.begin(), drawn.end(), [&](const Region& region) {
    return region.id == inside || region.id == name || region.name == name;
  });
  const Region* region = found == drawn.end() ? nullptr : &*found;
  if (!region) region = regions_.find(inside);
  if (!region) region = regions_.find_named(name);
  focus_ = region ? region->id : inside;
  focus_by_key_ = true;
  if (region) reveal(*region);
}

void Ui::reveal(const Region& region) {
  if (scrolling_.reveal(region.scroll, region.rect)) request_frames(2);
}

void Ui::scroll(Scrolling::Area& area, float dy) {
  if (Scrolling::move(area, dy)) request_frames(2);
}

std::string Ui::scroll_at(ImVec2 p, float dy) const {
  const std::vector<Region>& regions = regions_.before();
  for (auto it = regions.rbegin(); it != regions.rend(); ++it) {
    if (it->role != Role::scroll || (overlay_open_ && it->layer == 0) || !it->hit.contains(p)) continue;
    const Scrolling::Area* area = scrolling_.find(it->id);
    if (!area || area->most() <= 0.5f) continue;
    if (dy == 0 || (dy < 0 && area->offset > 0) || (dy > 0 && area->offset < area->most())) return it->id;
  }
  return {};
}

void Ui::take_wheel(Input& input) {
  if (input.wheel.y != 0) {
    if (Scrolling::Area* area = scrolling_.find(scroll_at(pointer_, input.wheel.y))) {
      area->velocity = 0;
      area->touched = time_;
      scroll(*area, input.wheel.y / input.zoom);
    }
  }
  input.wheel = {0, 0};
}

void Ui::scroll_by_key(float dy) {
  std::string id = scroll_at(pointer_, dy);
  const std::vector<Region>& regions = regions_.before();
  for (auto it = regions.rbegin(); id.empty() && it != regions.rend(); ++it)
    if (it->role == Role::scroll) id = it->id;
  Scrolling::Area* area = scrolling_.find(id);
  if (!area) return;
  scroll(*area, dy);
  area->touched = time_;
}

}  // namespace neurona::app
