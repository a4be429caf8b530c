#pragma once

#include <filesystem>
#include <map>

#include "platform.hpp"

namespace neurona::app {

/// The course in a window: files instead of downloads, a small file instead of the browser's storage.
class DesktopPlatform : public Platform {
 public:
  struct Folders {
    std::vector<std::filesystem::path> assets;  ///< searched in order for "models/..."
    std::filesystem::path mnist;                ///< with the four files, gzip-compressed or not; empty: there is none
  };
  DesktopPlatform(Folders folders, std::string fragment);

  std::string url_fragment() const override { return fragment_; }
  void set_url_fragment(std::string_view fragment, bool) override { fragment_ = fragment; }
  std::string load(std::string_view key) const override;
  void store(std::string_view key, std::string_view value) override;
  std::shared_ptr<Fetch> fetch(std::string_view path) override;
  void copy_to_clipboard(std::string_view text) override;
  bool reduced_motion() const override { return false; }
  bool prefers_dark() const override { return false; }
  std::string preferred_language() const override;
  int thread_count() const override;
  double now_seconds() const override;
  void emit(std::string_view, std::string_view) override {}

 private:
  std::vector<std::filesystem::path> places_of(std::string_view path) const;
  Folders folders_;
  std::string fragment_;
  std::filesystem::path settings_file_;
  std::map<std::string, std::string, std::less<>> settings_;
};

}  // namespace neurona::app
