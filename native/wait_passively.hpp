// How threads wait for work.
#pragma once

#ifdef __linux__
#include <unistd.h>

#include <cstdlib>
#endif

namespace neurona::native {

/// Threads without work sleep: on a machine that does other things too, threads that spin keep the cores from those that
/// have the work (an epoch of the tutorial's network took 20 s in place of 0.4 s). OpenMP's runtime reads its settings while
/// the program is loaded, so the program starts itself once more with them; what the user has set stays.
inline void wait_passively([[maybe_unused]] char** argv) {
#ifdef __linux__
  if (std::getenv("OMP_WAIT_POLICY") != nullptr) return;
  setenv("OMP_WAIT_POLICY", "passive", 0);
  execv("/proc/self/exe", argv);  // where this fails, it goes on as it is
#endif
}

}  // namespace neurona::native
