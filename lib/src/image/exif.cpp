#include "image/exif.hpp"

#include <algorithm>
#include <string_view>

#include "core/byte_order.hpp"
#include "image/segments.hpp"

namespace neurona::image {

namespace {

constexpr int kUpright = 1;
constexpr std::uint32_t kOrientationTag = 0x0112, kShort = 3;

// A TIFF file, which EXIF's tags are in: its first directory.
int from_tiff(Bytes tiff) {
  if (tiff.size() < 8) return kUpright;
  const bool little = tiff[0] == 'I';
  if (tiff[0] != tiff[1] || (!little && tiff[0] != 'M')) return kUpright;
  const auto number = [&](std::size_t at, std::size_t count) {
    return little ? little_endian(tiff, at, count) : big_endian(tiff, at, count);
  };
  const std::size_t directory = number(4, 4);
  if (number(2, 2) != 42 || directory > tiff.size() - 2) return kUpright;
  const std::size_t entries = number(directory, 2);
  constexpr std::size_t kEntry = 12;
  for (std::size_t i = 0; i < entries; ++i) {
    const std::size_t at = directory + 2 + i * kEntry;
    if (at + kEntry > tiff.size()) break;
    if (number(at, 2) != kOrientationTag || number(at + 2, 2) != kShort) continue;
    const std::uint32_t orientation = number(at + 8, 2);
    return orientation >= 1 && orientation <= 8 ? static_cast<int>(orientation) : kUpright;
  }
  return kUpright;
}

}  // namespace

int orientation(std::span<const std::uint8_t> bytes) {
  int found = kUpright;
  if (is_jpeg(bytes)) {
    constexpr std::uint8_t kApp1 = 0xe1;
    constexpr std::string_view kExif("Exif\0\0", 6);
    for_jpeg_segments(bytes, [&](std::uint8_t marker, Bytes payload) {
      if (marker != kApp1 || payload.size() < kExif.size() ||
          !std::equal(kExif.begin(), kExif.end(), payload.begin()))
        return true;
      found = from_tiff(payload.subspan(kExif.size()));
      return false;
    });
  } else if (is_png(bytes)) {
    constexpr std::uint32_t kExifChunk = 0x65584966;  // eXIf
    for_png_chunks(bytes, [&](std::uint32_t type, Bytes payload) {
      if (type != kExifChunk) return true;
      found = from_tiff(payload);
      return false;
    });
  }
  return found;
}

}  // namespace neurona::image
