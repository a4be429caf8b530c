// Everything that takes long is a job: a few milliseconds of work at a time, so that one mechanism serves
// the command line, a desktop window, a page with threads and a page without.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <string>

namespace neurona {

/// How far a job is. `total` is 0 when it is not known.
struct Progress {
  std::int64_t done = 0;
  std::int64_t total = 0;
  std::string unit;    ///< "bytes", "samples", ...
  std::string detail;  ///< what is being done, one short line
  bool waits = false;  ///< nothing is done at the moment: `detail` says what is waited for
};

/// Work that can be done in slices.
class Job {
 public:
  virtual ~Job() = default;
  /// Works for about `budget_ms` milliseconds (at least one indivisible unit) and fills in `progress`.
  /// Returns whether there is more to do. Errors: whatever the work throws; the job is over then.
  virtual bool advance(double budget_ms, Progress& progress) = 0;
};

/// Runs a job to its end on the calling thread; `on_progress` (may be empty) is called between slices and
/// stops the job by returning false. Returns whether the job came to its end.
bool run_inline(Job& job, const std::function<bool(const Progress&)>& on_progress = {});

/// Runs a job on a thread of its own, from construction on. Its owner looks at snapshots and waits for nothing, but in
/// wait() and in the destructor, which stops the job. The job, and what it works on, belong to the thread until then.
/// Errors: std::system_error where there are no threads (a page without them).
class ThreadRunner {
 public:
  enum class State : std::uint8_t { running, finished, stopped, failed };

  /// The job must outlive the runner. It looks for a wish to stop after each slice of about `slice_ms`.
  explicit ThreadRunner(Job& job, double slice_ms = 20.0);
  ~ThreadRunner();
  ThreadRunner(const ThreadRunner&) = delete;
  ThreadRunner& operator=(const ThreadRunner&) = delete;

  void request_stop();
  /// Until the job is over.
  void wait();
  State state() const;
  Progress progress() const;
  /// What the job threw, when it failed.
  std::exception_ptr error() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Milliseconds of a clock that never goes back.
double now_ms();

}  // namespace neurona
