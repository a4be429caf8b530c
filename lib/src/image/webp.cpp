#include <webp/decode.h>

#include "image/other_formats.hpp"
#include "neurona/error.hpp"

namespace neurona::image {

Rgba decode_webp(Bytes bytes, const std::string& name) {
  WebPBitstreamFeatures features{};
  const VP8StatusCode status = WebPGetFeatures(bytes.data(), bytes.size(), &features);
  if (status == VP8_STATUS_NOT_ENOUGH_DATA) throw FormatError("'" + name + "' is cut short: its end is missing. Copy or download it again.");
  if (status != VP8_STATUS_OK) throw FormatError("'" + name + "' is damaged: it begins as WebP, and is none.");
  if (features.has_animation != 0) throw FormatError("'" + name + "' is an animation; save one of its frames as a picture.");
  check_size(features.width, features.height, name);
  Rgba image{features.height, features.width, {}};
  image.pixels.resize(static_cast<std::size_t>(image.height * image.width * 4));
  if (WebPDecodeRGBAInto(bytes.data(), bytes.size(), image.pixels.data(), image.pixels.size(), features.width * 4) == nullptr)
    throw FormatError("'" + name + "' is cut short or damaged. Copy or download it again.");
  return image;
}

}  // namespace neurona::image
