// Random numbers that are the same on every platform: the standard library's distributions are not.
#pragma once

#include <cstdint>
#include <span>

namespace neurona {

/// xoshiro256** 1.0 (Blackman and Vigna 2018), seeded through splitmix64. Not for cryptography.
class Rng {
 public:
  explicit Rng(std::uint64_t seed = 0);

  std::uint64_t next();
  /// Uniform in [0, 1), 24 random bits.
  float uniform();
  float uniform(float low, float high) { return low + (high - low) * uniform(); }
  /// Uniform integer in [0, bound), without bias (Lemire 2019); bound >= 1.
  std::uint32_t below(std::uint32_t bound);
  /// Standard normal by the polar method of Marsaglia.
  float normal();
  /// Standard normal, redrawn until it lies within two deviations (Keras' `truncated_normal`).
  float truncated_normal();
  /// Fisher-Yates.
  void shuffle(std::span<std::int32_t> values);
  /// An independent stream for one purpose (say, one epoch): same parent and label, same stream.
  Rng fork(std::uint64_t label) const;

 private:
  std::uint64_t state_[4];
};

}  // namespace neurona
