// Formats that stb_image does not read, or not whole.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "image/segments.hpp"
#include "neurona/image.hpp"

namespace neurona::image {

/// Pixels as red, green, blue and alpha, not multiplied by it.
struct Rgba {
  std::int64_t height = 0, width = 0;
  std::vector<std::uint8_t> pixels;
};

inline bool is_webp(Bytes bytes) { return bytes.size() >= 12 && big_endian(bytes, 0, 4) == 0x52494646 && big_endian(bytes, 8, 4) == 0x57454250; }
inline bool is_tiff(Bytes bytes) {
  return bytes.size() >= 8 && (little_endian(bytes, 0, 4) == 0x002a4949 || big_endian(bytes, 0, 4) == 0x4d4d002a);
}
/// P1 to P6: ASCII or binary, bitmaps, gray or color.
inline bool is_pnm(Bytes bytes) { return bytes.size() >= 2 && bytes[0] == 'P' && bytes[1] >= '1' && bytes[1] <= '6'; }

/// By libwebp (an animation's first frame is refused), by libtiff (a file's first picture). `name` is for messages. Errors: FormatError, also
/// in a build without the library.
Rgba decode_webp(Bytes bytes, const std::string& name);
Rgba decode_tiff(Bytes bytes, const std::string& name);
/// Values of up to 16 bits become 8. Errors: FormatError.
Image decode_pnm(Bytes bytes, const std::string& name);

/// Errors: FormatError for no or too many pixels, with the size.
void check_size(std::int64_t width, std::int64_t height, const std::string& name);

}  // namespace neurona::image
