#include "data/places.hpp"

#include <cstdlib>

#include "neurona/error.hpp"

namespace neurona::data {

namespace fs = std::filesystem;

std::optional<std::string> environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? std::optional<std::string>(value) : std::nullopt;
}

fs::path cache_folder(std::string_view name) {
  if (const auto cache = environment("NEURONA_CACHE")) return fs::path(*cache) / name;
  if (const auto cache = environment("XDG_CACHE_HOME")) return fs::path(*cache) / "neurona" / name;
  const auto home = environment("HOME");
  if (!home)
    throw IoError("There is no place to keep downloads: HOME is not set. Set HOME or NEURONA_CACHE to a folder that can be written, or name a "
                  "folder that has the files.");
  return fs::path(*home) / ".cache" / "neurona" / name;
}

void make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error)
    throw IoError("Cannot make the folder '" + folder.string() + "': " + error.message() +
                  ". Set NEURONA_CACHE to a folder that can be written.");
}

}  // namespace neurona::data
