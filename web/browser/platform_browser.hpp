#pragma once

#include "platform.hpp"

namespace neurona::app {

/// The course in a page. With browser/main.cpp the only place that knows Emscripten.
class BrowserPlatform : public Platform {
 public:
  std::string url_fragment() const override;
  void set_url_fragment(std::string_view fragment, bool push) override;
  std::string load(std::string_view key) const override;
  void store(std::string_view key, std::string_view value) override;
  std::shared_ptr<Fetch> fetch(std::string_view path) override;
  void copy_to_clipboard(std::string_view text) override;
  bool reduced_motion() const override;
  bool prefers_dark() const override;
  std::string preferred_language() const override;
  int thread_count() const override;
  double now_seconds() const override;
  void emit(std::string_view event, std::string_view json) override;
};

}  // namespace neurona::app
