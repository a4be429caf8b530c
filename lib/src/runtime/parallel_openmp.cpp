#include <omp.h>

#include <algorithm>
#include <exception>
#include <future>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "neurona/backend.hpp"
#include "runtime/parallel_for.hpp"

namespace neurona::runtime {

void parallel_for_erased(std::int64_t tasks, void (*body)(void*, std::int64_t), void* context) {
  const bool serial = tasks <= 1 || num_threads() <= 1 || omp_in_parallel();
  const int threads = serial ? 1 : static_cast<int>(std::min<std::int64_t>(tasks, started_threads()));
  if (threads <= 1) {
    for (std::int64_t task = 0; task < tasks; ++task) body(context, task);
    return;
  }
  std::exception_ptr error;  // no exception may leave the parallel region
#pragma omp parallel for num_threads(threads) schedule(static)
  for (std::int64_t task = 0; task < tasks; ++task) {
    try {
      body(context, task);
    } catch (...) {
#pragma omp critical
      if (!error) error = std::current_exception();
    }
  }
  if (error) std::rethrow_exception(error);
}

// OpenMP ends the program when a thread cannot be started: others are started first, all at a time, and ended again.
int start_team(int threads, std::string& reason) {
  std::vector<std::thread> probes;
  std::promise<void> enough;
  const std::shared_future<void> end = enough.get_future().share();
  try {
    while (static_cast<int>(probes.size()) < threads - 1) probes.emplace_back([end] { end.wait(); });
  } catch (const std::system_error& error) {
    reason = error.code().message();
  }
  enough.set_value();
  for (std::thread& probe : probes) probe.join();
  return static_cast<int>(probes.size()) + 1;
}

int available_threads() { return std::max(1, omp_get_num_procs()); }

}  // namespace neurona::runtime
