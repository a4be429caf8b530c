#include "occlusion.hpp"

#include <algorithm>
#include <cmath>

#include "neurona/job.hpp"

namespace neurona::app {

void Occlusion::reset() {
  revision_ = -1;
  probability_.clear(), effect_.clear();
}

bool Occlusion::advance(Recognizer& network, const std::array<std::uint8_t, 784>& image, int revision,
                        const Prediction& whole, float budget_ms) {
  if (revision != revision_) {
    reset();
    revision_ = revision;
  }
  constexpr std::size_t kCells = kGrid * kGrid;
  if (probability_.size() == kCells) return false;
  const double end = now_ms() + double(budget_ms);
  while (probability_.size() < kCells && now_ms() < end) {
    const int row = int(probability_.size()) / kGrid, column = int(probability_.size()) % kGrid;
    std::array<std::uint8_t, 784> covered = image;
    const int y0 = row * 2 - 2, x0 = column * 2 - 2;
    for (int y = std::max(0, y0); y < std::min(28, y0 + kPatch); ++y)
      for (int x = std::max(0, x0); x < std::min(28, x0 + kPatch); ++x) covered[std::size_t(y * 28 + x)] = 0;
    probability_.push_back(network.predict(covered, false).probabilities[std::size_t(whole.label)]);
  }
  // Log-odds show the small changes of a network that is sure; the largest one sets the scale.
  const auto odds = [](float p) { return std::log((p + 1e-6f) / (1 - p + 1e-6f)); };
  const float base = odds(whole.probabilities[std::size_t(whole.label)]);
  effect_.assign(kCells, 0.f);
  float most = 1.5f;
  for (std::size_t i = 0; i < probability_.size(); ++i) {
    effect_[i] = base - odds(probability_[i]);
    most = std::max(most, std::fabs(effect_[i]));
  }
  for (float& v : effect_) v /= most;
  return probability_.size() < kCells;
}

}  // namespace neurona::app
