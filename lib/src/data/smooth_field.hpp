// A smooth random displacement of the plane: uniform cubic B-splines over a coarse grid of random vectors.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>

#include "neurona/random.hpp"

namespace neurona::data {

/// Displacement of points in the unit square. At the grid's points its deviation is `amount` along each axis.
class SmoothField {
 public:
  static constexpr int kMaxCells = 8;

  SmoothField(Rng& rng, int cells, float amount) : cells_(cells) {
    // The weights at a knot are (1/6, 4/6, 1/6) along each axis: their squares sum to 1/2, squared for two axes.
    const float deviation = amount * 2.0f;
    const int knots = cells + 3;
    for (int i = 0; i < knots * knots; ++i) knots_[i] = {deviation * rng.truncated_normal(), deviation * rng.truncated_normal()};
  }

  /// Weights of the four knots around a place; `first` is the first of them.
  struct Taps {
    int first;
    std::array<float, 4> weight;
  };
  Taps taps(float place) const {
    const float at = std::clamp(place, 0.0f, 1.0f) * static_cast<float>(cells_);
    const int first = std::min(static_cast<int>(at), cells_ - 1);
    const float t = at - static_cast<float>(first), u = 1.0f - t;
    return {first,
            {u * u * u / 6.0f, (3.0f * t * t * t - 6.0f * t * t + 4.0f) / 6.0f,
             (3.0f * u * u * u - 6.0f * u * u + 4.0f) / 6.0f, t * t * t / 6.0f}};
  }
  std::array<float, 2> at(const Taps& x, const Taps& y) const {
    std::array<float, 2> sum{};
    for (int j = 0; j < 4; ++j)
      for (int i = 0; i < 4; ++i) {
        const std::array<float, 2>& knot = knots_[(y.first + j) * (cells_ + 3) + x.first + i];
        sum[0] += x.weight[i] * y.weight[j] * knot[0];
        sum[1] += x.weight[i] * y.weight[j] * knot[1];
      }
    return sum;
  }
  std::array<float, 2> at(float x, float y) const { return at(taps(x), taps(y)); }

 private:
  int cells_;
  std::array<std::array<float, 2>, (kMaxCells + 3) * (kMaxCells + 3)> knots_;
};

}  // namespace neurona::data
