#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>

#include "neurona/error.hpp"
#include "neurona/formats.hpp"

namespace neurona {

namespace {

constexpr std::uintmax_t kMaxModelBytes = std::uintmax_t{1} << 30;

IoError failed(const std::string& what, const std::filesystem::path& path) {
  return IoError(what + " '" + path.string() + "': " + std::strerror(errno) + ".");
}

}  // namespace

void save(const Model& model, const std::filesystem::path& path, StoredAs stored_as) {
  const std::vector<std::byte> bytes = to_safetensors(model, stored_as);
  const std::filesystem::path beside = path.string() + ".part";
  {
    std::ofstream file(beside, std::ios::binary | std::ios::trunc);
    if (!file) throw failed("Cannot write", beside);
    file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    file.close();
    if (!file) {
      const IoError error = failed("Cannot write all " + std::to_string(bytes.size()) + " bytes of", beside);
      std::error_code ignored;
      std::filesystem::remove(beside, ignored);
      throw error;
    }
  }
  std::error_code error;
  std::filesystem::rename(beside, path, error);
  if (error) {
    std::error_code ignored;
    std::filesystem::remove(beside, ignored);
    throw IoError("Cannot rename '" + beside.string() + "' to '" + path.string() + "': " + error.message() + ".");
  }
}

Sequential load(const std::filesystem::path& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) throw IoError("Cannot read '" + path.string() + "': it is a folder; a model is a .safetensors file.");
  std::ifstream file(path, std::ios::binary);
  if (!file) throw failed("Cannot read", path);
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  if (error) throw IoError("Cannot read '" + path.string() + "': " + error.message() + ".");
  if (size > kMaxModelBytes) throw FormatError("'" + path.string() + "' has " + std::to_string(size) + " bytes; models of up to 1 GiB are read.");
  std::vector<std::byte> bytes(static_cast<std::size_t>(size));
  file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (!file) throw failed("Cannot read all of", path);
  try {
    return from_safetensors(bytes);
  } catch (const FormatError& e) {
    throw FormatError("'" + path.string() + "': " + e.what());
  }
}

}  // namespace neurona
