#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "../recognizer.hpp"

namespace neurona::app {

/// How much each part of an image supports its reading: a patch of 6x6 is blanked at every second pixel and
/// the network asked again (Zeiler & Fergus 2014). Works in slices.
class Occlusion {
 public:
  static constexpr int kGrid = 14, kPatch = 6;

  void reset();
  /// Goes on for about `budget_ms`; starts over when `revision` changed. True while there is more to do.
  bool advance(Recognizer& network, const std::array<std::uint8_t, 784>& image, int revision,
               const Prediction& whole, float budget_ms);
  /// kGrid x kGrid, scaled to -1..1: > 0 where covering lowers the winner's probability.
  const std::vector<float>& effect() const { return effect_; }
  /// The winner's probability with each patch covered, as far as computed.
  const std::vector<float>& probability() const { return probability_; }

 private:
  int revision_ = -1;
  std::vector<float> probability_, effect_;
};

}  // namespace neurona::app
