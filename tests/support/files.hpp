// Files, folders and environment variables that tests make for themselves.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace neurona::test {

using Bytes = std::vector<std::uint8_t>;

/// A new folder that goes away with its content.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

/// Sets an environment variable (nullptr: takes it away) until the end of the scope.
class EnvironmentGuard {
 public:
  EnvironmentGuard(const char* name, const char* value);
  ~EnvironmentGuard();
  EnvironmentGuard(const EnvironmentGuard&) = delete;
  EnvironmentGuard& operator=(const EnvironmentGuard&) = delete;

 private:
  std::string name_, kept_;
  bool had_ = false;
};

void write_file(const std::filesystem::path& path, std::span<const std::uint8_t> bytes);
void write_file(const std::filesystem::path& path, std::string_view text);
Bytes read_file(const std::filesystem::path& path);

/// The bytes as a gzip file.
Bytes gzip(std::span<const std::uint8_t> bytes);
Bytes bytes_of(std::string_view text);

/// An IDX file: magic of unsigned bytes, one extent (32 bits, big-endian) for each dimension, the data.
Bytes idx(std::span<const std::uint32_t> extents, std::span<const std::uint8_t> data);

/// Whether an environment variable that tests need is missing; said once on standard output.
/// For `TEST_CASE("..." * doctest::skip(lacks("MNIST_DIR")))`.
bool lacks(const char* variable);

}  // namespace neurona::test
