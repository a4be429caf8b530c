#include "backend/cpu/kernels.hpp"

namespace neurona::cpu {

namespace baseline {
extern const Kernels kernels;
}
#ifdef NEURONA_X86_KERNELS
namespace avx2 {
extern const Kernels kernels;
}
namespace avx512 {
extern const Kernels kernels;
}
#endif

std::vector<const Kernels*> runnable_kernels() {
  std::vector<const Kernels*> sets;
#ifdef NEURONA_X86_KERNELS
  // The levels that the files are compiled for (CMakeLists.txt): their compiler may use any instruction of them.
  if (__builtin_cpu_supports("x86-64-v4")) sets.push_back(&avx512::kernels);
  if (__builtin_cpu_supports("x86-64-v3")) sets.push_back(&avx2::kernels);
#endif
  sets.push_back(&baseline::kernels);
  return sets;
}

}  // namespace neurona::cpu
