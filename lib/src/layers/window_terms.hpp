// Which values a window meets, for the layers that explain theirs. Images (N,H,W,C), positions (N,OH,OW,F).
#pragma once

#include <algorithm>
#include <cstdint>

#include "backend/backend.hpp"
#include "neurona/terms.hpp"

namespace neurona::detail {

/// A value of an image: pixel y, x and channel c.
struct ImageIndex {
  std::int64_t y, x, c;

  ImageIndex(const Shape& images, std::int64_t index)
      : y(index / (images[2] * images[3])), x(index / images[3] % images[2]), c(index % images[3]) {}
};

/// Calls visit(tap, pixel) for the taps of the window at a position, row by row, that lie inside the image;
/// both are numbered row by row.
template <class Visit>
void for_taps(const Window2D& window, const Shape& images, const ImageIndex& position, Visit visit) {
  for (std::int64_t ky = 0; ky < window.size.height; ++ky)
    for (std::int64_t kx = 0; kx < window.size.width; ++kx) {
      const std::int64_t y = position.y * window.strides.height + ky - window.top,
                         x = position.x * window.strides.width + kx - window.left;
      if (y >= 0 && y < images[1] && x >= 0 && x < images[2])
        visit(ky * window.size.width + kx, y * images[2] + x);
    }
}

/// Along one axis: the positions [first, last] whose window covers `at`.
struct Covering {
  std::int64_t first, last;

  Covering(std::int64_t at, std::int64_t size, std::int64_t stride, std::int64_t before,
           std::int64_t positions)
      : first(std::max<std::int64_t>(0, (at + before - size + stride) / stride)),
        last(std::min(positions - 1, (at + before) / stride)) {}
};

/// Calls visit(tap, position) for the positions whose window covers a pixel.
template <class Visit>
void for_positions(const Window2D& window, const Shape& positions, const ImageIndex& pixel, Visit visit) {
  const Covering rows(pixel.y, window.size.height, window.strides.height, window.top, positions[1]),
      columns(pixel.x, window.size.width, window.strides.width, window.left, positions[2]);
  for (std::int64_t y = rows.first; y <= rows.last; ++y)
    for (std::int64_t x = columns.first; x <= columns.last; ++x) {
      const std::int64_t ky = pixel.y + window.top - y * window.strides.height,
                         kx = pixel.x + window.left - x * window.strides.width;
      visit(ky * window.size.width + kx, y * positions[2] + x);
    }
}

}  // namespace neurona::detail
