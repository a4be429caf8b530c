// Where files are looked for.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace neurona::data {

/// An environment variable that says something.
std::optional<std::string> environment(const char* name);
/// ${NEURONA_CACHE}/NAME, ${XDG_CACHE_HOME}/neurona/NAME or ~/.cache/neurona/NAME. Errors: IoError without all of them.
std::filesystem::path cache_folder(std::string_view name);
/// Errors: IoError.
void make_folder(const std::filesystem::path& folder);

}  // namespace neurona::data
