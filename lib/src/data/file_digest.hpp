// Digests of files that are too large to be read at once.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include "neurona/data/sha256.hpp"
#include "neurona/error.hpp"

namespace neurona::data {

/// Errors: IoError.
template <class Take>
void for_pieces_of(const std::filesystem::path& path, Take take) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw IoError("Cannot read '" + path.string() + "'.");
  std::vector<char> piece(std::size_t{1} << 18);
  while (file) {
    file.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    take(std::span(reinterpret_cast<const std::uint8_t*>(piece.data()), static_cast<std::size_t>(file.gcount())));
  }
  if (file.bad()) throw IoError("Cannot read all of '" + path.string() + "'.");
}

/// Errors: IoError.
inline std::string sha256_of_file(const std::filesystem::path& path) {
  Sha256 digest;
  for_pieces_of(path, [&](std::span<const std::uint8_t> piece) { digest.update(piece); });
  return digest.hex();
}

}  // namespace neurona::data
