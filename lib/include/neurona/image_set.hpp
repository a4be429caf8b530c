// Labeled 8-bit images, kept as bytes: float MNIST would take four times the memory.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace neurona {

/// `size()` gray images of height x width pixels with a label each; image i begins at pixels[i * height * width].
struct ImageSet {
  int height = 0;
  int width = 0;
  std::vector<std::uint8_t> pixels;
  std::vector<std::uint8_t> labels;

  std::int64_t size() const { return static_cast<std::int64_t>(labels.size()); }
  std::int64_t pixels_per_image() const { return static_cast<std::int64_t>(height) * width; }
  std::span<const std::uint8_t> image(std::int64_t i) const {
    return std::span(pixels).subspan(static_cast<std::size_t>(i * pixels_per_image()),
                                     static_cast<std::size_t>(pixels_per_image()));
  }
  /// The first `count` images (all of them when there are fewer).
  ImageSet take(std::int64_t count) const;
  /// Appends one image. Errors: ShapeError when its size differs.
  void push_back(std::span<const std::uint8_t> image, std::uint8_t label);
};

}  // namespace neurona
