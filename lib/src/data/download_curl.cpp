#include <curl/curl.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>
#include <mutex>
#include <thread>

#include "core/whole_file.hpp"
#include "neurona/data/download.hpp"
#include "neurona/error.hpp"

namespace neurona::data {

namespace {

namespace fs = std::filesystem;

constexpr long kOk = 200, kPartialContent = 206, kRangeNotSatisfiable = 416;
constexpr int kPollMs = 20;

void start_curl_once() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

std::int64_t size_of_file(const fs::path& path) {
  std::error_code error;
  const std::uintmax_t size = fs::file_size(path, error);
  return error ? 0 : static_cast<std::int64_t>(size);
}

}  // namespace

struct Download::Impl {
  explicit Impl(DownloadOptions wanted)
      : options(std::move(wanted)), lock(options.target.string() + ".lock"), part(options.target.string() + ".part") {
    start_curl_once();
    if (options.urls.empty()) throw ValueError("Download: no address for '" + options.target.string() + "'.");
  }

  ~Impl() { close(); }

  void close() {
    if (easy != nullptr && multi != nullptr) curl_multi_remove_handle(multi, easy);
    if (easy != nullptr) curl_easy_cleanup(easy);
    if (multi != nullptr) curl_multi_cleanup(multi);
    if (file != nullptr) std::fclose(file);
    easy = nullptr, multi = nullptr, file = nullptr;
  }

  // Whether this is the one that downloads. When it becomes so, another may have brought the file meanwhile.
  bool is_alone() {
    if (is_locked || own_part) return true;
    switch (lock.try_to_take()) {
      case detail::FileLock::State::taken: return false;
      case detail::FileLock::State::held: is_locked = true; break;
      case detail::FileLock::State::unavailable:
        if (std::error_code ignored; !fs::is_directory(options.target.parent_path(), ignored)) break;  // told when the file is opened
        own_part = std::make_unique<detail::TemporaryFile>(options.target);
        part = own_part->path();
        break;
    }
    done = is_there();
    return true;
  }

  std::string url() const { return options.urls[attempt % options.urls.size()]; }

  // Whether the file is there already. A damaged one is downloaded again and stays until then.
  bool is_there() const {
    std::error_code ignored;
    if (!fs::is_regular_file(options.target, ignored)) return false;
    try {
      if (options.check) options.check(options.target);
    } catch (const FormatError&) {
      return false;
    }
    return true;
  }

  void begin() {
    error.clear();
    had = resume ? size_of_file(part) : 0;
    resume = true;
    got = total = 0;
    too_large = false;
    file = nullptr;
    disk_error = 0;
    easy = curl_easy_init();
    multi = curl_multi_init();
    if (easy == nullptr || multi == nullptr) throw IoError("Download: libcurl could not be started.");
    address = url();
    curl_easy_setopt(easy, CURLOPT_URL, address.c_str());
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(easy, CURLOPT_MAXREDIRS, 5L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "neurona/0.1");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_timeout_s * 1e3));
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, std::max(1L, static_cast<long>(options.stall_timeout_s)));
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &Impl::on_data);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
    // Not CURLOPT_RESUME_FROM: with it libcurl fails where a server ignores the range and sends the whole file.
    if (had > 0) curl_easy_setopt(easy, CURLOPT_RANGE, (std::to_string(had) + "-").c_str());
    curl_multi_add_handle(multi, easy);
  }

  // The first bytes decide whether the server resumes (206) or begins anew (200).
  bool open() {
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    if (status != kOk && status != kPartialContent) return false;
    if (status == kOk) had = 0;
    if (status == kPartialContent && !continues()) {
      error = "the server sent another part of the file than it was asked for";
      resume = false;
      return false;
    }
    file = std::fopen(part.c_str(), status == kPartialContent ? "ab" : "wb");
    if (file == nullptr) disk_error = errno;
    curl_off_t length = -1;
    curl_easy_getinfo(easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    total = length > 0 ? had + static_cast<std::int64_t>(length) : 0;
    if (is_too_large(total)) return false;
    return file != nullptr;
  }

  // Whether a file of so many bytes cannot be the one wanted; remembered as the reason.
  bool is_too_large(std::int64_t bytes) {
    if (bytes <= options.max_bytes) return false;
    too_large = true;
    error = "it sends more than the " + std::to_string(options.max_bytes) + " bytes that the file has at most";
    return true;
  }

  // "Content-Range: bytes 1000-1999/2000" begins where the file here ends.
  bool continues() const {
    curl_header* header = nullptr;
    return curl_easy_header(easy, "Content-Range", 0, CURLH_HEADER, -1, &header) == CURLHE_OK &&
           std::string(header->value).starts_with("bytes " + std::to_string(had) + "-");
  }

  // libcurl's callback: a number other than that of the bytes ends the transfer.
  static std::size_t on_data(char* data, std::size_t size, std::size_t count, void* self) {
    const std::size_t bytes = size * count;
    return static_cast<Impl*>(self)->keep(data, bytes) ? bytes : 0;
  }

  // Appends to the file; false ends the transfer, `error` or `disk_error` say why.
  bool keep(const char* data, std::size_t bytes) {
    if (file == nullptr && !open()) return false;
    if (is_too_large(had + got + static_cast<std::int64_t>(bytes))) return false;
    // Flushed at once, so that what arrived is there for the next try, and a full disk is noticed here.
    if (std::fwrite(data, 1, bytes, file) != bytes || std::fflush(file) != 0) {
      disk_error = errno;
      return false;
    }
    got += static_cast<std::int64_t>(bytes);
    return true;
  }

  // After the transfer: whether the file is there. If not, another mirror is tried next. Errors: IoError of this machine's disk.
  bool conclude(CURLcode result) {
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    close();
    any_answered = any_answered || status != 0;
    any_reached = any_reached || status != 0 || !is_unreachable(result);
    if (too_large) {
      remove_part();
      return false;
    }
    if (disk_error != 0)
      throw IoError("Cannot write '" + part.string() + "': " + std::strerror(disk_error) + "." +
                    (disk_error == ENOSPC ? " Make room on the disk and run the same command again; it goes on where it stopped." : ""));
    return arrived(result, status) && passes_check() && put_in_place();
  }

  // Whether the server sent what was asked for.
  bool arrived(CURLcode result, long status) {
    // Nothing is missing: what an earlier try left is whole, or is of another file. The check decides.
    if (status == kRangeNotSatisfiable) return true;
    if (result != CURLE_OK || (status != kOk && status != kPartialContent)) {
      if (error.empty()) error = status >= 300 ? "the server answered " + std::to_string(status) : curl_easy_strerror(result);
      return false;
    }
    if (got == 0) error = "the server sent nothing";
    return got > 0;
  }

  bool passes_check() {
    try {
      if (options.check) options.check(part);
      return true;
    } catch (const FormatError& e) {
      remove_part();
      error = e.what();
      return false;
    }
  }

  // A wrong beginning cannot be resumed.
  void remove_part() {
    std::error_code ignored;
    fs::remove(part, ignored);
  }

  bool put_in_place() {
    std::error_code renamed;
    fs::rename(part, options.target, renamed);
    if (renamed) throw IoError("Cannot rename '" + part.string() + "': " + renamed.message() + ".");
    lock.release();
    return true;
  }

  static bool is_unreachable(CURLcode result) {
    return result == CURLE_COULDNT_RESOLVE_HOST || result == CURLE_COULDNT_RESOLVE_PROXY || result == CURLE_COULDNT_CONNECT ||
           result == CURLE_OPERATION_TIMEDOUT;
  }

  // Remembers the failure and plans the next try; throws when there is none.
  void fail() {
    const std::string reason = "\n  " + address + ": " + error;
    if (reasons.find(reason) == std::string::npos) reasons += reason;
    ++attempt;
    // Where no mirror can be reached at all, trying again keeps the user waiting for nothing.
    const int rounds = any_answered ? std::max(1, options.rounds) : 1;
    if (attempt >= options.urls.size() * static_cast<std::size_t>(rounds)) {
      lock.release();
      const std::string message = "Could not download '" + options.target.filename().string() + "'." + reasons +
                                  "\n  Check the connection and run the same command again; it goes on where it stopped.";
      if (!any_reached) throw NoNetworkError(message);
      throw IoError(message);
    }
    if (attempt % options.urls.size() == 0) {
      resume_at_ms = now_ms() + pause_ms;
      pause_ms *= 2;
    }
  }

  DownloadOptions options;
  detail::FileLock lock;
  fs::path part;
  std::unique_ptr<detail::TemporaryFile> own_part;  // where there are no locks
  bool is_locked = false;
  CURL* easy = nullptr;
  CURLM* multi = nullptr;
  std::FILE* file = nullptr;
  std::string address, error, reasons;
  std::int64_t had = 0, got = 0, total = 0;
  int disk_error = 0;
  std::size_t attempt = 0;
  double pause_ms = options.first_pause_ms, resume_at_ms = 0.0;
  bool too_large = false, any_answered = false, any_reached = false;
  bool resume = true;  // false: the next try asks for the whole file
  bool done = false;
};

Download::Download(DownloadOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {
  impl_->done = impl_->is_there();
}

Download::~Download() = default;

bool Download::advance(double budget_ms, Progress& progress) {
  Impl& d = *impl_;
  const auto pause = [&] { std::this_thread::sleep_for(std::chrono::milliseconds(std::min<int>(kPollMs, static_cast<int>(budget_ms) + 1))); };
  const std::string name = d.options.target.filename().string();
  progress.unit = "bytes";
  progress.waits = false;
  if (!d.done && !d.is_alone()) {
    const long owner = d.lock.owner();
    progress.waits = true;
    progress.detail = "waiting: another run" + (owner > 0 ? " (process " + std::to_string(owner) + ")" : std::string()) + " is downloading " + name;
    pause();
    return true;
  }
  const double until = now_ms() + budget_ms;
  for (bool first = true; !d.done && (first || now_ms() < until); first = false) {
    if (now_ms() < d.resume_at_ms) {
      pause();
      continue;
    }
    if (d.multi == nullptr) d.begin();
    int running = 0;
    curl_multi_perform(d.multi, &running);
    int left = 0;
    if (const CURLMsg* message = curl_multi_info_read(d.multi, &left); message != nullptr && message->msg == CURLMSG_DONE) {
      d.done = d.conclude(message->data.result);
      if (!d.done) d.fail();
    } else if (running > 0) {
      curl_multi_poll(d.multi, nullptr, 0, kPollMs, nullptr);
    }
  }
  progress.done = d.had + d.got;
  progress.total = d.total;
  progress.detail = "downloading " + name;
  return !d.done;
}

}  // namespace neurona::data
