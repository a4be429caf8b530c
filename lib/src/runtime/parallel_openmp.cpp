#include <omp.h>

#include <algorithm>
#include <exception>

#include "neurona/backend.hpp"
#include "runtime/parallel_for.hpp"

namespace neurona::runtime {

void parallel_for_erased(std::int64_t tasks, void (*body)(void*, std::int64_t), void* context) {
  const int threads = static_cast<int>(std::min<std::int64_t>(tasks, num_threads()));
  if (threads <= 1 || omp_in_parallel()) {
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

int available_threads() { return std::max(1, omp_get_num_procs()); }

}  // namespace neurona::runtime
