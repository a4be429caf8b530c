// What the layers that slide a window over images share.
#pragma once

#include <string>
#include <vector>

#include "backend/backend.hpp"
#include "neurona/config.hpp"
#include "neurona/error.hpp"
#include "neurona/layers.hpp"
#include "neurona/window.hpp"

namespace neurona::detail {

/// Extents beyond this are a mistake or an attack, not a network of this library.
inline constexpr std::int64_t kMaxExtent = std::int64_t{1} << 20;

/// "(H, W, C)" expected. Errors: ShapeError.
inline void check_image(const std::string& label, const Shape& in) {
  if (in.rank() == 3 && in.elements() > 0) return;
  throw ShapeError(
      label + " received samples of shape " + in.to_string() +
      "; it takes images (height, width, channels).\n  A grey image of 28x28 has shape (28, 28, 1): put "
      "Reshape({.target_shape = {28, 28, 1}}) before it.");
}

/// Errors: ValueError.
inline void check_extent(const std::string& label, const char* option, Extent2D extent) {
  if (extent.height >= 1 && extent.width >= 1 && extent.height <= kMaxExtent && extent.width <= kMaxExtent)
    return;
  throw ValueError(label + ": " + option + " = (" + std::to_string(extent.height) + ", " +
                   std::to_string(extent.width) + "); each must be from 1 to " + std::to_string(kMaxExtent) +
                   ".");
}

struct Window1D {
  std::int64_t out, before;
};

/// Positions of a window along one axis, and the zeros before the first (Keras: the odd one goes behind).
inline Window1D place_window(std::int64_t in, std::int64_t size, std::int64_t stride, Padding padding) {
  if (padding == Padding::valid) return {in < size ? 0 : (in - size) / stride + 1, 0};
  const std::int64_t out = (in + stride - 1) / stride;
  const std::int64_t zeros = (out - 1) * stride + size - in;
  return {out, zeros > 0 ? zeros / 2 : 0};
}

/// in (H, W, C) -> the extents of the window's positions. Errors: ShapeError when the window is larger than
/// the image.
inline Extent2D window_positions(const std::string& label, const Shape& in, Extent2D size, Extent2D strides,
                                 Padding padding) {
  check_image(label, in);
  const Extent2D positions(place_window(in[0], size.height, strides.height, padding).out,
                           place_window(in[1], size.width, strides.width, padding).out);
  if (positions.height < 1 || positions.width < 1)
    throw ShapeError(label + " received images of shape " + in.to_string() + ", smaller than its window of " +
                     std::to_string(size.height) + "x" + std::to_string(size.width) +
                     ".\n  Use padding = Padding::same, or larger images.");
  return positions;
}

/// The window over a batch (N, H, W, C) that window_positions() accepts.
inline Window2D window_over(const Shape& batch, Extent2D size, Extent2D strides, Padding padding) {
  return {.size = size,
          .strides = strides,
          .top = place_window(batch[1], size.height, strides.height, padding).before,
          .left = place_window(batch[2], size.width, strides.width, padding).before};
}

inline Window2D pooling_window(const Shape& batch, const Pooling2DOptions& options) {
  return window_over(batch, options.pool_size, options.strides, options.padding);
}

inline void put_extent(Config& config, const std::string& key, Extent2D extent) {
  config.set(key, std::vector<std::int64_t>{extent.height, extent.width});
}

/// Errors: FormatError.
inline Extent2D get_extent(const Config& config, const std::string& key) {
  const std::vector<std::int64_t> values = config.integers(key);
  if (values.size() != 2)
    throw FormatError("Config: '" + key + "' has " + std::to_string(values.size()) + " numbers; it takes 2.");
  return {values[0], values[1]};
}

}  // namespace neurona::detail
