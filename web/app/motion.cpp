#include "motion.hpp"

#include <algorithm>

namespace neurona::app {

float Motion::animate(std::string_view key, float target, float ms) {
  auto it = paths_.find(key);
  if (it == paths_.end() || reduced_ || ms <= 0) {
    if (it == paths_.end()) it = paths_.emplace(std::string(key), Path{}).first;
    it->second = {target, target, target, time_, time_};
    return target;
  }
  Path& path = it->second;
  path.seen = time_;
  if (path.to != target) path = {path.value, target, path.value, time_, time_};
  const float t = std::clamp(float((time_ - path.start) * 1000 / double(ms)), 0.f, 1.f);
  const float eased = 1 - (1 - t) * (1 - t) * (1 - t);
  path.value = t >= 1 ? path.to : path.from + (path.to - path.from) * eased;
  moving_ = moving_ || (t < 1 && path.from != path.to);
  return path.value;
}

bool Motion::end() {
  constexpr double kForgottenAfter = 5;  // seconds
  std::erase_if(paths_, [&](const auto& item) { return time_ - item.second.seen > kForgottenAfter; });
  return moving_;
}

}  // namespace neurona::app
