#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/whole_file.hpp"
#include "formats/container.hpp"
#include "formats/file_kind.hpp"
#include "formats/model_file.hpp"
#include "formats/snapshot_file.hpp"
#include "neurona/error.hpp"
#include "neurona/formats.hpp"

namespace neurona {

namespace {

constexpr std::size_t kFirstBytes = 512;

IoError failed(const std::string& what, const std::filesystem::path& path) {
  return IoError(what + " '" + path.string() + "': " + std::strerror(errno) + ".");
}

// What can be done today with a file that is another kind of model.
std::string advice(const std::string& kind, const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  if (kind.starts_with("an HDF5"))
    return " Its weights can be read into a network of the same layers: 'neurona summary --network NAME --weights " + name +
           "' lists them, load_keras_weights() in the library fills a model" +
           (name.ends_with(".weights.h5") ? "; a .weights.h5 of Keras 3 must be written anew there, as model.save('NAME.h5')." : ".");
  if (kind.starts_with("a model of Keras 3"))
    return " It cannot be read yet. In Keras, keras.models.load_model('" + name + "').save('NAME.h5') writes a file whose weights can.";
  if (kind.starts_with("a gzip")) return " Unpack it first if it holds a model: gunzip " + name + ".";
  return "";
}

// What is written goes beside its place first; what a link points to is replaced, not the link.
void write_whole(const std::filesystem::path& path, const std::function<void(const detail::Sink&)>& write) {
  check_writable(path);
  detail::TemporaryFile file(detail::behind_links(path));
  write([&](std::span<const std::byte> bytes) { file.write(bytes); });
  file.put_in_place();
}

// The file's bytes at any place. Errors: IoError; FormatError where it is told by its first bytes that it is something else.
detail::ByteSource opened(const std::filesystem::path& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) throw IoError("Cannot read '" + path.string() + "': it is a folder; a model is a .safetensors file.");
  const auto file = std::make_shared<std::ifstream>(path, std::ios::binary);
  if (!*file) throw failed("Cannot read", path);
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  if (error) throw IoError("Cannot read '" + path.string() + "': " + error.message() + ".");
  detail::ByteSource source{size, [file, path](std::uint64_t at, std::span<std::byte> to) {
                              file->seekg(static_cast<std::streamoff>(at));
                              file->read(reinterpret_cast<char*>(to.data()), static_cast<std::streamsize>(to.size()));
                              if (!*file) throw failed("Cannot read all of", path);
                            }};
  std::vector<std::byte> first(static_cast<std::size_t>(std::min<std::uintmax_t>(size, kFirstBytes)));
  source.read(0, first);
  // A safetensors file begins with the length of its header: what begins otherwise is told by what it is.
  const bool has_header = first.size() > 8 && first[8] == std::byte{'{'};
  const std::string kind = has_header || first.empty() ? "" : detail::file_kind(first);
  if (!kind.empty())
    throw FormatError("'" + path.string() + "' is not a safetensors file, as this program writes its networks: it is " + kind + "." + advice(kind, path));
  return source;
}

// Errors of the format name the file.
template <class Read>
auto read_named(const std::filesystem::path& path, Read read) {
  detail::ByteSource source = opened(path);
  try {
    return read(detail::Container(std::move(source)));
  } catch (const FormatError& e) {
    throw FormatError("'" + path.string() + "': " + e.what());
  }
}

}  // namespace

void check_writable(const std::filesystem::path& path) {
  const std::filesystem::path target = detail::behind_links(path);
  const auto refused = [&](const std::string& why) { return IoError("Cannot write '" + path.string() + "': " + why); };
  std::error_code error;
  if (path.empty()) throw refused("the name is empty. Give the name of a file.");
  if (std::filesystem::is_directory(target, error)) throw refused("it is a folder. Give the name of a file.");
  if (std::filesystem::exists(target, error)) {
    if (!std::filesystem::is_regular_file(target, error)) throw refused("it is no file. Give the name of a file, new or old.");
    // The superuser may write to any file; whoever took the permission away meant it.
    struct ::stat old{};
    if (::stat(target.c_str(), &old) != 0 || (old.st_mode & (S_IWUSR | S_IWGRP | S_IWOTH)) == 0 || ::access(target.c_str(), W_OK) != 0)
      throw refused("it is read-only. Give another name, or make it writable: chmod u+w.");
  }
  try {
    const detail::TemporaryFile probe(target);
  } catch (const IoError& e) {
    throw refused(std::string("nothing can be written beside it. ") + e.what() + " Give another place.");
  }
}

void save(const Model& model, const std::filesystem::path& path, SaveOptions options) {
  write_whole(path, [&](const detail::Sink& sink) { detail::write_model(model, options, sink); });
}

void save(const Snapshot& snapshot, const std::filesystem::path& path) {
  write_whole(path, [&](const detail::Sink& sink) { detail::write_snapshot(snapshot, sink); });
}

Model load(const std::filesystem::path& path) { return read_named(path, detail::read_model); }

Snapshot load_snapshot(const std::filesystem::path& path) { return read_named(path, detail::read_snapshot); }

}  // namespace neurona
