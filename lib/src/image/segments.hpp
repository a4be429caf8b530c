// The parts that JPEG and PNG files consist of.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace neurona::image {

using Bytes = std::span<const std::uint8_t>;

inline std::uint32_t big_endian(Bytes bytes, std::size_t at, std::size_t count) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < count; ++i) value = value << 8 | bytes[at + i];
  return value;
}

inline bool is_jpeg(Bytes bytes) { return bytes.size() >= 3 && big_endian(bytes, 0, 3) == 0xffd8ff; }
inline bool is_png(Bytes bytes) { return bytes.size() >= 8 && big_endian(bytes, 0, 4) == 0x89504e47; }

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

}  // namespace neurona::image
