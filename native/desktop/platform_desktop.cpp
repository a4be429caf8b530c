#include "platform_desktop.hpp"

#include <SDL.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <span>
#include <string>
#include <thread>

#include "bundled_files.hpp"

namespace neurona::app {
namespace {

std::filesystem::path settings_path() {
  if (const char* config = std::getenv("XDG_CONFIG_HOME"); config && *config)
    return std::filesystem::path(config) / "neurona" / "course.conf";
  const char* home = std::getenv("HOME");
  return std::filesystem::path(home ? home : ".") / ".config" / "neurona" / "course.conf";
}

}  // namespace

DesktopPlatform::DesktopPlatform(Folders folders, std::string fragment)
    : folders_(std::move(folders)), fragment_(std::move(fragment)), settings_file_(settings_path()) {
  std::ifstream file(settings_file_);
  for (std::string line; std::getline(file, line);)
    if (const std::size_t at = line.find('='); at != std::string::npos)
      settings_[line.substr(0, at)] = line.substr(at + 1);
}

std::string DesktopPlatform::load(std::string_view key) const {
  const auto it = settings_.find(key);
  return it == settings_.end() ? std::string() : it->second;
}

void DesktopPlatform::store(std::string_view key, std::string_view value) {
  settings_[std::string(key)] = value;
  std::error_code ignored;  // settings are a comfort: a read-only home must not stop the course
  std::filesystem::create_directories(settings_file_.parent_path(), ignored);
  std::ofstream file(settings_file_);
  for (const auto& [name, text] : settings_) file << name << '=' << text << '\n';
}

std::vector<std::filesystem::path> DesktopPlatform::places_of(std::string_view path) const {
  constexpr std::string_view kMnist = "data/mnist/";
  std::vector<std::filesystem::path> places;
  if (!path.starts_with(kMnist)) {
    for (const std::filesystem::path& folder : folders_.assets) places.push_back(folder / path);
  } else if (!folders_.mnist.empty()) {
    places = {folders_.mnist / path.substr(kMnist.size())};
    places.push_back(places[0]);
    places.back().replace_extension();  // without .gz
  }
  return places;
}

std::shared_ptr<Fetch> DesktopPlatform::fetch(std::string_view path) {
  auto out = std::make_shared<Fetch>();
  if (const std::string_view text = bundled_file(path); !text.empty()) {
    const auto bytes = std::as_bytes(std::span(text));
    out->bytes.assign(bytes.begin(), bytes.end());
    out->status = Fetch::Status::done;
    return out;
  }
  const std::vector<std::filesystem::path> places = places_of(path);
  for (const std::filesystem::path& place : places) {
    std::ifstream file(place, std::ios::binary | std::ios::ate);
    if (!file) continue;
    const std::streamoff size = file.tellg();
    out->bytes.resize(std::size_t(size));
    file.seekg(0);
    file.read(reinterpret_cast<char*>(out->bytes.data()), size);
    out->received_bytes = out->total_bytes = out->bytes.size();
    out->status = file ? Fetch::Status::done : Fetch::Status::failed;
    if (!file) out->error = place.string() + " could not be read to its end.";
    return out;
  }
  out->status = Fetch::Status::failed;
  out->not_found = true;
  out->error = std::string(path) + " was not found" + (places.empty() ? "." : ":");
  for (const std::filesystem::path& place : places) out->error += " " + place.string();
  return out;
}

void DesktopPlatform::copy_to_clipboard(std::string_view text) {
  SDL_SetClipboardText(std::string(text).c_str());
}

std::string DesktopPlatform::preferred_language() const {
  // As gettext: the list in LANGUAGE ("ca:es"), else the first of these that says something.
  for (const char* name : {"LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"}) {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') continue;
    std::string list = value;
    std::replace(list.begin(), list.end(), ':', ',');
    return list;
  }
  return "en";
}

int DesktopPlatform::thread_count() const { return int(std::max(1u, std::thread::hardware_concurrency())); }

double DesktopPlatform::now_seconds() const {
  return double(SDL_GetPerformanceCounter()) / double(SDL_GetPerformanceFrequency());
}

}  // namespace neurona::app
