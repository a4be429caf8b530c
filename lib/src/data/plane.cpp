#include "data/plane.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

namespace neurona::data {

namespace {

// Adds up channels of the picture's pixels into those of the smaller plane, each pixel's share by the area that it covers.
std::array<Plane, 3> reduced(const Image& picture, double scale) {
  const int width = std::max(1, static_cast<int>(std::floor(static_cast<double>(picture.width) * scale)));
  const int height = std::max(1, static_cast<int>(std::floor(static_cast<double>(picture.height) * scale)));
  std::array<Plane, 3> planes = {Plane(width, height), Plane(width, height), Plane(width, height)};
  const double step_x = static_cast<double>(picture.width) / width, step_y = static_cast<double>(picture.height) / height;
  std::vector<float> row(static_cast<std::size_t>(width) * 3);
  for (int y = 0; y < height; ++y) {
    std::fill(row.begin(), row.end(), 0.0f);
    const double top = y * step_y, bottom = std::min((y + 1) * step_y, static_cast<double>(picture.height));
    float weight_y = 0.0f;
    for (auto iy = static_cast<std::int64_t>(top); static_cast<double>(iy) < bottom - 1e-9; ++iy) {
      const auto share_y = static_cast<float>(std::min<double>(static_cast<double>(iy) + 1, bottom) - std::max<double>(static_cast<double>(iy), top));
      weight_y += share_y;
      const std::uint8_t* line = picture.pixels.data() + iy * picture.width * 3;
      for (int x = 0; x < width; ++x) {
        const double left = x * step_x, right = std::min((x + 1) * step_x, static_cast<double>(picture.width));
        float sums[3] = {}, weight = 0.0f;
        for (auto ix = static_cast<std::int64_t>(left); static_cast<double>(ix) < right - 1e-9; ++ix) {
          const auto share = static_cast<float>(std::min<double>(static_cast<double>(ix) + 1, right) - std::max<double>(static_cast<double>(ix), left));
          weight += share;
          for (int c = 0; c < 3; ++c) sums[c] += share * static_cast<float>(line[ix * 3 + c]);
        }
        for (int c = 0; c < 3; ++c) row[static_cast<std::size_t>(x * 3 + c)] += share_y * sums[c] / weight;
      }
    }
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < 3; ++c) planes[static_cast<std::size_t>(c)].at(x, y) = row[static_cast<std::size_t>(x * 3 + c)] / weight_y / 255.0f;
  }
  return planes;
}

std::array<Plane, 3> repeated(const Image& picture, int times) {
  const int width = static_cast<int>(picture.width) * times, height = static_cast<int>(picture.height) * times;
  std::array<Plane, 3> planes = {Plane(width, height), Plane(width, height), Plane(width, height)};
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < 3; ++c)
        planes[static_cast<std::size_t>(c)].at(x, y) =
            static_cast<float>(picture.pixels[static_cast<std::size_t>(((y / times) * picture.width + x / times) * 3 + c)]) / 255.0f;
  return planes;
}

// Between the 0.2th and the 99.8th of a hundred values.
float range_of(const Plane& plane) {
  std::vector<float> values = plane.values;
  const auto low = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 500), high = values.end() - 1 - static_cast<std::ptrdiff_t>(values.size() / 500);
  std::nth_element(values.begin(), high, values.end());
  const float top = *high;
  std::nth_element(values.begin(), low, values.end());
  return top - *low;
}

// out[i] = extreme of line[i - radius .. i + radius], with `size` values and windows cut at the ends.
template <class Better>
void sliding(const float* line, float* out, int size, int radius, Better better) {
  thread_local std::vector<int> queue;
  queue.resize(static_cast<std::size_t>(size));
  int head = 0, tail = 0;
  for (int i = 0; i < size + radius; ++i) {
    if (i < size) {
      while (tail > head && !better(line[queue[static_cast<std::size_t>(tail - 1)]], line[i])) --tail;
      queue[static_cast<std::size_t>(tail++)] = i;
    }
    const int at = i - radius;
    if (at < 0) continue;
    while (queue[static_cast<std::size_t>(head)] < at - radius) ++head;
    out[at] = line[queue[static_cast<std::size_t>(head)]];
  }
}

// Rows only: 2 * radius values are added at each end, which go on as the row does (mirrored about its end, upside down).
Plane rows_extended(const Plane& plane, int radius) {
  const int extra = 2 * radius;
  Plane wide(plane.width + 2 * extra, plane.height);
  constexpr int kEnd = 5;  // the level at the end is the mean of some pixels, for noise
  const int count = std::min(kEnd, plane.width);
  for (int y = 0; y < plane.height; ++y) {
    float first = 0.0f, last = 0.0f;
    for (int i = 0; i < count; ++i) first += plane.at(i, y) / static_cast<float>(count), last += plane.at(plane.width - 1 - i, y) / static_cast<float>(count);
    for (int i = 0; i < extra; ++i) {
      const int inside = std::min(i + 1, plane.width - 1);
      wide.at(extra - 1 - i, y) = std::max(0.0f, 2.0f * first - plane.at(inside, y));
      wide.at(extra + plane.width + i, y) = std::max(0.0f, 2.0f * last - plane.at(plane.width - 1 - inside, y));
    }
    std::copy_n(&plane.values[static_cast<std::size_t>(y) * static_cast<std::size_t>(plane.width)], plane.width, &wide.at(extra, y));
  }
  return wide;
}

template <class Better>
Plane filtered_rows(const Plane& plane, int radius, Better better) {
  Plane out(plane.width, plane.height);
  for (int y = 0; y < plane.height; ++y)
    sliding(&plane.values[static_cast<std::size_t>(y) * static_cast<std::size_t>(plane.width)], &out.at(0, y), plane.width, radius, better);
  return out;
}

Plane cut(const Plane& plane, int left, int top, int width, int height) {
  Plane part(width, height);
  for (int y = 0; y < height; ++y) std::copy_n(&plane.values[static_cast<std::size_t>(y + top) * static_cast<std::size_t>(plane.width) + static_cast<std::size_t>(left)], width, &part.at(0, y));
  return part;
}

}  // namespace

Plane gray_of(const Image& picture, double scale) {
  constexpr float kRed = 0.299f, kGreen = 0.587f, kBlue = 0.114f;  // ITU-R BT.601
  constexpr float kClearly = 2.0f;
  std::array<Plane, 3> colors = scale > 1.0 ? repeated(picture, static_cast<int>(scale)) : reduced(picture, scale);
  Plane gray(colors[0].width, colors[0].height);
  for (std::size_t i = 0; i < gray.values.size(); ++i)
    gray.values[i] = kRed * colors[0].values[i] + kGreen * colors[1].values[i] + kBlue * colors[2].values[i];
  float most = kClearly * range_of(gray);
  Plane* best = &gray;
  for (Plane& color : colors)
    if (const float range = range_of(color); range > most) most = range, best = &color;
  return *best;
}

Plane transposed(const Plane& plane) {
  Plane turned(plane.height, plane.width);
  constexpr int kBlock = 32;
  for (int by = 0; by < plane.height; by += kBlock)
    for (int bx = 0; bx < plane.width; bx += kBlock)
      for (int y = by; y < std::min(by + kBlock, plane.height); ++y)
        for (int x = bx; x < std::min(bx + kBlock, plane.width); ++x) turned.at(y, x) = plane.at(x, y);
  return turned;
}

Plane inverted(const Plane& plane) {
  Plane out = plane;
  for (float& value : out.values) value = 1.0f - value;
  return out;
}

Plane smoothed(const Plane& plane) {
  Plane out(plane.width, plane.height);
  const auto at = [&](int x, int y) { return plane.at(std::clamp(x, 0, plane.width - 1), std::clamp(y, 0, plane.height - 1)); };
  constexpr float kWeights[3] = {0.25f, 0.5f, 0.25f};
  for (int y = 0; y < plane.height; ++y)
    for (int x = 0; x < plane.width; ++x) {
      float sum = 0.0f;
      for (int dy = -1; dy <= 1; ++dy)
        for (int dx = -1; dx <= 1; ++dx) sum += kWeights[dy + 1] * kWeights[dx + 1] * at(x + dx, y + dy);
      out.at(x, y) = sum;
    }
  return out;
}

float noise_of(const Plane& plane) {
  std::vector<float> differences;
  differences.reserve(plane.values.size());
  for (int y = 0; y < plane.height; ++y)
    for (int x = 1; x + 1 < plane.width; ++x) differences.push_back(std::abs(plane.at(x - 1, y) - 2.0f * plane.at(x, y) + plane.at(x + 1, y)));
  if (differences.empty()) return 0.0f;
  const auto middle = differences.begin() + std::ssize(differences) / 2;
  std::nth_element(differences.begin(), middle, differences.end());
  constexpr float kNormal = 1.4826f, kSecondDifference = 2.4494897f;  // of a normal: median to deviation; sqrt(1 + 4 + 1)
  return *middle * kNormal / kSecondDifference;
}

float median_of(const Plane& plane) {
  std::vector<float> values = plane.values;
  const auto middle = values.begin() + std::ssize(values) / 2;
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

Plane largest_near(const Plane& plane, int radius) {
  const auto larger = [](float a, float b) { return a > b; };
  return transposed(filtered_rows(transposed(filtered_rows(plane, radius, larger)), radius, larger));
}

Plane smallest_near(const Plane& plane, int radius) {
  const auto smaller = [](float a, float b) { return a < b; };
  return transposed(filtered_rows(transposed(filtered_rows(plane, radius, smaller)), radius, smaller));
}

Plane closing(const Plane& plane, int radius) {
  const int extra = 2 * radius;
  const Plane wide = transposed(rows_extended(transposed(rows_extended(plane, radius)), radius));
  return cut(smallest_near(largest_near(wide, radius), radius), extra, extra, plane.width, plane.height);
}

Plane thickened(const Plane& plane, float radius) {
  Plane out = plane;
  const int reach = static_cast<int>(std::ceil(radius));
  for (int dy = -reach; dy <= reach; ++dy)
    for (int dx = -reach; dx <= reach; ++dx) {
      const float far = std::sqrt(static_cast<float>(dx * dx + dy * dy));
      const float share = std::clamp(radius + 0.5f - far, 0.0f, 1.0f);  // a soft rim
      if (share <= 0.0f || (dx == 0 && dy == 0)) continue;
      for (int y = std::max(0, -dy); y < std::min(plane.height, plane.height - dy); ++y)
        for (int x = std::max(0, -dx); x < std::min(plane.width, plane.width - dx); ++x)
          out.at(x, y) = std::max(out.at(x, y), share * plane.at(x + dx, y + dy));
    }
  return out;
}

double mean_of(const Plane& plane, double x0, double y0, double x1, double y1) {
  double sum = 0.0;
  for (int y = std::max(0, static_cast<int>(std::floor(y0))); y < std::min<double>(plane.height, y1); ++y)
    for (int x = std::max(0, static_cast<int>(std::floor(x0))); x < std::min<double>(plane.width, x1); ++x)
      sum += static_cast<double>(plane.at(x, y)) * std::max(0.0, std::min<double>(x + 1, x1) - std::max<double>(x, x0)) *
             std::max(0.0, std::min<double>(y + 1, y1) - std::max<double>(y, y0));
  return sum / ((x1 - x0) * (y1 - y0));
}

}  // namespace neurona::data
