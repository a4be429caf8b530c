// parallel_for on a team of std::thread: where there is no OpenMP, and for ThreadSanitizer, which does not know OpenMP's runtime.
#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "neurona/backend.hpp"
#include "runtime/parallel_for.hpp"

namespace neurona::runtime {

namespace {

thread_local bool inside = false;

// Workers wait for a round of work, do their share of it, and wait again. It grows to the largest number asked for.
class Team {
 public:
  ~Team() {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
    }
    begin_.notify_all();
    for (std::thread& worker : workers_) worker.join();
  }

  /// Thread t of `threads` does tasks [t * tasks / threads, (t + 1) * tasks / threads); the caller is thread 0.
  void run(int threads, std::int64_t tasks, void (*body)(void*, std::int64_t), void* context) {
    {
      const std::lock_guard lock(mutex_);
      while (static_cast<int>(workers_.size()) < threads - 1)
        workers_.emplace_back([this, index = static_cast<int>(workers_.size()) + 1, seen = round_] { work(index, seen); });
      round_work_ = {threads, tasks, body, context};
      error_ = nullptr;
      running_ = threads - 1;
      ++round_;
    }
    begin_.notify_all();
    share(round_work_, 0);
    std::unique_lock lock(mutex_);
    end_.wait(lock, [this] { return running_ == 0; });
    if (error_) std::rethrow_exception(error_);
  }

 private:
  struct Work {
    int threads = 0;
    std::int64_t tasks = 0;
    void (*body)(void*, std::int64_t) = nullptr;
    void* context = nullptr;
  };

  void share(const Work& work, int thread) {
    inside = true;
    try {
      for (std::int64_t task = thread * work.tasks / work.threads; task < (thread + 1) * work.tasks / work.threads; ++task)
        work.body(work.context, task);
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!error_) error_ = std::current_exception();
    }
    inside = false;
  }

  void work(int index, std::uint64_t seen) {
    std::unique_lock lock(mutex_);
    for (;;) {
      begin_.wait(lock, [&] { return ending_ || round_ != seen; });
      if (ending_) return;
      seen = round_;
      const Work work = round_work_;
      if (index >= work.threads) continue;
      lock.unlock();
      share(work, index);
      lock.lock();
      if (--running_ == 0) end_.notify_one();
    }
  }

  std::mutex mutex_;
  std::condition_variable begin_, end_;
  std::vector<std::thread> workers_;
  Work round_work_;
  std::exception_ptr error_;
  std::uint64_t round_ = 0;
  int running_ = 0;
  bool ending_ = false;
};

}  // namespace

void parallel_for_erased(std::int64_t tasks, void (*body)(void*, std::int64_t), void* context) {
  static Team team;
  static std::mutex in_use;
  const int threads = static_cast<int>(std::min<std::int64_t>(tasks, num_threads()));
  // A second caller at the same time, or a task, does its work itself.
  if (threads > 1 && !inside) {
    if (std::unique_lock lock(in_use, std::try_to_lock); lock) return team.run(threads, tasks, body, context);
  }
  for (std::int64_t task = 0; task < tasks; ++task) body(context, task);
}

int available_threads() { return std::max(1, static_cast<int>(std::thread::hardware_concurrency())); }

}  // namespace neurona::runtime
