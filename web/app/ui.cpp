#include "ui.hpp"

#include <cmath>

namespace neurona::app {

void Ui::begin_frame(Input& input, const Theme& theme, Language language, bool reduced_motion) {
  if (frames_wanted_ > 0) --frames_wanted_;
  if (input.any()) request_frames();
  language_ = language, reduced_motion_ = reduced_motion;
  dt_ = float(std::clamp(input.time - time_, 0.0, 0.1));
  time_ = input.time;
  if (density() != input.density || screen().w != input.width || screen().h != input.height) request_frames();
  begin_canvas(theme, {0, 0, input.width, input.height}, input.density);
  motion_.begin(time_, reduced_motion);
  layer_ = 0;
  regions_.begin();
  controls_now_.clear();
  twice_now_.clear();
  overlay_open_ = overlay_now_;
  overlay_now_ = false;
  lit_.swap(lit_now_);
  lit_now_.clear();
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
    if (const Region* region = regions_.find_named(activated_); region && region->enabled) clicked_ = region->id;
    activated_.clear();
  }
  take_wheel(input);
  const bool held = pointer_down_ && !touch_scroll_.empty();
  if (scrolling_.roll(time_, dt_, reduced_motion_, held ? touch_scroll_ : std::string_view())) request_frames();

  const Region* top = pointer_inside_ && !is_scrolling_ ? regions_.top_at(pointer_, overlay_open_) : nullptr;
  hot_ = top ? top->id : std::string();
  if (!active_.empty() && hot_ != active_) hot_.clear();
}

void Ui::end_frame() {
  // Keys nobody used scroll the page, as on any page.
  if (take_key(Key::up)) scroll_by_key(-60);
  if (take_key(Key::down)) scroll_by_key(60);
  if (take_key(Key::page_up)) scroll_by_key(-screen().h * 0.8f);
  if (take_key(Key::page_down)) scroll_by_key(screen().h * 0.8f);
  if (take_key(Key::home)) scroll_by_key(-1e6f);
  if (take_key(Key::end)) scroll_by_key(1e6f);

  if (shown_) draw_tooltip(*this, shown_->content, shown_->anchor, pinned_ == shown_->key);
  controls_.swap(controls_now_);
  twice_.swap(twice_now_);
  if (lit_ != lit_now_) request_frames(2);
  if (motion_.end()) request_frames(2);
}

bool Ui::take_key(Key key) {
  if (overlay_open_ && layer_ == 0) return false;
  for (auto it = keys_.begin(); it != keys_.end(); ++it)
    if (it->key == key) {
      keys_.erase(it);
      return true;
    }
  return false;
}

Cursor Ui::cursor() const {
  const Region* region = hot_.empty() ? nullptr : regions_.find(hot_);
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

// ---------------------------------------------------------------------------------------------------- names

void Ui::open_scope(std::string_view name, bool is_public) {
  scopes_.push_back({scope_.size(), public_scope_.size()});
  scope_ += std::string(name) + "/";
  if (is_public) public_scope_ += std::string(name) + "/";
}

void Ui::close_scope() {
  scope_.resize(scopes_.back().id_length);
  public_scope_.resize(scopes_.back().name_length);
  scopes_.pop_back();
}

// -------------------------------------------------------------------------------------------------- regions

Interaction Ui::region(std::string_view name, Rect rect, const RegionOptions& options) {
  Region region;
  region.id = id_of(name), region.name = public_scope_ + std::string(name);
  region.rect = rect, region.hit = rect.clipped(clip());
  region.drag = options.drag, region.role = options.role, region.layer = layer_;
  region.enabled = options.enabled;
  region.focusable = options.focusable && options.role != Role::none && options.role != Role::scroll;
  region.scroll = scrolling_.current();

  Interaction out;
  out.pointer = pointer_;
  if (options.enabled) {
    out.hovered = hot_ == region.id;
    out.pressed = pressed_ == region.id;
    out.released = released_ == region.id;
    out.cancelled = out.released && cancelled_;
    out.held = active_ == region.id && !out.released;
    out.dragging = active_ == region.id && dragging_;
    out.clicked = clicked_ == region.id;
    out.focused = focus_ == region.id;
    out.ring = out.focused && focus_by_key_;
    const bool uses_arrows = options.role == Role::slider || options.role == Role::toggle ||
                             options.role == Role::tab || options.role == Role::image;
    if (out.focused && uses_arrows) take_arrows(out);
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
  std::string id = region.id;
  if (regions_.add(std::move(region))) twice_now_.push_back(std::move(id));
  return out;
}

void Ui::take_arrows(Interaction& out) {
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

int Ui::cell(std::string_view name, const Interaction& touch, Rect rect, int rows, int columns, int count) {
  if (count <= 0 || rows <= 0 || columns <= 0) return -1;
  if (touch.hovered && !(touch.ring && by_key())) {
    const int x = std::clamp(int((touch.pointer.x - rect.x) / rect.w * float(columns)), 0, columns - 1);
    const int y = std::clamp(int((touch.pointer.y - rect.y) / rect.h * float(rows)), 0, rows - 1);
    const int index = y * columns + x;
    if (index >= count) return -1;
    return cells_.insert_or_assign(id_of(name), index).first->second;  // arrows go on from here
  }
  if (!touch.ring) return -1;
  int& index = cells_[id_of(name)];
  index = std::min(index, count - 1);
  int x = index % columns, y = index / columns;
  if (touch.home || touch.end) x = touch.home ? 0 : columns - 1;
  x = std::clamp(x + touch.arrow_x, 0, columns - 1);
  y = std::clamp(y + touch.arrow_y, 0, rows - 1);
  if (y * columns + x < count) index = y * columns + x;
  return index;
}

void Ui::light(std::string_view thing) { lit_now_.emplace(thing); }

// ----------------------------------------------------------------------------- scrolls, overlays, tooltips

Rect Ui::begin_scroll(std::string_view name, Rect view) {
  region(name, view, {.role = Role::scroll, .focusable = false});
  const float offset = scrolling_.begin(id_of(name), view);
  push_clip(view);
  return {view.x, view.y - offset, view.w, 1e6f};
}

void Ui::end_scroll(float content_bottom) {
  pop_clip();
  const std::string id(scrolling_.current());
  bool changed = false;
  const Scrolling::Area& area = scrolling_.end(content_bottom, changed);
  if (changed) request_frames(2);
  if (area.most() <= 0.5f) return;
  // A thin thumb that fades when nobody scrolls; under the pointer it stays.
  constexpr double kStays = 1.2;  // seconds
  const bool recent = time_ - area.touched < kStays;
  const bool warm = recent || (pointer_inside_ && !touch() && area.rect.contains(pointer_));
  const float shown = motion_.animate("scroll-thumb:" + id, warm ? 1.f : 0.f, 180);
  if (recent) request_frames(2);
  if (shown < 0.01f) return;
  const float length = std::max(28.f, area.view * area.view / area.content);
  const float y = area.rect.y + (area.view - length) * area.offset / area.most();
  fill({area.rect.right() - 6, y + 2, 4, length - 4}, fade(theme().faint, 0.55f * shown), 2);
}

void Ui::begin_overlay(bool modal) {
  overlay_now_ = overlay_now_ || modal;
  layer_ = 1;
  draw_above();
}

void Ui::end_overlay() {
  layer_ = 0;
  draw_below();
}

void Ui::tooltip(std::string_view key, Rect anchor, Tooltip content) {
  if (shown_ && pinned_ == shown_->key) return;  // a pinned one stays
  shown_ = std::make_unique<Shown>(Shown{id_of(key), anchor, std::move(content)});
}

void Ui::pin(std::string_view key) {
  const std::string id = id_of(key);
  pinned_ = pinned_ == id ? std::string() : id;
  request_frames();
}

}  // namespace neurona::app
