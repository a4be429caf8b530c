// The one door to threads. CMake compiles exactly one of parallel_openmp.cpp, parallel_threads.cpp and parallel_serial.cpp.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>

namespace neurona::runtime {

/// Calls body(task) once for each task in [0, tasks), on up to num_threads() threads. Which thread runs a task must not
/// matter to the result. Does not nest: called inside a task it runs serially. What a task throws is thrown here, once all have
/// ended (the first, where several throw).
void parallel_for_erased(std::int64_t tasks, void (*body)(void*, std::int64_t), void* context);

template <class Body>
void parallel_for(std::int64_t tasks, Body&& body) {
  if (tasks == 1) return static_cast<void>(body(std::int64_t{0}));
  parallel_for_erased(
      tasks, [](void* context, std::int64_t task) { (*static_cast<std::remove_reference_t<Body>*>(context))(task); },
      const_cast<void*>(static_cast<const void*>(std::addressof(body))));
}

/// Cores that this process may use.
int available_threads();

/// Starts up to `threads` threads, the caller's among them, that parallel_for will use, and returns how many there are. Where the
/// system refuses one, `reason` says why.
int start_team(int threads, std::string& reason);
/// num_threads(), once start_team has had its say.
int started_threads();

}  // namespace neurona::runtime
