#include "digit_image.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "neurona/error.hpp"
#include "neurona/image.hpp"

namespace neurona::cli {

namespace {

constexpr int kSide = 28;
constexpr double kBox = 20.0;
constexpr double kInkThreshold = 0.15;  // of the range between ground and strongest ink

struct Grey {
  int width = 0, height = 0;
  std::vector<float> values;  // ink: 0 ground, 1 strongest
  float at(int x, int y) const { return values[static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x)]; }
};

Grey to_grey(const Image& image) {
  constexpr float kRed = 0.299f, kGreen = 0.587f, kBlue = 0.114f;  // ITU-R BT.601
  Grey grey{static_cast<int>(image.width), static_cast<int>(image.height), std::vector<float>(image.pixels.size() / 3)};
  const std::uint8_t* from = image.pixels.data();
  for (float& value : grey.values) {
    value = (kRed * static_cast<float>(from[0]) + kGreen * static_cast<float>(from[1]) + kBlue * static_cast<float>(from[2])) / 255.0f;
    from += 3;
  }
  return grey;
}

// The ground is what most of the border shows; ink is what differs from it.
void to_ink(Grey& grey) {
  std::vector<float> border;
  for (int x = 0; x < grey.width; ++x) border.insert(border.end(), {grey.at(x, 0), grey.at(x, grey.height - 1)});
  for (int y = 0; y < grey.height; ++y) border.insert(border.end(), {grey.at(0, y), grey.at(grey.width - 1, y)});
  std::nth_element(border.begin(), border.begin() + static_cast<std::ptrdiff_t>(border.size() / 2), border.end());
  const float ground = border[border.size() / 2];
  for (float& v : grey.values) v = std::abs(v - ground);
}

// Mean ink of the rectangle [x0, x1) x [y0, y1), in fractions of pixels.
double mean_ink(const Grey& grey, double x0, double y0, double x1, double y1) {
  double sum = 0.0;
  for (int y = std::max(0, static_cast<int>(y0)); y < std::min<double>(grey.height, y1); ++y)
    for (int x = std::max(0, static_cast<int>(x0)); x < std::min<double>(grey.width, x1); ++x)
      sum += static_cast<double>(grey.at(x, y)) * std::max(0.0, std::min<double>(x + 1, x1) - std::max<double>(x, x0)) *
             std::max(0.0, std::min<double>(y + 1, y1) - std::max<double>(y, y0));
  return sum / ((x1 - x0) * (y1 - y0));
}

// A picture of MNIST's size is taken as it is, but that faint ink is stretched: MNIST's reaches almost 1.
Tensor as_it_is(Grey grey, float strongest) {
  constexpr float kFaint = 0.9f;
  if (strongest < kFaint)
    for (float& v : grey.values) v /= strongest;
  return Tensor({1, kSide, kSide}, grey.values);
}

Tensor prepare(const Grey& grey, float strongest) {
  int left = grey.width, right = -1, top = grey.height, bottom = -1;
  double mass = 0.0, mx = 0.0, my = 0.0;
  for (int y = 0; y < grey.height; ++y)
    for (int x = 0; x < grey.width; ++x) {
      const float ink = grey.at(x, y);
      if (ink < kInkThreshold * strongest) continue;
      left = std::min(left, x), right = std::max(right, x), top = std::min(top, y), bottom = std::max(bottom, y);
      mass += ink, mx += ink * (x + 0.5), my += ink * (y + 0.5);
    }
  const double scale = kBox / std::max(right - left + 1, bottom - top + 1);
  Tensor sample({1, kSide, kSide});
  for (int y = 0; y < kSide; ++y)
    for (int x = 0; x < kSide; ++x) {
      const double sx = (x - kSide / 2) / scale + mx / mass, sy = (y - kSide / 2) / scale + my / mass;
      sample.set(y * kSide + x, std::min(1.0, mean_ink(grey, sx, sy, sx + 1 / scale, sy + 1 / scale) / strongest));
    }
  return sample;
}

}  // namespace

Tensor read_digit_image(const std::string& path) {
  Grey grey = to_grey(read_image(path));
  to_ink(grey);
  const float strongest = *std::max_element(grey.values.begin(), grey.values.end());
  if (strongest <= 0.0f) throw FormatError("'" + path + "' shows no digit: it is all of one colour.");
  return grey.width == kSide && grey.height == kSide ? as_it_is(std::move(grey), strongest) : prepare(grey, strongest);
}

}  // namespace neurona::cli
