// Whatever the compiler's baseline gives: SSE4.2 on x86-64-v2, NEON on Arm, SIMD128 on WASM.
#define NEURONA_KERNELS_SPACE baseline
#define NEURONA_EIGEN_SPACE Eigen_baseline
#ifdef __wasm_relaxed_simd__
#define NEURONA_KERNELS_NAME "128-bit, relaxed"
#else
#define NEURONA_KERNELS_NAME "128-bit"
#endif
#define NEURONA_WIDTH 4
#define NEURONA_ACCUMULATORS 10
#include "backend/cpu/kernels_impl.hpp"
