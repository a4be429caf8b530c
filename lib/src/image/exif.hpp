// Which way up a picture is.
#pragma once

#include <cstdint>
#include <span>

namespace neurona::image {

/// EXIF's orientation, 1 (upright) to 8, from a JPEG or PNG file; 1 where there is none or it makes no sense.
/// (JEITA CP-3451, tag 0x0112.)
int orientation(std::span<const std::uint8_t> bytes);

}  // namespace neurona::image
