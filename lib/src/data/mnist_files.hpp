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
/// The bytes, unpacked where they are gzip-compressed. Errors: FormatError that begins with `name`.
std::vector<std::uint8_t> unpacked(std::vector<std::uint8_t> bytes, std::int64_t max_bytes, const std::string& name);
/// What to say of a web page that stands in place of a file; empty when it is none.
std::string web_page(std::span<const std::uint8_t> bytes);

}  // namespace neurona::data
