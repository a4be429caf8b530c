// Pen strokes and how they become the 28x28 images that a network of handwritten digits expects.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "neurona/random.hpp"

namespace neurona::data {

/// A place of the pen, y down, in any unit.
struct Point {
  float x = 0.0f;
  float y = 0.0f;
};
using Stroke = std::vector<Point>;    ///< from pen down to pen up
using Strokes = std::vector<Stroke>;  ///< one drawing

constexpr int kDigitSide = 28;
using DigitImage = std::array<std::uint8_t, kDigitSide * kDigitSide>;

/// How strokes are drawn. Lengths are in pixels of the 28x28 image.
struct PrepareOptions {
  float thickness = 2.6f;  ///< of the pen, [0.5, 10]
  float softness = 1.0f;   ///< width of the ink's soft edge, [0.1, 4]; 1 is what averaging over a pixel gives
  float box = 20.0f;       ///< the ink's longer side, [4, 28]
  float tap_size = 0.0f;   ///< in the unit of the strokes: a drawing no larger than this is a dot
};

/// Draws strokes as MNIST's digits were made: the ink fits a 20x20 box with its aspect kept, antialiased, and lies
/// with its center of mass in the middle of 28x28 (less far where ink would leave the frame). As the pen's
/// thickness is put on afterwards, the image does not depend on where, how large or how thick somebody drew.
/// Points that are not finite are left out; nothing drawn gives a black image. Native and WASM agree within one
/// gray level. Errors: ValueError for options out of their range.
/// Source: LeCun, Bottou, Bengio, Haffner 1998, section III.A.
DigitImage prepare_digit(const Strokes& strokes, const PrepareOptions& options = {});

/// How much a drawing is varied. Each is the deviation of a normal, cut at twice that, but `elastic_cells`.
struct DistortOptions {
  float rotation = 6.0f;      ///< degrees
  float shear = 0.12f;        ///< x moves by this much of y
  float aspect = 0.10f;       ///< logarithm of width against height
  float elastic = 0.02f;      ///< of a smooth displacement, in longer sides of the drawing
  float jitter = 0.003f;      ///< of each point, in longer sides of the drawing
  int elastic_cells = 3;      ///< waves of the displacement across the drawing, [1, 8]
};

/// A variation of a drawing for training: rotated, sheared, stretched and bent at random. (Size and place are not
/// varied: prepare_digit would take both out again.) Errors: ValueError for negative or non-finite amounts.
Strokes distort(const Strokes& strokes, Rng& rng, const DistortOptions& options = {});

/// A digit that somebody drew.
struct LabeledStrokes {
  std::string writer;
  std::uint8_t label = 0;
  Strokes strokes;
};

/// Reads one JSON object a line, {"writer": text, "label": 0-9, "strokes": [[[x, y], ...], ...]}, plain or gzip-compressed.
/// Errors: FormatError with the number of the line; at most 256 MiB, 64 strokes and 20,000 points a digit.
std::vector<LabeledStrokes> read_strokes(std::span<const std::uint8_t> bytes);
/// The same from a file. Errors: also IoError when it cannot be read.
std::vector<LabeledStrokes> read_strokes(const std::filesystem::path& file);

}  // namespace neurona::data
