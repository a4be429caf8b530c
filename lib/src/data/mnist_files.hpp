// Reading MNIST's files and those in its formats.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace neurona::data {

/// Errors: IoError; FormatError for more than `max_bytes`.
std::vector<std::uint8_t> read_data_file(const std::filesystem::path& path, std::int64_t max_bytes);
/// "1f 8b" of these two bytes.
std::string hex_bytes(std::span<const std::uint8_t> bytes);
/// What to say of a web page that stands in place of a file; empty when it is none.
std::string web_page(std::span<const std::uint8_t> bytes);

}  // namespace neurona::data
