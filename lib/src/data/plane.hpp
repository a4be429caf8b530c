// Pictures of one float a pixel, and what the search for digits does with them.
#pragma once

#include <cstddef>
#include <vector>

#include "neurona/image.hpp"

namespace neurona::data {

struct Plane {
  Plane(int columns, int rows) : width(columns), height(rows), values(static_cast<std::size_t>(columns) * static_cast<std::size_t>(rows)) {}
  float& at(int x, int y) { return values[static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x)]; }
  float at(int x, int y) const { return values[static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x)]; }
  int width, height;
  std::vector<float> values;  // row by row
};

/// Brightness, 0 to 1, `scale` pixels for each of the picture's: means of areas where it is below 1, else each pixel that many times, a whole
/// number. Where colors of equal brightness differ (ITU-R BT.601), the color channel that differs most.
Plane gray_of(const Image& picture, double scale);
Plane transposed(const Plane& plane);
/// 1 - value
Plane inverted(const Plane& plane);
/// A binomial blur over 3x3.
Plane smoothed(const Plane& plane);
/// Standard deviation of what differs from pixel to pixel: the median of the absolute second differences, so that strokes do not count.
float noise_of(const Plane& plane);
float median_of(const Plane& plane);
/// Morphological closing by a square of 2 * radius + 1: the least over squares around a pixel of the largest value in them. Beyond the border
/// values go on as they do before it.
Plane closing(const Plane& plane, int radius);
/// The largest, the smallest value within a square of 2 * radius + 1.
Plane largest_near(const Plane& plane, int radius);
Plane smallest_near(const Plane& plane, int radius);
/// Greatest value within a disk.
Plane thickened(const Plane& plane, float radius);
/// Mean over a rectangle, in fractions of pixels; 0 outside.
double mean_of(const Plane& plane, double x0, double y0, double x1, double y1);

}  // namespace neurona::data
