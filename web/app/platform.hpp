#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace neurona::app {

/// A download in progress or done; polled each frame. Dropping the last pointer cancels it.
struct Fetch {
  enum class Status { running, done, failed } status = Status::running;
  std::size_t received_bytes = 0;
  std::size_t total_bytes = 0;   ///< 0 while unknown
  std::vector<std::byte> bytes;  ///< complete when done, in the server's original encoding (gzip stays gzip)
  std::string error;             ///< in English, when failed
  bool not_found = false;        ///< when failed: there is no such file, as against one that did not arrive
  virtual ~Fetch() = default;
};

/// The only door from the interface to the outside. One implementation per host.
class Platform {
 public:
  virtual ~Platform() = default;

  /// The URL's fragment without '#'; on the desktop the start argument.
  virtual std::string url_fragment() const = 0;
  /// Replaces the fragment; `push` makes a new history entry.
  virtual void set_url_fragment(std::string_view fragment, bool push) = 0;
  /// Small values kept between visits; "" when absent. Failures (private windows) are silent: it is a
  /// comfort.
  virtual std::string load(std::string_view key) const = 0;
  virtual void store(std::string_view key, std::string_view value) = 0;
  /// Gets a file by its path below the page ("models/digits.safetensors", "data/mnist/t10k-...gz").
  virtual std::shared_ptr<Fetch> fetch(std::string_view path) = 0;
  virtual void copy_to_clipboard(std::string_view text) = 0;
  virtual bool reduced_motion() const = 0;
  virtual bool prefers_dark() const = 0;
  virtual std::string preferred_language() const = 0;  ///< "es-ES", or several, the best first: "ca,es,en"
  virtual int thread_count() const = 0;
  virtual double now_seconds() const = 0;
  /// An event for the host: "prediction", "step", "language", "theme", "training"; payload is JSON.
  virtual void emit(std::string_view event, std::string_view json) = 0;
};

}  // namespace neurona::app
