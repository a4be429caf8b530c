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
  std::error_code error;
  // What a link points to is replaced, not the link; a device or a folder is neither.
  std::filesystem::path target = path;
  if (std::filesystem::is_symlink(path, error)) target = path.parent_path() / std::filesystem::read_symlink(path, error);
  if (std::filesystem::exists(target, error) && !std::filesystem::is_regular_file(target, error))
    throw IoError("Cannot write '" + path.string() + "': it is no file. Give the name of a file, new or old.");
  const std::filesystem::path beside = target.string() + ".part";
  {
    std::ofstream file(beside, std::ios::binary | std::ios::trunc);
    if (!file) throw failed("Cannot write", beside);
    file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    file.close();
    if (!file) {
      const IoError cut_short = failed("Cannot write all " + std::to_string(bytes.size()) + " bytes of", beside);
      std::error_code ignored;
      std::filesystem::remove(beside, ignored);
      throw cut_short;
    }
  }
  std::filesystem::rename(beside, target, error);
  if (error) {
    std::error_code ignored;
    std::filesystem::remove(beside, ignored);
    throw IoError("Cannot rename '" + beside.string() + "' to '" + target.string() + "': " + error.message() + ".");
  }
}

Model load(const std::filesystem::path& path) {
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
