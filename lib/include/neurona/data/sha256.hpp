// SHA-256 (FIPS 180-4), to verify what was downloaded.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace neurona::data {

/// The digest of bytes that come in pieces.
class Sha256 {
 public:
  void update(std::span<const std::uint8_t> bytes);
  /// The digest of everything so far, as 64 lower-case hexadecimal digits.
  std::string hex() const;

 private:
  static constexpr std::size_t kBlock = 64;
  std::array<std::uint32_t, 8> state_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<std::uint8_t, kBlock> rest_{};  // what does not fill a block yet
  std::uint64_t size_ = 0;
};

/// The digest of the bytes as 64 lower-case hexadecimal digits.
std::string sha256_hex(std::span<const std::uint8_t> bytes);

}  // namespace neurona::data
