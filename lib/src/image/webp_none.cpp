#include "image/other_formats.hpp"
#include "neurona/error.hpp"

namespace neurona::image {

Rgba decode_webp(Bytes, const std::string& name) {
  throw FormatError("'" + name + "' is a WebP image, which this build does not read (no libwebp). Save it as PNG or JPEG.");
}

}  // namespace neurona::image
