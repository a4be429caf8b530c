// Folders of data in MNIST's formats: CSV, IDX, names of classes. The input is a list of files, each a line "> NAME" and its bytes.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>

#include "neurona/data/image_folder.hpp"
#include "neurona/error.hpp"
#include "scratch.hpp"

namespace fs = std::filesystem;

namespace {

// Only in this folder, and no special name.
bool is_plain_name(std::string_view name) {
  constexpr std::size_t kLongest = 64;
  return !name.empty() && name.size() <= kLongest && name.front() != '.' &&
         std::all_of(name.begin(), name.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '.'; });
}

void write_files(const fs::path& folder, std::string_view bytes) {
  constexpr std::string_view kStart = "\n> ";
  if (!bytes.starts_with(kStart.substr(1))) return;
  bytes.remove_prefix(2);
  for (bool more = true; more;) {
    const std::size_t end = bytes.find(kStart);
    more = end != bytes.npos;
    const std::string_view file = bytes.substr(0, end);
    if (more) bytes.remove_prefix(end + kStart.size());
    const std::size_t line = std::min(file.find('\n'), file.size());
    const std::string_view name = file.substr(0, line), content = file.substr(std::min(line + 1, file.size()));
    if (is_plain_name(name)) std::ofstream(folder / name, std::ios::binary).write(content.data(), static_cast<std::streamsize>(content.size()));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const neurona::fuzz::ScratchFolder folder;
  folder.clear();
  write_files(folder.path(), {reinterpret_cast<const char*>(data), size});
  try {
    (void)neurona::data::read_image_folder(folder.path());
  } catch (const neurona::FormatError&) {
  } catch (const neurona::IoError&) {  // what is missing
  }
  return 0;
}
