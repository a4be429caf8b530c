// Digits as a pen draws them: lines, not pixels.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "neurona/random.hpp"

namespace neurona::data {

/// A place of the pen; x to the right, y down, any unit.
struct Point {
  float x = 0.0f;
  float y = 0.0f;
};
/// From where the pen comes down to where it goes up.
using Stroke = std::vector<Point>;
using Strokes = std::vector<Stroke>;

inline constexpr int kDigitSide = 28;
inline constexpr int kDigitPixels = kDigitSide * kDigitSide;
using DigitImage = std::array<std::uint8_t, kDigitPixels>;

struct PrepareOptions {
  /// Half the width of the line in pixels of the 28x28 image, in [0.3, 4]. At 1.2 the mean ink of pen-drawn digits is that of
  /// MNIST's training images, 102 pixels' worth (measured: 103.4 over UNIPEN's digits, 102.4).
  float pen_radius = 1.2f;
  /// Drawings smaller than this (in the strokes' unit) are not enlarged to fill the box, so that a tap stays a dot.
  float smallest_extent = 0.0f;
};

/// Draws the strokes as MNIST was made: the ink fits a box of 20x20 keeping its proportions, antialiased, then the centre
/// of mass lies in the middle of 28x28 (or as near as it can with all ink inside). 0 is ground, 255 ink. It does not
/// matter where, how large or how thick somebody drew. Points that are not finite are ignored; no points give an empty image.
/// Errors: ValueError for a radius out of range.
DigitImage prepare_digit(const Strokes& strokes, const PrepareOptions& options = {});

/// How much `distort` changes; each is the deviation (or reach) of one random amount.
struct DistortOptions {
  float rotation = 0.12f;   ///< radians
  float shear = 0.15f;      ///< horizontal slant: dx per dy
  float aspect = 0.12f;     ///< logarithm of width to height
  float bend = 0.05f;       ///< reach of a smooth displacement, as a share of the extent
  float jitter = 0.008f;    ///< of each point, as a share of the extent
};

/// The strokes as another hand might have drawn them.
Strokes distort(const Strokes& strokes, Rng& rng, const DistortOptions& options = {});

/// A labelled drawing and who made it.
struct PenDigit {
  std::string writer;
  int label = 0;
  Strokes strokes;
};

/// Reads drawings from text with a JSON object a line: {"writer": ..., "label": ..., "strokes": [[[x, y], ...], ...]}.
/// Errors: FormatError with the line for what is not of that form.
std::vector<PenDigit> parse_pen_digits(std::string_view text);

}  // namespace neurona::data
