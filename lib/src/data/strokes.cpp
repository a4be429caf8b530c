#include "neurona/data/strokes.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "data/smooth_field.hpp"
#include "neurona/error.hpp"

namespace neurona::data {

namespace {

constexpr float kMiddle = 0.5f * kDigitSide;
// MNIST's centers of mass lie in the middle of pixel 14, counted from 0 (measured over the 60,000: 14.01, 14.00).
constexpr float kMassPlace = kMiddle + 0.5f;
// Points nearer to their predecessor than this many pixels of the image change nothing that 8 bits could show.
constexpr float kFinestStep = 0.12f;

struct Segment {
  Point from, to;
};

struct Bounds {
  double left = std::numeric_limits<double>::infinity(), top = left;
  double right = -left, bottom = -left;

  void add(const Point& p) {
    left = std::min<double>(left, p.x), right = std::max<double>(right, p.x);
    top = std::min<double>(top, p.y), bottom = std::max<double>(bottom, p.y);
  }
  bool empty() const { return left > right; }
  double longer_side() const { return std::max(right - left, bottom - top); }
};

bool is_finite(const Point& p) { return std::isfinite(p.x) && std::isfinite(p.y); }

Bounds bounds_of(const Strokes& strokes) {
  Bounds bounds;
  for (const Stroke& stroke : strokes)
    for (const Point& p : stroke)
      if (is_finite(p)) bounds.add(p);
  return bounds;
}

void check_range(const char* name, float value, float low, float high) {
  if (!(value >= low && value <= high))
    throw ValueError(std::string("prepare_digit: ") + name + " " + std::to_string(value) + " is not in [" + std::to_string(low) +
                     ", " + std::to_string(high) + "].");
}

// The strokes as segments of the image, their bounding box in the image's middle.
std::vector<Segment> fit(const Strokes& strokes, const Bounds& bounds, double scale) {
  const double middle_x = 0.5 * (bounds.left + bounds.right), middle_y = 0.5 * (bounds.top + bounds.bottom);
  std::vector<Segment> segments;
  for (const Stroke& stroke : strokes) {
    const std::size_t before = segments.size();
    Point last{};
    bool any = false;
    bool skipped = false;  // whether the stroke's end was left out so far
    Point end{};
    for (const Point& p : stroke) {
      if (!is_finite(p)) continue;
      end = {static_cast<float>((p.x - middle_x) * scale) + kMiddle, static_cast<float>((p.y - middle_y) * scale) + kMiddle};
      if (!any) {
        last = end;
        any = true;
        continue;
      }
      const float dx = end.x - last.x, dy = end.y - last.y;
      skipped = dx * dx + dy * dy < kFinestStep * kFinestStep;
      if (skipped) continue;
      segments.push_back({last, end});
      last = end;
    }
    if (any && (skipped || segments.size() == before)) segments.push_back({last, end});
  }
  return segments;
}

// Ink of each pixel, 0 to 1: a ramp over the distance from the pixel's center to the nearest segment.
class Ink {
 public:
  void draw(std::span<const Segment> segments, float dx, float dy, const PrepareOptions& options) {
    const float radius = 0.5f * options.thickness, reach = radius + 0.5f * options.softness;
    ink_.fill(reach * reach);  // holds squared distances until the end
    for (const Segment& s : segments)
      draw({{s.from.x + dx, s.from.y + dy}, {s.to.x + dx, s.to.y + dy}}, reach);
    const float slope = 1.0f / options.softness;
    for (float& value : ink_) value = std::min(1.0f, (reach - std::sqrt(value)) * slope);
  }

  Point center_of_mass() const {
    double sum = 0.0, sum_x = 0.0, sum_y = 0.0;
    for (int y = 0; y < kDigitSide; ++y)
      for (int x = 0; x < kDigitSide; ++x) {
        const double value = ink_[static_cast<std::size_t>(y * kDigitSide + x)];
        sum += value, sum_x += value * (x + 0.5), sum_y += value * (y + 0.5);
      }
    if (sum <= 0.0) return {kMiddle, kMiddle};
    return {static_cast<float>(sum_x / sum), static_cast<float>(sum_y / sum)};
  }

  DigitImage bytes() const {
    DigitImage image;
    for (std::size_t i = 0; i < image.size(); ++i) image[i] = static_cast<std::uint8_t>(ink_[i] * 255.0f + 0.5f);
    return image;
  }

 private:
  static int pixel(float place) { return std::clamp(static_cast<int>(place), 0, kDigitSide); }

  void draw(const Segment& s, float reach) {
    constexpr int kBlock = 4;  // pixels done together, which compilers turn into vector instructions
    const int left = pixel(std::min(s.from.x, s.to.x) - reach) / kBlock * kBlock;
    const int right = pixel(std::max(s.from.x, s.to.x) + reach + 1.0f);
    const int top = pixel(std::min(s.from.y, s.to.y) - reach), bottom = pixel(std::max(s.from.y, s.to.y) + reach + 1.0f);
    const float along_x = s.to.x - s.from.x, along_y = s.to.y - s.from.y;
    const float length = along_x * along_x + along_y * along_y;
    const float per_length = length > 0.0f ? 1.0f / length : 0.0f;
    for (int y = top; y < bottom; ++y) {
      const float py = static_cast<float>(y) + 0.5f - s.from.y;
      for (int block = left; block < right; block += kBlock) {
        float* ink = ink_.data() + y * kDigitSide + block;
        for (int x = 0; x < kBlock; ++x) {
          const float px = static_cast<float>(block + x) + 0.5f - s.from.x;
          float t = (px * along_x + py * along_y) * per_length;
          t = t < 0.0f ? 0.0f : t;
          t = t > 1.0f ? 1.0f : t;
          const float off_x = px - t * along_x, off_y = py - t * along_y;
          const float distance = off_x * off_x + off_y * off_y;
          ink[x] = distance < ink[x] ? distance : ink[x];
        }
      }
    }
  }

  static_assert(kDigitSide % 4 == 0);
  alignas(16) std::array<float, kDigitSide * kDigitSide> ink_;
};

// The shift that brings `mass` to the middle, as far as the ink [low, high] stays in the frame.
float centring_shift(float mass, float low, float high) {
  return std::clamp(kMassPlace - mass, std::min(0.0f, -low), std::max(0.0f, kDigitSide - high));
}

}  // namespace

DigitImage prepare_digit(const Strokes& strokes, const PrepareOptions& options) {
  check_range("thickness", options.thickness, 0.5f, 10.0f);
  check_range("softness", options.softness, 0.1f, 4.0f);
  check_range("box", options.box, 4.0f, 28.0f);
  const Bounds bounds = bounds_of(strokes);
  if (bounds.empty()) return {};
  const double side = bounds.longer_side();
  const bool is_tap = !(side > std::max<double>(options.tap_size, 0.0));
  const double scale = is_tap ? 0.0 : std::max<double>(options.box - options.thickness, 1.0) / side;
  const std::vector<Segment> segments = fit(strokes, bounds, scale);

  Ink ink;
  ink.draw(segments, 0.0f, 0.0f, options);
  const Point mass = ink.center_of_mass();
  const float edge = 0.5f * (options.thickness + options.softness);
  const float half_width = static_cast<float>(0.5 * (bounds.right - bounds.left) * scale) + edge;
  const float half_height = static_cast<float>(0.5 * (bounds.bottom - bounds.top) * scale) + edge;
  ink.draw(segments, centring_shift(mass.x, kMiddle - half_width, kMiddle + half_width),
           centring_shift(mass.y, kMiddle - half_height, kMiddle + half_height), options);
  return ink.bytes();
}

Strokes distort(const Strokes& strokes, Rng& rng, const DistortOptions& options) {
  for (const float amount : {options.rotation, options.shear, options.aspect, options.elastic, options.jitter})
    if (!(amount >= 0.0f && amount <= 360.0f))
      throw ValueError("distort: an amount of " + std::to_string(amount) + "; amounts are deviations, from 0 upwards.");
  if (options.elastic_cells < 1 || options.elastic_cells > SmoothField::kMaxCells)
    throw ValueError("distort: elastic_cells " + std::to_string(options.elastic_cells) + " is not in [1, 8].");
  const Bounds bounds = bounds_of(strokes);
  const float angle = options.rotation * rng.truncated_normal() * std::numbers::pi_v<float> / 180.0f;
  const float shear = options.shear * rng.truncated_normal();
  const float stretch = std::exp(0.5f * options.aspect * rng.truncated_normal());
  const SmoothField field(rng, options.elastic_cells, options.elastic);
  if (bounds.empty() || !(bounds.longer_side() > 0.0)) return strokes;

  const double side = bounds.longer_side();
  const double middle_x = 0.5 * (bounds.left + bounds.right), middle_y = 0.5 * (bounds.top + bounds.bottom);
  const float cosine = std::cos(angle), sine = std::sin(angle);
  Strokes varied = strokes;
  for (Stroke& stroke : varied)
    for (Point& p : stroke) {
      if (!is_finite(p)) continue;
      const auto u = static_cast<float>((p.x - middle_x) / side), v = static_cast<float>((p.y - middle_y) / side);
      const auto [bend_x, bend_y] = field.at(u + 0.5f, v + 0.5f);
      float x = u + bend_x, y = v + bend_y;
      if (options.jitter > 0.0f) x += options.jitter * rng.truncated_normal(), y += options.jitter * rng.truncated_normal();
      x = (x - shear * y) * stretch, y /= stretch;
      p = {static_cast<float>((cosine * x - sine * y) * side + middle_x), static_cast<float>((sine * x + cosine * y) * side + middle_y)};
    }
  return varied;
}

}  // namespace neurona::data
