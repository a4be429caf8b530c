// The parts that files of images consist of.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "core/byte_order.hpp"

namespace neurona::image {

using Bytes = std::span<const std::uint8_t>;

inline bool is_jpeg(Bytes bytes) { return bytes.size() >= 3 && big_endian(bytes, 0, 3) == 0xffd8ff; }
inline bool is_png(Bytes bytes) { return bytes.size() >= 8 && big_endian(bytes, 0, 4) == 0x89504e47; }
inline bool is_gif(Bytes bytes) { return bytes.size() >= 3 && big_endian(bytes, 0, 3) == 0x474946; }
inline bool is_bmp(Bytes bytes) { return bytes.size() >= 2 && big_endian(bytes, 0, 2) == 0x424d; }

/// Calls visit(marker, payload) for each segment of a JPEG file (ITU T.81, annex B), until it returns false;
/// what lies between scans is skipped. Returns whether the end-of-image marker was reached, or visit ended
/// it.
template <class Visit>
bool for_jpeg_segments(Bytes bytes, Visit visit) {
  constexpr std::uint8_t kEnd = 0xd9, kScan = 0xda;
  std::size_t at = 2;
  while (at + 1 < bytes.size()) {
    if (bytes[at] != 0xff || bytes[at + 1] == 0xff || bytes[at + 1] == 0x00) {  // coded values, fill bytes
      ++at;
      continue;
    }
    const std::uint8_t marker = bytes[at + 1];
    at += 2;
    if (marker == kEnd) return true;
    if ((marker >= 0xd0 && marker <= 0xd8) || marker == 0x01) continue;  // they stand alone
    if (at + 2 > bytes.size()) return false;
    const std::size_t length = big_endian(bytes, at, 2);
    if (length < 2 || at + length > bytes.size()) return false;
    if (!visit(marker, bytes.subspan(at + 2, length - 2))) return true;
    at += length;
    if (marker == kScan) continue;  // the loop skips its coded values
  }
  return false;
}

/// Calls visit(type, payload) for each chunk of a PNG file (ISO 15948, section 5), until it returns false.
/// Returns whether IEND was reached, or visit ended it.
template <class Visit>
bool for_png_chunks(Bytes bytes, Visit visit) {
  constexpr std::uint32_t kEnd = 0x49454e44;
  for (std::size_t at = 8; at + 12 <= bytes.size();) {
    const std::size_t length = big_endian(bytes, at, 4);
    const std::uint32_t type = big_endian(bytes, at + 4, 4);
    if (length > bytes.size() - at - 12) return false;
    if (type == kEnd) return true;
    if (!visit(type, bytes.subspan(at + 8, length))) return true;
    at += length + 12;
  }
  return false;
}

/// Whether a GIF file (GIF89a's specification, section 15 and on) has all blocks of its first image.
inline bool gif_has_first_image(Bytes bytes) {
  constexpr std::uint8_t kExtension = 0x21, kImage = 0x2c;
  const auto table_bytes = [](std::uint8_t flags) {
    return (flags & 0x80) != 0 ? std::size_t{3} << ((flags & 7) + 1) : std::size_t{0};
  };
  if (bytes.size() < 13) return false;
  for (std::size_t at = 13 + table_bytes(bytes[10]); at + 10 < bytes.size();) {
    const bool is_image = bytes[at] == kImage;
    if (!is_image && bytes[at] != kExtension) return false;
    at += is_image ? 11 + table_bytes(bytes[at + 9]) : 2;  // up to the first block of data
    while (at < bytes.size() && bytes[at] != 0) at += std::size_t{bytes[at]} + 1;
    if (at >= bytes.size()) return false;
    if (is_image) return true;
    ++at;
  }
  return false;
}

/// Whether a BMP file has all its rows of pixels. True for those that are packed: they are not read anyway.
inline bool bmp_has_its_rows(Bytes bytes) {
  constexpr std::uint32_t kOldHeader = 12;
  constexpr std::uint64_t kMostPixels = 1 << 26;  // far more than are read
  constexpr std::uint32_t kPlain = 0, kWithMasks = 3;
  if (bytes.size() < 26) return false;
  const bool is_old = little_endian(bytes, 14, 4) == kOldHeader;
  if (!is_old && bytes.size() < 34) return false;
  const std::uint32_t packing = is_old ? kPlain : little_endian(bytes, 30, 4);
  if (packing != kPlain && packing != kWithMasks) return true;
  const auto side = [&](std::size_t at) -> std::uint64_t {  // a height below 0: the first row is the upper one
    if (is_old) return little_endian(bytes, at, 2);
    const auto value = static_cast<std::int32_t>(little_endian(bytes, at, 4));
    return value < 0 ? -static_cast<std::int64_t>(value) : value;
  };
  const std::uint64_t width = side(18), height = side(is_old ? 20 : 22);
  if (width == 0 || height == 0 || width > kMostPixels || height > kMostPixels) return true;  // told with the size
  // Some leave out what fills the last row up to four bytes.
  const std::uint64_t bits = width * little_endian(bytes, is_old ? 24 : 28, 2);
  const std::uint64_t row = (bits + 31) / 32 * 4, last_row = (bits + 7) / 8;
  return bytes.size() >= little_endian(bytes, 10, 4) + row * (height - 1) + last_row;
}

}  // namespace neurona::image
