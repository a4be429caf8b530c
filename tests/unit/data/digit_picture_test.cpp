#include "neurona/data/digit_picture.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>

#include "neurona/data/embedded_digits.hpp"
#include "neurona/error.hpp"
#include "neurona/random.hpp"

using namespace neurona;
using namespace neurona::data;

namespace {

constexpr int kSide = 200;

// A digit that the library draws, five times as large, in the middle of white paper: dark ink.
struct Picture {
  explicit Picture(std::int64_t index) : values(static_cast<std::size_t>(kSide * kSide), 0.9f) {
    constexpr int times = 5;
    const ImageSet digits = embedded_digits({.count = 1, .first = index, .seed = 3});
    std::copy(digits.pixels.begin(), digits.pixels.end(), original.begin());
    const int begin = (side - 28 * times) / 2;
    for (int y = 0; y < 28 * times; ++y)
      for (int x = 0; x < 28 * times; ++x) {
        const float ink = static_cast<float>(original[static_cast<std::size_t>((y / times) * 28 + x / times)]) / 255.0f;
        at(begin + x, begin + y) = 0.9f - 0.75f * ink;
      }
  }
  float& at(int x, int y) { return values[static_cast<std::size_t>(y * side + x)]; }
  void change(const std::function<float(int x, int y, float value)>& how) {
    for (int y = 0; y < side; ++y)
      for (int x = 0; x < side; ++x) at(x, y) = how(x, y, at(x, y));
  }
  Image image() const {
    Image picture{side, side, {}};
    for (const float value : values) picture.pixels.insert(picture.pixels.end(), 3, static_cast<std::uint8_t>(std::lround(255 * std::clamp(value, 0.0f, 1.0f))));
    return picture;
  }
  static constexpr int side = kSide;
  std::vector<float> values;
  DigitImage original{};
};

// 1 for the same picture, 0 for nothing in common; the best of shifts by up to two pixels.
double likeness(const DigitImage& a, const DigitImage& b) {
  double best = 0.0;
  for (int dy = -2; dy <= 2; ++dy)
    for (int dx = -2; dx <= 2; ++dx) {
      double ab = 0, aa = 0, bb = 0;
      for (int y = 0; y < 28; ++y)
        for (int x = 0; x < 28; ++x) {
          const int sx = x + dx, sy = y + dy;
          const double p = a[static_cast<std::size_t>(y * 28 + x)], q = sx < 0 || sy < 0 || sx > 27 || sy > 27 ? 0.0 : b[static_cast<std::size_t>(sy * 28 + sx)];
          ab += p * q, aa += p * p, bb += q * q;
        }
      if (aa > 0 && bb > 0) best = std::max(best, ab / std::sqrt(aa * bb));
    }
  return best;
}

// Two different digits give 0.3 to 0.75. A prepared digit may be larger or smaller than the original by one pixel of 20: its soft edge counts as
// ink or not. What a fault changes is less than that.
constexpr double kSameButForSize = 0.85, kSame = 0.93;

// Each digit, with a fault, is found as it is on plain paper, and that is as it was drawn.
void check_all(const std::string& fault, const std::function<void(Picture&)>& spoil) {
  for (std::int64_t index = 0; index < 10; ++index) {
    INFO(fault, ", digit ", index);
    Picture picture(index);
    spoil(picture);
    std::string reason;
    const auto found = find_digit(picture.image(), &reason);
    REQUIRE_MESSAGE(found.has_value(), reason);
    CHECK(likeness(found->digit, picture.original) > kSameButForSize);
    CHECK(likeness(found->digit, find_digit(Picture(index).image())->digit) > kSame);
    CHECK(found->box.left >= 30);
    CHECK(found->box.right <= kSide - 30);
  }
}

}  // namespace

TEST_CASE("A digit on plain paper is found and prepared as it was, dark or light") {
  check_all("plain", [](Picture&) {});
  check_all("light on dark", [](Picture& p) { p.change([](int, int, float v) { return 1.0f - v; }); });
  check_all("faint", [](Picture& p) { p.change([](int, int, float v) { return 0.5f + 0.35f * v; }); });
  check_all("noisy", [](Picture& p) {
    Rng rng(7);
    p.change([&](int, int, float v) { return v + 0.05f * (rng.uniform() + rng.uniform() - 1.0f); });
  });
}

TEST_CASE("Light that changes over the paper is no ink: shadows, falling light, dark corners, the edge of a table") {
  check_all("shadow with a hard edge", [](Picture& p) { p.change([](int x, int y, float v) { return x + y / 3 > 120 ? 0.6f * v : v; }); });
  check_all("shadow with a soft edge", [](Picture& p) { p.change([](int x, int y, float v) { return v * (0.6f + 0.4f / (1 + std::exp(static_cast<float>(y - x / 2 - 40) / 8))); }); });
  check_all("gradient", [](Picture& p) { p.change([](int x, int, float v) { return v * (1.0f - 0.5f * static_cast<float>(x) / kSide); }); });
  check_all("vignette", [](Picture& p) {
    p.change([](int x, int y, float v) { return v * (1.0f - 0.5f * static_cast<float>((x - 100) * (x - 100) + (y - 100) * (y - 100)) / 20000.0f); });
  });
  check_all("table at the left", [](Picture& p) { p.change([](int x, int y, float v) { return x < 14 + y / 30 ? 0.15f : v; }); });
  check_all("table below", [](Picture& p) { p.change([](int, int y, float v) { return y > 182 ? 0.1f : v; }); });
}

TEST_CASE("Lines, frames and specks are not the digit") {
  check_all("ruled", [](Picture& p) { p.change([](int x, int y, float v) { return (y + x / 40) % 22 == 0 ? std::min(v, 0.55f) : v; }); });
  check_all("squared", [](Picture& p) { p.change([](int x, int y, float v) { return y % 19 == 0 || x % 19 == 0 ? std::min(v, 0.6f) : v; }); });
  check_all("thin frame", [](Picture& p) {
    p.change([](int x, int y, float v) { return std::max(std::abs(x - 100), std::abs(y - 100)) == 92 ? 0.1f : v; });
  });
  check_all("thick frame", [](Picture& p) {
    p.change([](int x, int y, float v) { const int d = std::max(std::abs(x - 100), std::abs(y - 100)); return d >= 86 && d < 94 ? 0.1f : v; });
  });
  check_all("specks", [](Picture& p) {
    p.change([](int x, int y, float v) { return std::hypot(static_cast<float>(x - 15), static_cast<float>(y - 20)) < 4 || std::hypot(static_cast<float>(x - 185), static_cast<float>(y - 150)) < 3 ? 0.1f : v; });
  });
}

TEST_CASE("A picture of 28x28 is prepared like all others: MNIST's measures stay, others are put right") {
  for (std::int64_t index = 0; index < 10; ++index) {
    INFO("digit ", index);
    const ImageSet digits = embedded_digits({.count = 1, .first = index, .seed = 4});
    DigitImage original{};
    std::copy(digits.pixels.begin(), digits.pixels.end(), original.begin());
    const auto as_picture = [&](int dx, int dy, int scale) {
      Image image{28, 28, std::vector<std::uint8_t>(28 * 28 * 3)};
      for (int y = 0; y < 28; ++y)
        for (int x = 0; x < 28; ++x) {
          const int sx = (x - dx - 14) * scale / 10 + 14, sy = (y - dy - 14) * scale / 10 + 14;
          const std::uint8_t ink = sx < 0 || sy < 0 || sx > 27 || sy > 27 ? 0 : original[static_cast<std::size_t>(sy * 28 + sx)];
          std::fill_n(&image.pixels[static_cast<std::size_t>(y * 28 + x) * 3], 3, ink);
        }
      return image;
    };
    const DigitImage in_place = find_digit(as_picture(0, 0, 10))->digit;
    CHECK(likeness(in_place, original) > 0.97);
    for (const auto& [dx, dy] : {std::pair{3, 0}, {0, -3}, {-3, 3}}) {
      INFO("moved by ", dx, ", ", dy);
      CHECK(likeness(find_digit(as_picture(dx, dy, 10))->digit, in_place) > 0.93);  // some ink leaves the picture
    }
    // Half as large and off the middle by 6 pixels.
    CHECK(likeness(find_digit(as_picture(6, -6, 20))->digit, original) > 0.75);
  }
}

TEST_CASE("Thin lines become a pen's, wherever the digit is") {
  for (const int thickness : {1, 2, 4}) {
    INFO("thickness ", thickness);
    Image image{700, 700, std::vector<std::uint8_t>(700 * 700 * 3, 235)};
    for (int y = 60; y < 640; ++y)  // a slanted bar
      for (int x = 430 - y / 4; x < 430 - y / 4 + thickness; ++x) std::fill_n(&image.pixels[static_cast<std::size_t>(y * 700 + x) * 3], 3, std::uint8_t{20});
    const auto found = find_digit(image);
    REQUIRE(found.has_value());
    int ink = 0;
    for (const std::uint8_t value : found->digit) ink += value;
    CHECK(ink / 255.0 / 20 > 1.5);  // pixels of ink in each of its 20 rows
    CHECK(ink / 255.0 / 20 < 4.0);
    CHECK(found->box.top <= 62);
    CHECK(found->box.bottom >= 638);
  }
}

TEST_CASE("Colors of equal brightness are told apart") {
  Picture picture(3);
  Image image = picture.image();
  for (std::size_t i = 0; i < image.pixels.size(); i += 3) {  // red on green
    const bool is_ink = image.pixels[i] < 128;
    const std::uint8_t ink[3] = {200, 40, 60}, ground[3] = {60, 115, 40};
    std::copy_n(is_ink ? ink : ground, 3, &image.pixels[i]);
  }
  const auto found = find_digit(image);
  REQUIRE(found.has_value());
  CHECK(likeness(found->digit, picture.original) > 0.85);
}

TEST_CASE("Of several digits the picture says so") {
  Picture left(2), right(7);
  Image both{kSide, 2 * kSide, {}};
  for (int y = 0; y < kSide; ++y)
    for (int x = 0; x < 2 * kSide; ++x) {
      const float value = x < kSide ? left.at(x, y) : right.at(x - kSide, y);
      both.pixels.insert(both.pixels.end(), 3, static_cast<std::uint8_t>(std::lround(255 * value)));
    }
  const auto found = find_digit(both);
  REQUIRE(found.has_value());
  CHECK(found->others == 1);
  CHECK(std::max(likeness(found->digit, left.original), likeness(found->digit, right.original)) > kSameButForSize);
  CHECK(find_digit(left.image())->others == 0);
}

TEST_CASE("Where there is no digit, the reason is told") {
  std::string reason;
  const auto nothing = [&](const std::function<float(int, int)>& value) {
    Picture picture(0);
    picture.change([&](int x, int y, float) { return value(x, y); });
    reason.clear();
    return !find_digit(picture.image(), &reason).has_value();
  };
  CHECK(nothing([](int, int) { return 0.8f; }));
  CHECK(reason == "it is all of one color");
  CHECK(nothing([](int x, int y) { return 0.9f - 0.4f * static_cast<float>(x + y) / 400; }));
  Rng rng(1);
  CHECK(nothing([&](int, int) { return 0.8f + 0.1f * (rng.uniform() + rng.uniform() - 1.0f); }));
  CHECK(reason == "nothing stands out from its ground but lines, specks or noise");
  CHECK(nothing([](int, int y) { return y % 20 == 3 ? 0.5f : 0.9f; }));
  CHECK(nothing([](int x, int y) { return y % 20 == 3 || x % 20 == 7 ? 0.5f : 0.9f; }));
  CHECK(nothing([](int x, int y) { return (x - 60) * (x - 60) + (y - 90) * (y - 90) < 5 ? 0.2f : 0.9f; }));
  CHECK(nothing([](int x, int y) { return x > 70 && x < 130 && y > 60 && y < 130 ? 0.2f : 0.9f; }));
  CHECK(reason == "what stands out is a blot, no strokes");
  CHECK_THROWS_AS(find_digit(Image{2, 2, {1, 2, 3}}), ValueError);
}
