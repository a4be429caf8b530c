#include "support/files.hpp"

#include <zlib.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <set>
#include <stdexcept>

namespace neurona::test {

namespace fs = std::filesystem;

TemporaryFolder::TemporaryFolder() {
  std::random_device device;
  do {
    path_ = fs::temp_directory_path() / ("neurona_test_" + std::to_string(device()));
  } while (!fs::create_directory(path_));
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

EnvironmentGuard::EnvironmentGuard(const char* name, const char* value) : name_(name) {
  if (const char* old = std::getenv(name)) {
    had_ = true;
    kept_ = old;
  }
  if (value != nullptr)
    setenv(name, value, 1);
  else
    unsetenv(name);
}

EnvironmentGuard::~EnvironmentGuard() {
  if (had_)
    setenv(name_.c_str(), kept_.c_str(), 1);
  else
    unsetenv(name_.c_str());
}

void write_file(const fs::path& path, std::span<const std::uint8_t> bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (!file.flush()) throw std::runtime_error("cannot write " + path.string());
}

void write_file(const fs::path& path, std::string_view text) { write_file(path, bytes_of(text)); }

Bytes read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path.string());
  return {std::istreambuf_iterator<char>(file), {}};
}

Bytes gzip(std::span<const std::uint8_t> bytes) {
  constexpr int kGzip = 16 + MAX_WBITS, kMemory = 8;
  z_stream stream{};
  if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, kGzip, kMemory, Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::runtime_error("zlib could not be started");
  Bytes packed(deflateBound(&stream, static_cast<uLong>(bytes.size())));
  stream.next_in = const_cast<Bytef*>(bytes.data());
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = packed.data();
  stream.avail_out = static_cast<uInt>(packed.size());
  const int state = deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  if (state != Z_STREAM_END) throw std::runtime_error("zlib could not compress");
  return packed;
}

Bytes bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

Bytes idx(std::span<const std::uint32_t> extents, std::span<const std::uint8_t> data) {
  Bytes file{0, 0, 8, static_cast<std::uint8_t>(extents.size())};
  for (const std::uint32_t extent : extents)
    for (int shift = 24; shift >= 0; shift -= 8) file.push_back(static_cast<std::uint8_t>(extent >> shift));
  file.insert(file.end(), data.begin(), data.end());
  return file;
}

bool lacks(const char* variable) {
  if (const char* value = std::getenv(variable); value != nullptr && *value != '\0') return false;
  static std::set<std::string> said;
  if (said.insert(variable).second)
    std::printf("%s is not set: the tests that need it are skipped.\n", variable);
  return true;
}

}  // namespace neurona::test
