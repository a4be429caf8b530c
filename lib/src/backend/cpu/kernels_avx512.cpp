// x86-64-v4: 32 vector registers of 16 floats.
#define NEURONA_KERNELS_SPACE avx512
#define NEURONA_EIGEN_SPACE Eigen_avx512
#define NEURONA_KERNELS_NAME "AVX-512"
#define NEURONA_WIDTH 16
#define NEURONA_ACCUMULATORS 28
#include "backend/cpu/kernels_impl.hpp"
