#include "neurona/data/strokes.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <numbers>

#include "neurona/error.hpp"

namespace neurona::data {

namespace {

constexpr float kBox = 20.0f;
constexpr float kMiddle = kDigitSide / 2.0f;
constexpr float kSoftEdge = 0.5f;         // the line fades over one pixel: a box filter seen from the side
constexpr float kShortestStep = 0.15f;    // points nearer than this (in pixels) draw nothing new
constexpr std::size_t kMaxPoints = 1u << 20;

struct Bounds {
  float left = std::numeric_limits<float>::max(), right = std::numeric_limits<float>::lowest();
  float top = left, bottom = right;
  bool empty() const { return left > right; }
  float extent() const { return std::max(right - left, bottom - top); }
};

bool finite(Point p) { return std::isfinite(p.x) && std::isfinite(p.y); }

Bounds bounds_of(const Strokes& strokes) {
  Bounds b;
  for (const Stroke& stroke : strokes)
    for (Point p : stroke) {
      if (!finite(p)) continue;
      b.left = std::min(b.left, p.x);
      b.right = std::max(b.right, p.x);
      b.top = std::min(b.top, p.y);
      b.bottom = std::max(b.bottom, p.y);
    }
  return b;
}

// Coverage of each pixel by round-capped lines, as the squared distance from the pixel's middle to the nearest line.
class Canvas {
 public:
  explicit Canvas(float radius) : reach_(radius + kSoftEdge) { distances_.fill(reach_ * reach_); }

  void line(Point a, Point b) {
    const float dx = b.x - a.x, dy = b.y - a.y;
    const float squared = dx * dx + dy * dy;
    const float inverse = squared > 0.0f ? 1.0f / squared : 0.0f;
    const int left = first(std::min(a.x, b.x)), right = last(std::max(a.x, b.x));
    const int top = first(std::min(a.y, b.y)), bottom = last(std::max(a.y, b.y));
    for (int y = top; y <= bottom; ++y) {
      for (int x = left; x <= right; ++x) {
        const float px = static_cast<float>(x) + 0.5f - a.x, py = static_cast<float>(y) + 0.5f - a.y;
        const float t = std::clamp((px * dx + py * dy) * inverse, 0.0f, 1.0f);
        const float ex = px - t * dx, ey = py - t * dy;
        float& nearest = distances_[static_cast<std::size_t>(y * kDigitSide + x)];
        nearest = std::min(nearest, ex * ex + ey * ey);
      }
    }
  }

  // Ink of a pixel in [0, 1].
  float ink(std::size_t pixel) const { return std::clamp(reach_ - std::sqrt(distances_[pixel]), 0.0f, 1.0f); }

 private:
  int first(float at) const { return std::clamp(static_cast<int>(std::floor(at - reach_)), 0, kDigitSide - 1); }
  int last(float at) const { return std::clamp(static_cast<int>(std::ceil(at + reach_)), 0, kDigitSide - 1); }
  float reach_;
  std::array<float, kDigitPixels> distances_;
};

// A map from the strokes' unit to pixels.
struct Placing {
  float scale, dx, dy;
  Point operator()(Point p) const { return {p.x * scale + dx, p.y * scale + dy}; }
};

Canvas draw(const Strokes& strokes, const Placing& place, float radius) {
  Canvas canvas(radius);
  for (const Stroke& stroke : strokes) {
    bool down = false;
    Point pen;
    for (Point raw : stroke) {
      if (!finite(raw)) continue;
      const Point p = place(raw);
      if (!down)
        canvas.line(p, p);
      else if (std::abs(p.x - pen.x) + std::abs(p.y - pen.y) < kShortestStep)
        continue;
      else
        canvas.line(pen, p);
      pen = p;
      down = true;
    }
  }
  return canvas;
}

}  // namespace

DigitImage prepare_digit(const Strokes& strokes, const PrepareOptions& options) {
  if (!(options.pen_radius >= 0.3f && options.pen_radius <= 4.0f))
    throw ValueError("prepare_digit: pen_radius = " + std::to_string(options.pen_radius) + "; it must be in [0.3, 4].");
  DigitImage image{};
  const Bounds b = bounds_of(strokes);
  if (b.empty()) return image;
  const float radius = options.pen_radius;
  const float extent = std::max(b.extent(), options.smallest_extent);
  const float scale = extent > 0.0f ? (kBox - 2.0f * radius) / extent : 0.0f;
  Placing place{scale, kMiddle - 0.5f * (b.left + b.right) * scale, kMiddle - 0.5f * (b.top + b.bottom) * scale};

  const Canvas centred = draw(strokes, place, radius);
  double mass = 0.0, x_moment = 0.0, y_moment = 0.0;
  for (int y = 0; y < kDigitSide; ++y)
    for (int x = 0; x < kDigitSide; ++x) {
      const double ink = centred.ink(static_cast<std::size_t>(y * kDigitSide + x));
      mass += ink;
      x_moment += ink * (x + 0.5);
      y_moment += ink * (y + 0.5);
    }
  // The ink may not leave the frame: half of what remains beside it bounds the move.
  const auto move = [&](double moment, float size) {
    const float room = std::max(0.0f, kMiddle - radius - 0.5f * size * scale);
    return std::clamp(kMiddle - static_cast<float>(moment / mass), -room, room);
  };
  place.dx += move(x_moment, b.right - b.left);
  place.dy += move(y_moment, b.bottom - b.top);
  const Canvas placed = draw(strokes, place, radius);
  for (std::size_t i = 0; i < image.size(); ++i) image[i] = static_cast<std::uint8_t>(255.0f * placed.ink(i) + 0.5f);
  return image;
}

Strokes distort(const Strokes& strokes, Rng& rng, const DistortOptions& options) {
  const Bounds b = bounds_of(strokes);
  if (b.empty()) return strokes;
  const float extent = std::max(b.extent(), std::numeric_limits<float>::min());
  const float cx = 0.5f * (b.left + b.right), cy = 0.5f * (b.top + b.bottom);
  const float angle = options.rotation * rng.normal(), shear = options.shear * rng.normal();
  const float widen = std::exp(options.aspect * rng.normal());
  const float c = std::cos(angle), s = std::sin(angle);
  // Two waves in random directions, at most one period across the digit, bend it smoothly.
  struct Wave {
    float kx, ky, phase, ax, ay;
  } waves[2];
  for (Wave& wave : waves) {
    const float direction = rng.uniform(0.0f, 2.0f * std::numbers::pi_v<float>), frequency = rng.uniform(2.0f, 6.0f);
    wave = {frequency * std::cos(direction), frequency * std::sin(direction), rng.uniform(0.0f, 2.0f * std::numbers::pi_v<float>),
            options.bend * rng.uniform(-1.0f, 1.0f), options.bend * rng.uniform(-1.0f, 1.0f)};
  }
  Strokes result = strokes;
  for (Stroke& stroke : result)
    for (Point& p : stroke) {
      float x = (p.x - cx) / extent, y = (p.y - cy) / extent;
      const float x0 = x, y0 = y;
      for (const Wave& wave : waves) {
        const float swing = std::sin(wave.kx * x0 + wave.ky * y0 + wave.phase);
        x += wave.ax * swing;
        y += wave.ay * swing;
      }
      x = widen * x - shear * y + options.jitter * rng.normal();
      y += options.jitter * rng.normal();
      p = {cx + extent * (c * x - s * y), cy + extent * (s * x + c * y)};
    }
  return result;
}

std::vector<PenDigit> parse_pen_digits(std::string_view text) {
  using Json = nlohmann::json;
  std::vector<PenDigit> digits;
  std::size_t line_number = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++line_number;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const auto bad = [&](const std::string& what) {
      return FormatError("Pen digits, line " + std::to_string(line_number) + ": " + what +
                         R"( Expected {"writer": "w1", "label": 0 to 9, "strokes": [[[x, y], ...], ...]}.)");
    };
    try {
      const Json json = Json::parse(line);
      PenDigit digit{json.at("writer").is_string() ? json.at("writer").get<std::string>() : json.at("writer").dump(),
                     json.at("label").get<int>(),
                     {}};
      if (digit.label < 0 || digit.label > 9) throw bad("label " + std::to_string(digit.label) + ".");
      std::size_t points = 0;
      for (const Json& stroke : json.at("strokes")) {
        digit.strokes.emplace_back();
        for (const Json& point : stroke) {
          if (++points > kMaxPoints) throw bad("more than " + std::to_string(kMaxPoints) + " points.");
          digit.strokes.back().push_back({point.at(0).get<float>(), point.at(1).get<float>()});
        }
      }
      digits.push_back(std::move(digit));
    } catch (const Json::exception& e) {
      throw bad(std::string(e.what()) + ".");
    }
  }
  return digits;
}

}  // namespace neurona::data
