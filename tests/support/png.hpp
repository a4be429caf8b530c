// PNG files for tests, also such as no program would write.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <string>
#include <vector>

namespace neurona::test {

struct PngOptions {
  std::uint32_t width = 1, height = 1;
  std::uint8_t depth = 8;
  std::uint8_t color = 2;  ///< 0 gray, 2 RGB, 4 gray and alpha, 6 RGB and alpha
};

inline void append_big_endian(std::vector<std::uint8_t>& bytes, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<std::uint8_t>(value >> shift));
}

inline void append_chunk(std::vector<std::uint8_t>& png, const std::string& type,
                         const std::vector<std::uint8_t>& payload) {
  append_big_endian(png, static_cast<std::uint32_t>(payload.size()));
  std::vector<std::uint8_t> body(type.begin(), type.end());
  body.insert(body.end(), payload.begin(), payload.end());
  png.insert(png.end(), body.begin(), body.end());
  append_big_endian(png, static_cast<std::uint32_t>(crc32(0, body.data(), static_cast<uInt>(body.size()))));
}

/// `samples`: rows without filter bytes. A header that lies is as easily made: `rows` of `row_bytes` each are
/// what is packed.
inline std::vector<std::uint8_t> make_png(const PngOptions& options, const std::vector<std::uint8_t>& samples,
                                          std::size_t row_bytes, const std::vector<std::uint8_t>& exif = {}) {
  std::vector<std::uint8_t> raw;
  for (std::size_t at = 0; at < samples.size(); at += row_bytes) {
    raw.push_back(0);
    raw.insert(raw.end(), samples.begin() + static_cast<std::ptrdiff_t>(at),
               samples.begin() + static_cast<std::ptrdiff_t>(at + row_bytes));
  }
  uLongf packed_size = compressBound(static_cast<uLong>(raw.size()));
  std::vector<std::uint8_t> packed(packed_size);
  compress(packed.data(), &packed_size, raw.data(), static_cast<uLong>(raw.size()));
  packed.resize(packed_size);
  std::vector<std::uint8_t> png = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'}, header;
  append_big_endian(header, options.width);
  append_big_endian(header, options.height);
  header.insert(header.end(), {options.depth, options.color, 0, 0, 0});
  append_chunk(png, "IHDR", header);
  if (!exif.empty()) append_chunk(png, "eXIf", exif);
  append_chunk(png, "IDAT", packed);
  append_chunk(png, "IEND", {});
  return png;
}

}  // namespace neurona::test
