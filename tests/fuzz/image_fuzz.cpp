// Pictures: their headers, EXIF's orientation, what stb_image unpacks.
#include <cstddef>
#include <cstdint>
#include <span>

#include "neurona/error.hpp"
#include "neurona/image.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    (void)neurona::decode_image({data, size}, "picture");
  } catch (const neurona::FormatError&) {
  }
  return 0;
}
