#include "regions.hpp"

#include <algorithm>

namespace neurona::app {

void Regions::begin() {
  before_.swap(now_);
  now_.clear();
}

bool Regions::add(Region region) {
  const bool twice = std::any_of(now_.begin(), now_.end(), [&](const Region& other) {
    return other.id == region.id || (other.name == region.name && region.role != Role::scroll);
  });
  now_.push_back(std::move(region));
  return twice;
}

const Region* Regions::find(std::string_view id) const {
  for (const Region& region : before_)
    if (region.id == id) return &region;
  return nullptr;
}

const Region* Regions::find_named(std::string_view name) const {
  for (const Region& region : before_)
    if (region.id == name || region.name == name) return &region;
  return nullptr;
}

const Region* Regions::top_at(ImVec2 p, bool overlay) const {
  const Region* best = nullptr;
  for (const Region& region : before_) {
    if (overlay && region.layer == 0) continue;
    if (!region.hit.contains(p)) continue;
    if (!best || region.layer >= best->layer) best = &region;
  }
  return best;
}

const Region* tab_target(const std::vector<Region>& regions, std::string_view focus, bool overlay, int steps) {
  std::vector<const Region*> order{nullptr};  // past either end no control has the focus
  std::ptrdiff_t at = 0;
  for (const Region& region : regions) {
    if (!region.focusable || !region.enabled || (overlay && region.layer == 0)) continue;
    if (region.id == focus) at = std::ptrdiff_t(order.size());
    order.push_back(&region);
  }
  const auto count = std::ptrdiff_t(order.size());
  return order[std::size_t(((at + steps) % count + count) % count)];
}

}  // namespace neurona::app
