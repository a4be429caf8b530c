// parallel_for on a team of std::thread. Each member, the caller too, begins with its own share of the tasks, the same in each
// round, so that it finds in its cache what it left there; then it takes from the others' shares: all of one whose owner has not
// come, else all but the last task. A worker that the machine has no core for delays nobody for long.
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "neurona/backend.hpp"
#include "runtime/parallel_for.hpp"

namespace neurona::runtime {

namespace {

// Work often comes again at once (layer after layer, batch after batch): so long a worker looks for it before it sleeps. To be woken
// takes as long.
constexpr std::chrono::microseconds kLooks(500);

constexpr int kMostThreads = 256;

// So long the caller leaves an owner the last task of its share.
constexpr std::chrono::microseconds kPatience(50);

thread_local bool inside = false;

inline void pause_briefly() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

class Team {
 public:
  ~Team() {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
    }
    wake_.notify_all();
    for (std::thread& worker : workers_) worker.join();
  }

  // Returns how many threads there are, the caller's among them.
  int start(int threads, std::string& reason) {
    try {
      while (size() < threads) workers_.emplace_back([this, index = size()] { work(index); });
    } catch (const std::system_error& error) {
      reason = error.code().message();
    }
    return size();
  }

  void run(int threads, std::int64_t tasks, void (*body)(void*, std::int64_t), void* context) {
    work_ = {threads, body, context};
    for (int t = 0; t < threads; ++t) {
      Share& share = shares_[static_cast<std::size_t>(t)];
      share.next = t * tasks / threads;
      share.end = (t + 1) * tasks / threads;
      share.has_owner = false;
    }
    ++round_;
    open_ = true;
    if (asleep_ > 0) {
      const std::lock_guard lock(mutex_);  // who has looked and is about to sleep does so before this
      wake_.notify_all();
    }
    take_tasks(0);
    // From here on no worker can come in; those that are in still use what the caller owns.
    open_ = false;
    const auto waits_since = std::chrono::steady_clock::now();
    while (present_ > 0) {
      pause_briefly();
      if (std::chrono::steady_clock::now() - waits_since > kPatience) take_tasks(0, 0);
    }
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
  }

 private:
  int size() const { return static_cast<int>(workers_.size()) + 1; }

  struct Work {
    int threads = 0;
    void (*body)(void*, std::int64_t) = nullptr;
    void* context = nullptr;
  };

  struct alignas(64) Share {
    std::atomic<std::int64_t> next{0};
    std::int64_t end = 0;
    std::atomic<bool> has_owner{false};
  };

  // Of the others' shares it leaves so many tasks to an owner who is there.
  void take_tasks(int index, std::int64_t leaves = 1) {
    inside = true;
    try {
      shares_[static_cast<std::size_t>(index)].has_owner = true;
      for (int i = 0; i < work_.threads; ++i) {
        Share& share = shares_[static_cast<std::size_t>((index + i) % work_.threads)];
        for (;;) {
          if (i > 0 && share.has_owner && share.end - share.next <= leaves) break;
          const std::int64_t task = share.next++;
          if (task >= share.end) break;
          work_.body(work_.context, task);
        }
      }
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!error_) error_ = std::current_exception();
    }
    inside = false;
  }

  void work(int index) {
    std::uint64_t seen = 0;
    auto looked_since = std::chrono::steady_clock::now();
    for (;;) {
      if (open_ && round_ != seen) {
        seen = round_;
        ++present_;
        if (open_ && index < work_.threads) take_tasks(index);
        --present_;
        looked_since = std::chrono::steady_clock::now();
      } else if (std::chrono::steady_clock::now() - looked_since < kLooks) {
        pause_briefly();
      } else {
        std::unique_lock lock(mutex_);
        ++asleep_;
        wake_.wait(lock, [&] { return ending_ || (open_ && round_ != seen); });
        --asleep_;
        if (ending_) return;
      }
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::thread> workers_;
  Work work_;  // of the round that is open
  std::array<Share, kMostThreads> shares_;
  std::exception_ptr error_;
  bool ending_ = false;
  std::atomic<std::uint64_t> round_{0};
  std::atomic<bool> open_{false};
  std::atomic<int> present_{0}, asleep_{0};
};

Team& team() {
  static Team all;
  return all;
}

std::mutex in_use;  // the team

}  // namespace

void parallel_for_erased(std::int64_t tasks, void (*body)(void*, std::int64_t), void* context) {
  // A second caller at the same time, or a task, does its work itself.
  if (!inside && tasks > 1 && num_threads() > 1) {
    const int threads = static_cast<int>(std::min<std::int64_t>({tasks, started_threads(), kMostThreads}));
    if (std::unique_lock lock(in_use, std::try_to_lock); lock && threads > 1) return team().run(threads, tasks, body, context);
  }
  for (std::int64_t task = 0; task < tasks; ++task) body(context, task);
}

int start_team(int threads, std::string& reason) {
  const std::lock_guard lock(in_use);
  const int there = team().start(std::min(threads, kMostThreads), reason);
  return there < std::min(threads, kMostThreads) ? there : threads;
}

int available_threads() { return std::max(1, static_cast<int>(std::thread::hardware_concurrency())); }

}  // namespace neurona::runtime
