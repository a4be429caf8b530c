// MD5 (RFC 1321), by which Keras' published files are known. It tells damage, not forgery.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

namespace neurona::data {

/// The digest of bytes that come in pieces.
class Md5 {
 public:
  void update(std::span<const std::uint8_t> bytes);
  /// The digest of everything so far, as 32 lower-case hexadecimal digits.
  std::string hex() const;

 private:
  static constexpr std::size_t kBlock = 64;
  void add_block(const std::uint8_t* block);
  std::array<std::uint32_t, 4> state_ = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
  std::array<std::uint8_t, kBlock> rest_{};  // what does not fill a block yet
  std::uint64_t size_ = 0;
};

std::string md5_hex(std::span<const std::uint8_t> bytes);
/// Of a file, read piece by piece. Errors: IoError.
std::string md5_of_file(const std::filesystem::path& path);

}  // namespace neurona::data
