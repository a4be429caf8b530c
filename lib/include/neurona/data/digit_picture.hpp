// A digit in a picture of any kind: found on its paper, and prepared as MNIST's digits were.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "neurona/data/strokes.hpp"
#include "neurona/image.hpp"

namespace neurona::data {

/// A rectangle of pixels: columns [left, right), rows [top, bottom).
struct PixelBox {
  std::int64_t left = 0, top = 0, right = 0, bottom = 0;
};

struct DigitPicture {
  DigitImage digit{};  ///< 28x28: ink 255 on 0, its longer side 20, its center of mass in the middle
  PixelBox box;        ///< where it was found, in pixels of the picture
  bool is_light = false;  ///< light ink on darker ground
  int others = 0;  ///< how many other shapes look as much like a digit: the picture may show a number of several
};

/// Finds the digit that a picture shows. The ground may change over the picture (shadows, falling light, a vignette, the edge of a table);
/// ink is what differs from the ground around it, darker or lighter. Lines of ruled or squared paper, printed frames, specks and what
/// touches the picture's border are left out. Strokes that would be thinner than a pen's in 28x28 are thickened. Nothing where no shape
/// stands out: an empty page, noise, lines alone; `reason` says which. Time and memory grow with the picture's pixels; the search itself
/// works on a copy of at most 1 million. Native and WASM find the same.
/// Errors: ValueError for a picture whose pixels do not fit its size.
std::optional<DigitPicture> find_digit(const Image& picture, std::string* reason = nullptr);

}  // namespace neurona::data
