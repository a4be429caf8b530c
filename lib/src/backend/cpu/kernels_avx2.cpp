// x86-64-v3: 16 vector registers of 8 floats, fused multiply-add.
#define NEURONA_KERNELS_SPACE avx2
#define NEURONA_EIGEN_SPACE Eigen_avx2
#define NEURONA_KERNELS_NAME "AVX2"
#define NEURONA_WIDTH 8
#define NEURONA_ACCUMULATORS 12
#include "backend/cpu/kernels_impl.hpp"
