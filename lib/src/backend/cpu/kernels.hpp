// The arithmetic of the cpu backend, compiled once for each instruction set and picked at run time, so that one binary
// runs everywhere. Each kernel works on a piece that one thread owns.
#pragma once

#include <cstdint>
#include <vector>

#include "neurona/activation.hpp"

namespace neurona::cpu {

/// C (M,N) = A (M,K) . B (K,N) [+ bias (N)]. Element (m,k) of A is a[m * a_row + k * a_col]; rows of B and C are contiguous.
struct GemmTile {
  std::int64_t M, N, K;
  const float* a;
  std::int64_t a_row, a_col;
  const float* b;
  std::int64_t b_row;
  const float* bias;  // may be null
  float* c;
  std::int64_t c_row;
};

struct SgdPiece {
  std::int64_t count;
  float learning_rate, momentum;
  bool nesterov;
  const float* gradient;
  float* velocity;  // null without momentum
  float* weights;
};

struct RmspropPiece {
  std::int64_t count;
  float learning_rate, rho, fresh, momentum, epsilon;  // fresh: 1 - rho
  const float* gradient;
  float* mean_square;
  float* mean_gradient;  // null unless centred
  float* velocity;       // null without momentum
  float* weights;
};

struct AdamPiece {
  std::int64_t count;
  float learning_rate, fresh_1, fresh_2, epsilon, decay;  // fresh: 1 - beta
  const float* gradient;
  float* mean;
  float* mean_square;
  float* largest;  // null without AMSGrad
  float* weights;
};

struct PenaltyPiece {
  std::int64_t count;
  float l1, twice_l2;
  const float* weights;
  float* gradient;  // may be null
};

struct PenaltySums {
  double absolute, squares;
};

struct Kernels {
  const char* name;
  void (*gemm)(const GemmTile& tile);
  /// All but softmax; z may be y.
  void (*activation_forward)(Activation activation, std::int64_t count, const float* z, float* y);
  void (*activation_backward)(Activation activation, std::int64_t count, const float* y, const float* dy, float* dz);
  /// z (rows,F) -> y (rows,F); z may be y.
  void (*softmax)(std::int64_t rows, std::int64_t F, const float* z, float* y);
  /// One row: returns the loss; `gradient` (F) receives (softmax - onehot) * scale.
  double (*crossentropy_row)(std::int64_t F, const float* logits, std::int32_t label, float scale, float* gradient);
  /// x (rows,F) -> sums (F)
  void (*column_sums)(std::int64_t rows, std::int64_t F, const float* x, float* sums);
  /// x (rows,cols), row stride x_row -> y (cols,rows)
  void (*transpose)(std::int64_t rows, std::int64_t cols, const float* x, std::int64_t x_row, float* y);
  void (*sgd)(const SgdPiece& piece);
  void (*rmsprop)(const RmspropPiece& piece);
  void (*adam)(const AdamPiece& piece);
  /// Adds to the gradient and returns the sums of |w| and w^2.
  PenaltySums (*penalty)(const PenaltyPiece& piece);
};

/// The sets of kernels that this processor can run, the best first.
std::vector<const Kernels*> runnable_kernels();

}  // namespace neurona::cpu
