#include "scrolling.hpp"

#include <algorithm>
#include <cmath>

namespace neurona::app {
namespace {

constexpr float kInertiaPerSecond = 3.2f;
constexpr float kSlowest = 12;  // pixels a second; below, it stands

}  // namespace

Scrolling::Area* Scrolling::find(std::string_view name) {
  const auto it = areas_.find(name);
  return it == areas_.end() ? nullptr : &it->second;
}

const Scrolling::Area* Scrolling::find(std::string_view name) const {
  const auto it = areas_.find(name);
  return it == areas_.end() ? nullptr : &it->second;
}

float Scrolling::begin(std::string_view name, Rect view) {
  Area& area = areas_[std::string(name)];
  area.rect = view;
  area.view = view.h;
  area.offset = std::clamp(area.offset, 0.f, std::max(0.f, area.most()));
  stack_.emplace_back(name);
  return std::round(area.offset);
}

Scrolling::Area& Scrolling::end(float content_bottom, bool& changed) {
  Area& area = areas_[stack_.back()];
  stack_.pop_back();
  const float content = content_bottom - (area.rect.y - std::round(area.offset));
  changed = std::fabs(content - area.content) > 0.5f;
  area.content = content;
  return area;
}

bool Scrolling::move(Area& area, float dy) {
  const float before = area.offset;
  area.offset = std::clamp(area.offset + dy, 0.f, std::max(0.f, area.most()));
  return area.offset != before;
}

bool Scrolling::roll(double time, float dt, bool reduced_motion, std::string_view held) {
  bool moved = false;
  for (auto& [name, area] : areas_) {
    if (area.velocity == 0 || name == held) continue;
    if (reduced_motion || std::fabs(area.velocity) < kSlowest || !move(area, area.velocity * dt)) {
      area.velocity = 0;
      continue;
    }
    area.touched = time;
    area.velocity *= std::exp(-kInertiaPerSecond * dt);
    moved = true;
  }
  return moved;
}

bool Scrolling::reveal(std::string_view name, Rect rect) {
  Area* area = find(name);
  if (!area) return false;
  const Rect view = area->rect.inset(0, 12);
  if (rect.y < view.y) return move(*area, rect.y - view.y);
  if (rect.bottom() > view.bottom())
    return move(*area, std::min(rect.bottom() - view.bottom(), rect.y - view.y));
  return false;
}

void Scrolling::reset(std::string_view name) {
  if (Area* area = find(name)) area->offset = area->velocity = 0;
}

}  // namespace neurona::app
