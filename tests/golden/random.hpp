// The generator that generate/common.mjs draws with, so that what a fixture lacks can be drawn again.
#pragma once

#include <cstdint>
#include <vector>

namespace neurona::test {

/// mulberry32.
class Random {
 public:
  explicit Random(std::uint32_t seed) : state_(seed) {}
  /// An integer in [0, n).
  std::int64_t below(std::int64_t n) {
    return static_cast<std::int64_t>(static_cast<double>(next()) / 4294967296.0 * static_cast<double>(n));
  }
  /// `count` integers in [-limit, limit], each times `unit`, plus `offset`.
  std::vector<double> values(std::int64_t count, std::int64_t limit, double unit, double offset = 0.0) {
    std::vector<double> drawn(static_cast<std::size_t>(count));
    for (double& value : drawn) value = offset + static_cast<double>(below(2 * limit + 1) - limit) * unit;
    return drawn;
  }

 private:
  std::uint32_t next() {
    state_ += 0x6d2b79f5u;
    std::uint32_t t = state_;
    t = (t ^ (t >> 15)) * (t | 1u);
    t ^= t + (t ^ (t >> 7)) * (t | 61u);
    return t ^ (t >> 14);
  }
  std::uint32_t state_;
};

}  // namespace neurona::test
