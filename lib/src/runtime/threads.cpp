#include <atomic>
#include <mutex>
#include <string>
#include <utility>

#include "neurona/backend.hpp"
#include "neurona/error.hpp"
#include "runtime/parallel_for.hpp"

namespace neurona {

namespace {

struct Threads {
  std::atomic<int> count{runtime::available_threads()};
  std::atomic<int> started{1};  // up to so many are known to be there
  std::mutex mutex;             // guards what follows, and starting
  std::string warning;
};

Threads& threads() {
  static Threads all;
  return all;
}

}  // namespace

void set_num_threads(int wanted) {
  if (wanted < 1) throw ValueError("set_num_threads: " + std::to_string(wanted) + " threads; at least 1.");
  threads().count = wanted;
}

int num_threads() { return threads().count; }

void start_threads() { runtime::started_threads(); }

int runtime::started_threads() {
  Threads& all = threads();
  const int wanted = all.count;
  if (wanted <= all.started) return wanted;
  const std::lock_guard lock(all.mutex);
  std::string reason;
  const int there = runtime::start_team(wanted, reason);
  if (there > all.started) all.started = there;
  if (there >= wanted) return wanted;
  all.count = there;
  all.warning = "Only " + std::to_string(there) + " of " + std::to_string(wanted) + " threads could be started (" + reason +
                "); the work is shared among these. Fewer can be asked for, or the limit raised (ulimit -u, ulimit -v).";
  return there;
}

std::string take_thread_warning() {
  const std::lock_guard lock(threads().mutex);
  return std::exchange(threads().warning, {});
}

}  // namespace neurona
