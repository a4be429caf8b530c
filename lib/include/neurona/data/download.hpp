// Files from the web: several mirrors, resumed where they were cut, verified before they count.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "neurona/error.hpp"
#include "neurona/job.hpp"

namespace neurona::data {

/// No mirror could be reached at all: there is no network, or it leads nowhere.
class NoNetworkError : public IoError {
 public:
  using IoError::IoError;
};

struct DownloadOptions {
  std::vector<std::string> urls;  ///< the same file at several mirrors, tried in order
  std::filesystem::path target;
  /// Throws FormatError when the file is not the one wanted; empty: anything is taken.
  std::function<void(const std::filesystem::path&)> check = {};
  std::int64_t max_bytes = std::int64_t{1} << 32;  ///< a mirror that sends more is given up
  int rounds = 3;  ///< how often all mirrors are tried; once only when none of them could be reached at all
  double first_pause_ms = 500.0;   ///< between rounds, doubled each time
  double connect_timeout_s = 5.0;
  double stall_timeout_s = 20.0;   ///< without a byte
};

/// Downloads to `target`.part, resuming what an earlier try left there when the server can, checks it and renames it.
/// A file at `target` that passes the check is left alone, another one replaced. Of several processes one downloads, holding the lock
/// `target`.lock; the others wait (Progress::waits) and take what it got. Where the file system has no locks, each downloads under a name
/// of its own and leaves nothing. Not in WASM builds, whose page downloads by itself (BackendError).
class Download : public Job {
 public:
  explicit Download(DownloadOptions options);
  ~Download() override;
  /// Errors: IoError when all mirrors failed (each with its reason) or the disk is full, NoNetworkError when none could be reached; the
  /// .part file stays for the next try.
  bool advance(double budget_ms, Progress& progress) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace neurona::data
