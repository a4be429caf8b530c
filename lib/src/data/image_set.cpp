#include "neurona/image_set.hpp"

#include <algorithm>
#include <string>

#include "neurona/error.hpp"

namespace neurona {

ImageSet ImageSet::take(std::int64_t count) const {
  count = std::clamp<std::int64_t>(count, 0, size());
  return {.height = height,
          .width = width,
          .pixels = {pixels.begin(), pixels.begin() + static_cast<std::ptrdiff_t>(count * pixels_per_image())},
          .labels = {labels.begin(), labels.begin() + static_cast<std::ptrdiff_t>(count)}};
}

void ImageSet::push_back(std::span<const std::uint8_t> image, std::uint8_t label) {
  if (static_cast<std::int64_t>(image.size()) != pixels_per_image())
    throw ShapeError("ImageSet: received an image of " + std::to_string(image.size()) + " pixels; the set's images are " +
                     std::to_string(height) + "x" + std::to_string(width) + ".\n  Set height and width before adding images.");
  pixels.insert(pixels.end(), image.begin(), image.end());
  labels.push_back(label);
}

}  // namespace neurona
