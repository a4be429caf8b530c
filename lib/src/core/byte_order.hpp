// Numbers of up to four bytes in files, whatever the byte order of the machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace neurona {

/// The number that `count` bytes from `at` on are, the first byte weighing most.
inline std::uint32_t big_endian(std::span<const std::uint8_t> bytes, std::size_t at, std::size_t count = 4) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < count; ++i) value = value << 8 | bytes[at + i];
  return value;
}

/// The same, the last byte weighing most.
inline std::uint32_t little_endian(std::span<const std::uint8_t> bytes, std::size_t at, std::size_t count = 4) {
  std::uint32_t value = 0;
  for (std::size_t i = count; i-- > 0;) value = value << 8 | bytes[at + i];
  return value;
}

}  // namespace neurona
