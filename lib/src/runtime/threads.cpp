#include <atomic>
#include <string>

#include "neurona/backend.hpp"
#include "neurona/error.hpp"
#include "runtime/parallel_for.hpp"

namespace neurona {

namespace {

std::atomic<int>& thread_count() {
  static std::atomic<int> count{runtime::available_threads()};
  return count;
}

}  // namespace

void set_num_threads(int threads) {
  if (threads < 1) throw ValueError("set_num_threads: " + std::to_string(threads) + " threads; at least 1.");
  thread_count() = threads;
}

int num_threads() { return thread_count(); }

}  // namespace neurona
