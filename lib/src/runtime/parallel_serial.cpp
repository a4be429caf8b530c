#include "runtime/parallel_for.hpp"

namespace neurona::runtime {

void parallel_for_erased(std::int64_t tasks, void (*body)(void*, std::int64_t), void* context) {
  for (std::int64_t task = 0; task < tasks; ++task) body(context, task);
}

int available_threads() { return 1; }
int start_team(int threads, std::string&) { return threads; }

}  // namespace neurona::runtime
