// SHA-256 (FIPS 180-4), to verify what was downloaded.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace neurona::data {

/// The digest of the bytes as 64 lower-case hexadecimal digits.
std::string sha256_hex(std::span<const std::uint8_t> bytes);

}  // namespace neurona::data
