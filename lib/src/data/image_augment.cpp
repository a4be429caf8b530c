#include "neurona/data/image_augment.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

#include "neurona/data/strokes.hpp"
#include "neurona/error.hpp"

namespace neurona::data {

namespace {

constexpr int kGrid = 4;
constexpr float kMiddle = (kDigitSide - 1) / 2.0f;

// Ink at a place between pixels; 0 beyond the edges.
float sample(std::span<const std::uint8_t> image, float x, float y) {
  const float fx = std::floor(x), fy = std::floor(y);
  const int x0 = static_cast<int>(fx), y0 = static_cast<int>(fy);
  const auto at = [&](int px, int py) {
    return px >= 0 && px < kDigitSide && py >= 0 && py < kDigitSide ? static_cast<float>(image[static_cast<std::size_t>(py * kDigitSide + px)])
                                                                    : 0.0f;
  };
  const float tx = x - fx, ty = y - fy;
  const float top = at(x0, y0) + tx * (at(x0 + 1, y0) - at(x0, y0));
  const float bottom = at(x0, y0 + 1) + tx * (at(x0 + 1, y0 + 1) - at(x0, y0 + 1));
  return top + ty * (bottom - top);
}

// A displacement given at the knots of a coarse grid, smooth in between.
struct Displacement {
  float knots[2][kGrid][kGrid];

  void at(int x, int y, float& dx, float& dy) const {
    constexpr float kScale = static_cast<float>(kGrid - 1) / (kDigitSide - 1);
    const float gx = static_cast<float>(x) * kScale, gy = static_cast<float>(y) * kScale;
    const int x0 = std::min(static_cast<int>(gx), kGrid - 2), y0 = std::min(static_cast<int>(gy), kGrid - 2);
    const auto smooth = [](float t) { return t * t * (3.0f - 2.0f * t); };
    const float tx = smooth(gx - static_cast<float>(x0)), ty = smooth(gy - static_cast<float>(y0));
    const auto blend = [&](const float (&k)[kGrid][kGrid]) {
      const float top = k[y0][x0] + tx * (k[y0][x0 + 1] - k[y0][x0]);
      const float bottom = k[y0 + 1][x0] + tx * (k[y0 + 1][x0 + 1] - k[y0 + 1][x0]);
      return top + ty * (bottom - top);
    };
    dx = blend(knots[0]);
    dy = blend(knots[1]);
  }
};

}  // namespace

void augment_image(std::span<const std::uint8_t> image, std::span<std::uint8_t> varied, Rng& rng, const AugmentOptions& options) {
  constexpr std::size_t kPixels = kDigitSide * kDigitSide;
  if (image.size() != kPixels || varied.size() != kPixels)
    throw ShapeError("augment_image: images of " + std::to_string(image.size()) + " and " + std::to_string(varied.size()) +
                     " pixels; both must have 28x28 = 784.");
  const auto draw = [&](float reach) { return rng.uniform(-reach, reach); };
  const float angle = draw(options.rotation), shear = draw(options.shear);
  const float zoom_x = std::exp(draw(options.zoom)), zoom_y = std::exp(draw(options.zoom));
  const float shift_x = draw(options.shift), shift_y = draw(options.shift);
  Displacement bend;
  for (auto& axis : bend.knots)
    for (auto& row : axis)
      for (float& knot : row) knot = draw(options.elastic);
  const float c = std::cos(angle), s = std::sin(angle);
  for (int y = 0; y < kDigitSide; ++y)
    for (int x = 0; x < kDigitSide; ++x) {
      float dx, dy;
      bend.at(x, y, dx, dy);
      const float u = static_cast<float>(x) - kMiddle - shift_x, v = static_cast<float>(y) - kMiddle - shift_y;
      const float px = zoom_x * (c * u - s * v), py = zoom_y * (s * u + c * v);
      varied[static_cast<std::size_t>(y * kDigitSide + x)] =
          static_cast<std::uint8_t>(sample(image, kMiddle + px + shear * py + dx, kMiddle + py + dy) + 0.5f);
    }
}

Augmentation augmentation(const AugmentOptions& options) {
  const auto check = [](const char* name, float value, float largest) {
    if (!(value >= 0.0f && value <= largest))
      throw ValueError(std::string("augmentation: ") + name + " = " + std::to_string(value) + "; it must be in [0, " +
                       std::to_string(largest) + "].");
  };
  check("shift", options.shift, 14.0f);
  check("rotation", options.rotation, std::numbers::pi_v<float>);
  check("shear", options.shear, 1.0f);
  check("zoom", options.zoom, 1.0f);
  check("elastic", options.elastic, 7.0f);
  return [options](std::span<const std::uint8_t> image, std::span<std::uint8_t> varied, Rng& rng) {
    augment_image(image, varied, rng, options);
  };
}

}  // namespace neurona::data
