#include "ui.hpp"

#include <algorithm>
#include <cmath>

namespace neurona::app {
namespace {

constexpr float kTapSlop = 8;  // pixels a finger may wander and still tap
constexpr float kInertiaPerSecond = 3.2f;

bool near(ImVec2 a, ImVec2 b, float distance) {
  return std::fabs(a.x - b.x) <= distance && std::fabs(a.y - b.y) <= distance;
}

}  // namespace

Ui::Ui() : fonts_(load_fonts()), theme_(&light_theme()) {}
Ui::~Ui() = default;

const Ui::Region* Ui::find(std::string_view name) const {
  for (const Region& region : last_regions_)
    if (region.name == name) return &region;
  return nullptr;
}

const Ui::Region* Ui::top_at(ImVec2 p) const {
  const Region* best = nullptr;
  for (const Region& region : last_regions_) {
    if (overlay_open_ && region.layer == 0) continue;
    if (!region.hit.contains(p)) continue;
    if (!best || region.layer >= best->layer) best = &region;
  }
  return best;
}

void Ui::begin_frame(Input& input, const Theme& theme, Language language, bool reduced_motion) {
  if (frames_wanted_ > 0) --frames_wanted_;
  if (input.any()) request_frames();
  theme_ = &theme, language_ = language, reduced_motion_ = reduced_motion;
  dt_ = float(std::clamp(input.time - time_, 0.0, 0.1));
  time_ = input.time;
  if (density_ != input.density || screen_.w != input.width || screen_.h != input.height) request_frames();
  density_ = input.density;
  screen_ = {0, 0, input.width, input.height};
  set_font_density(fonts_, density_);
  draw_ = ImGui::GetBackgroundDrawList();
  layer_ = 0;
  last_regions_.swap(regions_);
  regions_.clear();
  controls_now_.clear();
  overlay_open_ = overlay_now_;
  overlay_now_ = false;
  clips_.assign(1, screen_);
  scroll_stack_.clear();
  shown_.reset();
  trail_.clear();
  pressed_.clear(), clicked_.clear();
  if (!released_.empty()) active_.clear();
  released_.clear();
  cancelled_ = false;
  keys_.clear();

  take_pointer(input);
  take_keys(input);
  if (!activated_.empty()) {
    if (const Region* region = find(activated_); region && region->enabled) clicked_ = activated_;
    activated_.clear();
  }
  run_scrolls(input);

  const Region* top = pointer_inside_ && !scrolling_ ? top_at(pointer_) : nullptr;
  hot_ = top ? top->name : std::string();
  if (!active_.empty() && hot_ != active_) hot_.clear();
}

void Ui::take_pointer(Input& input) {
  bool transition = false;  // one press or release a frame, so that a quick tap is seen as both
  std::size_t used = 0;
  for (; used < input.pointer.size(); ++used) {
    const PointerEvent& event = input.pointer[used];
    using Kind = PointerEvent::Kind;
    if ((event.kind == Kind::down || event.kind == Kind::up) && transition) break;
    const ImVec2 before = pointer_;
    last_was_key_ = false;
    if (event.kind != Kind::leave && event.kind != Kind::cancel) pointer_ = event.position;
    source_ = event.source;
    switch (event.kind) {
      case Kind::down: {
        transition = true;
        pointer_down_ = pointer_inside_ = true;
        scrolling_ = false;
        dragging_ = source_ != PointerSource::touch;
        press_position_ = pointer_;
        trail_.assign(1, pointer_);
        const Region* region = top_at(pointer_);
        touch_scroll_ = source_ == PointerSource::touch ? scroll_at(pointer_, 0) : std::string();
        if (auto it = scrolls_.find(touch_scroll_); it != scrolls_.end()) it->second.velocity = 0;
        focus_by_key_ = false;
        if (region) {
          // Whether it is enabled, region() decides: it may have become so since it was drawn.
          active_ = pressed_ = region->name;
          if (region->focusable && region->enabled) focus_ = region->name;
        }
        if (!region || region->role == Role::none || region->role == Role::scroll) focus_.clear();
        if (!pinned_.empty() && (!region || region->name != pinned_)) pinned_.clear();
        break;
      }
      case Kind::move: {
        pointer_inside_ = true;
        if (!pointer_down_) break;
        trail_.push_back(pointer_);
        if (dragging_) break;
        const Region* region = active_.empty() ? nullptr : find(active_);
        const Drag drag = region && region->enabled ? region->drag : Drag::none;
        if (!scrolling_ && drag != Drag::all && !near(pointer_, press_position_, kTapSlop)) {
          const bool sideways =
              std::fabs(pointer_.x - press_position_.x) > std::fabs(pointer_.y - press_position_.y);
          if (drag == Drag::horizontal && sideways) {
            dragging_ = true;  // the slider keeps the finger
            touch_scroll_.clear();
            break;
          }
          if (touch_scroll_.empty()) break;
          scrolling_ = true;
          active_.clear(), pressed_.clear();
        }
        if (scrolling_) {
          Scroll& scroll = scrolls_[touch_scroll_];
          const float dy = before.y - pointer_.y;
          scroll_by(scroll, dy);
          const double elapsed = std::max(time_ - scroll.touched, 1.0 / 240);
          scroll.velocity += 0.35f * (float(dy / elapsed) - scroll.velocity);
          scroll.touched = time_;
        }
        break;
      }
      case Kind::up: {
        transition = true;
        pointer_down_ = false;
        if (trail_.empty()) trail_.push_back(pointer_);
        if (!active_.empty()) {
          released_ = active_;
          const Region* region = top_at(pointer_);
          if (region && region->name == active_ && !scrolling_) clicked_ = active_;
        }
        if (auto it = scrolls_.find(touch_scroll_); it != scrolls_.end() && time_ - it->second.touched > 0.08)
          it->second.velocity = 0;  // the finger rested before it left
        scrolling_ = false;
        touch_scroll_.clear();
        // A lifted finger hovers nothing, but a tap on a picture leaves its reading up until the next touch.
        if (source_ == PointerSource::touch) {
          const Region* region = top_at(pointer_);
          pointer_inside_ =
              region && region->name == clicked_ && region->role == Role::image && region->drag != Drag::all;
        }
        break;
      }
      case Kind::cancel:
        if (!pointer_down_) break;
        transition = true;  // a press after it is another one
        pointer_down_ = scrolling_ = pointer_inside_ = false;
        released_ = active_;
        cancelled_ = true;
        if (auto it = scrolls_.find(touch_scroll_); it != scrolls_.end()) it->second.velocity = 0;
        touch_scroll_.clear();
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

void Ui::take_keys(Input& input) {
  if (!input.keys.empty()) last_was_key_ = true;
  for (const KeyEvent& event : input.keys) {
    switch (event.key) {
      case Key::tab:
        move_focus(event.shift);
        break;
      case Key::enter:
      case Key::space:
        if (const Region* region = find(focus_); region && region->enabled) {
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

const Ui::Region* Ui::tab_target(const std::vector<Region>& regions, bool overlay, int steps) const {
  std::vector<const Region*> order{nullptr};  // past either end no control has the focus
  std::ptrdiff_t at = 0;
  for (const Region& region : regions) {
    if (!region.focusable || !region.enabled || (overlay && region.layer == 0)) continue;
    if (region.name == focus_) at = std::ptrdiff_t(order.size());
    order.push_back(&region);
  }
  const auto count = std::ptrdiff_t(order.size());
  return order[std::size_t(((at + steps) % count + count) % count)];
}

bool Ui::tab_leaves(int steps) const { return !tab_target(regions_, overlay_now_, steps); }

void Ui::move_focus(bool backwards) {
  const Region* target = tab_target(last_regions_, overlay_open_, backwards ? -1 : 1);
  focus_by_key_ = true;
  focus_ = target ? target->name : std::string();
  if (target) reveal(*target);
}

Cursor Ui::cursor() const {
  const Region* region = hot_.empty() ? nullptr : find(hot_);
  if (!region || !region->enabled) return Cursor::arrow;
  if (region->drag == Drag::all) return Cursor::cross;
  switch (region->role) {
    case Role::button:
    case Role::toggle:
    case Role::slider:
    case Role::tab:
    case Role::link:
      return Cursor::hand;
    default:
      return Cursor::arrow;
  }
}

void Ui::focus(std::string_view name) {
  focus_ = name;
  focus_by_key_ = true;
  if (const Region* region = find(name)) reveal(*region);
}

void Ui::reveal(const Region& region) {
  const auto it = scrolls_.find(region.scroll);
  if (it == scrolls_.end()) return;
  const Rect view = it->second.rect.inset(0, 12);
  if (region.rect.y < view.y)
    scroll_by(it->second, region.rect.y - view.y);
  else if (region.rect.bottom() > view.bottom())
    scroll_by(it->second, std::min(region.rect.bottom() - view.bottom(), region.rect.y - view.y));
}

bool Ui::on_screen(std::string_view name) const {
  return std::any_of(regions_.begin(), regions_.end(),
                     [&](const Region& region) { return region.name == name && !region.hit.empty(); });
}

bool Ui::take_key(Key key) {
  for (auto it = keys_.begin(); it != keys_.end(); ++it)
    if (it->key == key) {
      keys_.erase(it);
      return true;
    }
  return false;
}

// ------------------------------------------------------------------------------------------------- regions

Interaction Ui::region(std::string_view name, Rect rect, const RegionOptions& options) {
  Region region;
  region.name = name, region.rect = rect, region.hit = rect.clipped(clip());
  region.drag = options.drag, region.role = options.role, region.layer = layer_;
  region.enabled = options.enabled;
  region.focusable = options.focusable && options.role != Role::none && options.role != Role::scroll;
  if (!scroll_stack_.empty()) region.scroll = scroll_stack_.back();

  Interaction out;
  out.pointer = pointer_;
  if (options.enabled) {
    out.hovered = hot_ == name;
    out.pressed = pressed_ == name;
    out.released = released_ == name;
    out.cancelled = out.released && cancelled_;
    out.held = active_ == name && !out.released;
    out.dragging = active_ == name && dragging_;
    out.clicked = clicked_ == name;
    out.focused = focus_ == name;
    out.ring = out.focused && focus_by_key_;
    const bool uses_arrows = options.role == Role::slider || options.role == Role::toggle ||
                             options.role == Role::tab || options.role == Role::image;
    if (out.focused && uses_arrows) {
      std::erase_if(keys_, [&](const KeyEvent& event) {
        switch (event.key) {
          case Key::left:
          case Key::right:
            out.arrow_x += event.key == Key::left ? -1 : 1;
            break;
          case Key::up:
          case Key::down:
            out.arrow_y += event.key == Key::up ? -1 : 1;
            break;
          case Key::home:
          case Key::end:
            out.arrow_x = out.arrow_y = 0;
            out.home = event.key == Key::home, out.end = !out.home;
            break;
          case Key::page_up:
          case Key::page_down:
            break;
          default:
            return false;
        }
        out.keys.push_back(event.key);
        return true;
      });
    }
  }
  if (options.role != Role::none && options.role != Role::scroll) {
    ControlInfo info;
    info.name = region.name;
    info.label = options.label.empty() ? region.name : std::string(options.label);
    info.value = options.value;
    info.role = options.role, info.rect = rect, info.enabled = options.enabled;
    info.visible = !region.hit.empty(), info.focused = out.ring;
    controls_now_.push_back(std::move(info));
  }
  regions_.push_back(std::move(region));
  return out;
}

int Ui::cell(std::string_view name, const Interaction& touch, Rect rect, int rows, int columns, int count) {
  if (count <= 0 || rows <= 0 || columns <= 0) return -1;
  if (touch.hovered && !(touch.ring && by_key())) {
    const int x = std::clamp(int((touch.pointer.x - rect.x) / rect.w * float(columns)), 0, columns - 1);
    const int y = std::clamp(int((touch.pointer.y - rect.y) / rect.h * float(rows)), 0, rows - 1);
    const int index = y * columns + x;
    if (index >= count) return -1;
    return cells_.insert_or_assign(std::string(name), index).first->second;  // arrows go on from here
  }
  if (!touch.ring) return -1;
  int& index = cells_[std::string(name)];
  index = std::min(index, count - 1);
  int x = index % columns, y = index / columns;
  if (touch.home || touch.end) x = touch.home ? 0 : columns - 1;
  x = std::clamp(x + touch.arrow_x, 0, columns - 1);
  y = std::clamp(y + touch.arrow_y, 0, rows - 1);
  if (y * columns + x < count) index = y * columns + x;
  return index;
}

// ------------------------------------------------------------------------------------ clips, scrolls,
// overlays

void Ui::push_clip(Rect rect) {
  clips_.push_back(rect.clipped(clip()));
  draw_->PushClipRect(clips_.back().min(), clips_.back().max(), false);
}

void Ui::pop_clip() {
  clips_.pop_back();
  draw_->PopClipRect();
}

std::string Ui::scroll_at(ImVec2 p, float dy) const {
  for (auto it = last_regions_.rbegin(); it != last_regions_.rend(); ++it) {
    if (it->role != Role::scroll || (overlay_open_ && it->layer == 0) || !it->hit.contains(p)) continue;
    const auto found = scrolls_.find(it->name);
    if (found == scrolls_.end()) continue;
    const Scroll& scroll = found->second;
    const float most = scroll.content - scroll.view;
    if (most <= 0.5f) continue;
    if (dy == 0 || (dy < 0 && scroll.offset > 0) || (dy > 0 && scroll.offset < most)) return it->name;
  }
  return {};
}

bool Ui::scroll_by(Scroll& scroll, float dy) {
  const float before = scroll.offset;
  scroll.offset = std::clamp(scroll.offset + dy, 0.f, std::max(0.f, scroll.content - scroll.view));
  if (scroll.offset != before) request_frames(2);
  return scroll.offset != before;
}

void Ui::run_scrolls(Input& input) {
  if (input.wheel.y != 0) {
    const std::string name = scroll_at(pointer_, input.wheel.y);
    if (!name.empty()) {
      Scroll& scroll = scrolls_[name];
      scroll.velocity = 0;
      scroll.touched = time_;
      scroll_by(scroll, input.wheel.y);
    }
  }
  input.wheel = {0, 0};
  for (auto& [name, scroll] : scrolls_) {
    if (scroll.velocity == 0 || (pointer_down_ && name == touch_scroll_)) continue;
    if (reduced_motion_ || std::fabs(scroll.velocity) < 12 || !scroll_by(scroll, scroll.velocity * dt_)) {
      scroll.velocity = 0;
      continue;
    }
    scroll.touched = time_;
    scroll.velocity *= std::exp(-kInertiaPerSecond * dt_);
    request_frames();
  }
}

Rect Ui::begin_scroll(std::string_view name, Rect view) {
  region(name, view, {.role = Role::scroll, .focusable = false});
  auto& scroll = scrolls_[std::string(name)];
  scroll.rect = view;
  scroll.view = view.h;
  scroll.offset = std::clamp(scroll.offset, 0.f, std::max(0.f, scroll.content - scroll.view));
  scroll_stack_.emplace_back(name);
  push_clip(view);
  return {view.x, view.y - std::round(scroll.offset), view.w, 1e6f};
}

void Ui::end_scroll(float content_bottom) {
  pop_clip();
  Scroll& scroll = scrolls_[scroll_stack_.back()];
  scroll_stack_.pop_back();
  const float content = content_bottom - (scroll.rect.y - std::round(scroll.offset));
  if (std::fabs(content - scroll.content) > 0.5f) request_frames(2);
  scroll.content = content;
  const float most = content - scroll.view;
  if (most <= 0.5f) return;
  // A thin thumb that fades when nobody scrolls; under the pointer it stays.
  const bool warm =
      time_ - scroll.touched < 1.2 || (pointer_inside_ && !touch() && scroll.rect.contains(pointer_));
  const float shown = animate("scroll-thumb:" + std::to_string(scroll.rect.x), warm ? 1.f : 0.f);
  if (time_ - scroll.touched < 1.2) request_frames(2);
  if (shown < 0.01f) return;
  const float length = std::max(28.f, scroll.view * scroll.view / content);
  const float y = scroll.rect.y + (scroll.view - length) * scroll.offset / most;
  fill({scroll.rect.right() - 6, y + 2, 4, length - 4}, fade(theme().faint, 0.55f * shown), 2);
}

void Ui::reset_scroll(std::string_view name) {
  if (auto it = scrolls_.find(name); it != scrolls_.end()) it->second.offset = it->second.velocity = 0;
}

void Ui::begin_overlay() {
  overlay_now_ = true;
  layer_ = 1;
  draw_ = ImGui::GetForegroundDrawList();
  clips_.push_back(screen_);
}

void Ui::end_overlay() {
  layer_ = 0;
  draw_ = ImGui::GetBackgroundDrawList();
  clips_.pop_back();
}

void Ui::end_frame() {
  // Keys nobody used scroll the page, as on any page.
  const auto scroll_keys = [&](float dy) {
    std::string name = scroll_at(pointer_, dy);
    for (auto it = last_regions_.rbegin(); name.empty() && it != last_regions_.rend(); ++it)
      if (it->role == Role::scroll) name = it->name;
    if (auto it = scrolls_.find(name); it != scrolls_.end())
      scroll_by(it->second, dy), it->second.touched = time_;
  };
  if (take_key(Key::up)) scroll_keys(-60);
  if (take_key(Key::down)) scroll_keys(60);
  if (take_key(Key::page_up)) scroll_keys(-screen_.h * 0.8f);
  if (take_key(Key::page_down)) scroll_keys(screen_.h * 0.8f);
  if (take_key(Key::home)) scroll_keys(-1e6f);
  if (take_key(Key::end)) scroll_keys(1e6f);

  if (shown_) draw_tooltip();
  controls_.swap(controls_now_);
  std::erase_if(animations_, [&](const auto& item) { return time_ - item.second.seen > 5; });
}

// -------------------------------------------------------------------------------------------------- motion

float Ui::animate(std::string_view key, float target, float ms) {
  auto it = animations_.find(key);
  if (it == animations_.end() || reduced_motion_ || ms <= 0) {
    if (it == animations_.end()) it = animations_.emplace(std::string(key), Animation{}).first;
    it->second = {target, target, target, time_, time_};
    return target;
  }
  Animation& a = it->second;
  a.seen = time_;
  if (a.to != target) a = {a.value, target, a.value, time_, time_};
  const float t = std::clamp(float((time_ - a.start) * 1000 / ms), 0.f, 1.f);
  const float eased = 1 - (1 - t) * (1 - t) * (1 - t);
  a.value = t >= 1 ? a.to : a.from + (a.to - a.from) * eased;
  if (t < 1 && a.from != a.to) request_frames(2);
  return a.value;
}

// ------------------------------------------------------------------------------------------------- tooltips

void Ui::tooltip(std::string_view key, Rect anchor, Tooltip content) {
  if (shown_ && pinned(shown_->key)) return;  // a pinned one stays
  shown_ = std::make_unique<Shown>(Shown{std::string(key), anchor, std::move(content)});
}

void Ui::pin(std::string_view key) {
  pinned_ = pinned_ == key ? std::string() : std::string(key);
  request_frames();
}

}  // namespace neurona::app
