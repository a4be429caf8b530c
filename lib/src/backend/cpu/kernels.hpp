// The arithmetic of the cpu backend, compiled once for each instruction set and picked at run time, so that one binary
// runs everywhere. Each kernel works on a piece that one thread owns.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "neurona/activation.hpp"

namespace neurona {
class Backend;
}

namespace neurona::cpu {

/// Depth of a slice of a product. Slices are summed by themselves: a chain of thousands of float additions would cost the digits that
/// a gradient of nearly equal terms needs. One of B stays in the first-level cache while all rows of A pass over it.
inline constexpr std::int64_t kProductDepth = 96;

/// Writes rows [row, row + rows), columns [column, column + columns) of a matrix to `to`, whose rows lie to_row apart.
using Gather = void (*)(const void* matrix, std::int64_t row, std::int64_t rows, std::int64_t column, std::int64_t columns,
                        float* to, std::int64_t to_row);

/// C (M,N) = A (M,K) . B (K,N) [* scale (N)] [+ bias (N)] [+ addend (M,N)] [negative results 0], or C += factor * A . B.
struct GemmTile {
  std::int64_t M, N, K;
  const float* a;
  std::int64_t a_row;
  bool transposed = false;  // a holds A^T (K,M)
  const float* b = nullptr;
  std::int64_t b_row = 0;
  bool panels = false;  // b holds panels (K, 2 vectors), one after the other; b_row is not looked at
  const float* scale = nullptr;
  const float* bias = nullptr;
  float* c = nullptr;
  std::int64_t c_row = 0;
  bool accumulate = false;  // begin with what C holds; bias is not looked at
  float factor = 1.0f;      // where it accumulates
  const float* addend = nullptr;  // rows lie c_row apart
  bool clamps = false;
  Gather gather = nullptr;  // in place of `a`: gives it (or A^T) piece by piece
  const void* gathers = nullptr;
  std::int64_t gather_from = 0;  // the row of the gathered A that is row 0 here
  std::int64_t gather_at = 0;    // likewise its column
};

/// y (rows,F) = bias (F) + the sum of `groups` matrices (rows,F), `group` values apart [negative results 0].
struct GroupSum {
  std::int64_t rows, F, groups, group;
  const float* terms;
  const float* bias;  // may be null
  bool clamps;
  float* y;
};

/// Some columns of a matrix whose rows lie `row` apart.
struct Columns {
  std::int64_t rows, C, row;
};

/// x, y (rows,C), the rest (C).
struct NormalizePiece {
  Columns of;
  const float* x;
  const float *mean, *scale, *shift;
  float* y;
};

/// dx = slope * dy + tilt * (x - mean) + offset; x, dy, dx (rows,C), the rest (C).
struct NormalizeGradientPiece {
  Columns of;
  const float *x, *dy;
  const float *mean, *slope, *tilt, *offset;
  float* dx;
};

/// A line of positions, `count` windows of height x width pixels side by side, each pixel with F channels.
struct PoolPiece {
  std::int64_t count, F, height, width;
  std::int64_t row;     // from one line of pixels to the next
  const float* pixels;
  bool clamps;          // negative results become 0
  float* y;             // (count,F)
  std::uint8_t* taps;   // (count,F) or null: which pixel of the window was the largest, the first of equal ones
};

/// The opposite: dy (count,F) goes to the pixels that `taps` says, the others become 0.
struct UnpoolPiece {
  std::int64_t count, F, height, width;
  std::int64_t row;
  const float* dy;
  const float* clamped;  // y (count,F), or null: where it is 0 nothing is given
  const std::uint8_t* taps;
  float* pixels;
  float* sums;  // (F): what was given, in all
};

/// Gray images (1 channel) under a window of 3x3, pooled in windows of 2x2: `count` pooled positions side by side. F must be a
/// multiple of Kernels::vector.
struct GrayPiece {
  std::int64_t count, F;
  std::int64_t row;     // from one line of the image to the next
  const float* x;       // the first pixel that the first position sees
  const float* kernel;  // (9,F)
  const float* bias;    // may be null
  bool clamps;
  float* y;             // (count,F)
  std::uint8_t* taps;   // (count,F) or null, as in PoolPiece
};

struct GrayGradientPiece {
  std::int64_t count, F;
  std::int64_t row;
  const float* x;
  const float* dy;       // (count,F)
  const float* clamped;  // y, or null, as in UnpoolPiece
  const std::uint8_t* taps;
  float* kernel;  // (9,F), added to
  float* sums;    // (F): what reached the bias, in all
};

/// One tile of Winograd's convolution, `tile` (2 or 4) results wide and high, whose window begins at (top, left) of an image
/// (H,W,C). C must be a multiple of Kernels::vector.
struct WinogradInput {
  int tile;
  std::int64_t H, W, C, top, left;
  const float* image;
  float* points;  // (tile+2)^2 rows of C, `point` apart
  std::int64_t point;
};

/// The tile's results: of them rows x columns lie inside the image.
struct WinogradOutput {
  int tile;
  std::int64_t F;
  const float* points;  // (tile+2)^2 rows of F, `point` apart
  std::int64_t point;
  std::int64_t rows, columns;
  const float *scale, *bias, *addend;  // each may be null; addend lies as y
  bool clamps;
  float* y;
  std::int64_t row;  // from one line of y to the next
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
  float* mean_gradient;  // null unless centered
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
  int vector;  // floats
  void (*gemm)(const GemmTile& tile);
  /// `rounds` times as many multiply-adds in registers as there are registers: the most that this processor can do. Returns the
  /// floating-point operations. For measuring.
  double (*multiply_adds)(std::int64_t rounds);
  void (*sum_groups)(const GroupSum& sum);
  /// All but softmax; z may be y.
  void (*activation_forward)(Activation activation, std::int64_t count, const float* z, float* y);
  void (*activation_backward)(Activation activation, std::int64_t count, const float* y, const float* dy, float* dz);
  /// z (rows,F) -> y (rows,F); z may be y.
  void (*softmax)(std::int64_t rows, std::int64_t F, const float* z, float* y);
  /// One row: returns the loss; `gradient` (F) receives (softmax - onehot) * scale.
  double (*crossentropy_row)(std::int64_t F, const float* logits, std::int32_t label, float scale, float* gradient);
  /// x (rows,C) -> sums (C)
  void (*column_sums)(const Columns& of, const float* x, double* sums);
  /// x (rows,C) -> sums (C) of (x - mean)^2
  void (*column_squares)(const Columns& of, const float* x, const float* mean, double* sums);
  /// x, dy (rows,C) -> sums (C) of dy * (x - mean)
  void (*column_products)(const Columns& of, const float* x, const float* dy, const float* mean, double* sums);
  /// scale = gamma / sqrt(variance + epsilon), `count` of each
  void (*normal_scales)(std::int64_t count, const float* gamma, const float* variance, float epsilon, float* scale);
  /// y = (x - mean) * scale + shift
  void (*normalize)(const NormalizePiece& piece);
  void (*normalize_backward)(const NormalizeGradientPiece& piece);
  /// y += a
  void (*add_to)(std::int64_t count, const float* a, float* y);
  /// y = a + b
  void (*add)(std::int64_t count, const float* a, const float* b, float* y);
  /// y += a * b
  void (*multiply_add)(std::int64_t count, const float* a, const float* b, float* y);
  /// y += factor * a
  void (*scale_add)(std::int64_t count, float factor, const float* a, float* y);
  /// y = max(y, a), NaN where one of them is
  void (*maximum)(std::int64_t count, const float* a, float* y);
  /// Where x == y, or x is NaN: dx += left, left = 0.
  void (*give_to_equal)(std::int64_t count, const float* x, const float* y, float* left, float* dx);
  /// x (rows,cols) -> y (cols,rows); their rows lie x_row and y_row apart.
  void (*transpose)(std::int64_t rows, std::int64_t cols, const float* x, std::int64_t x_row, float* y, std::int64_t y_row);
  void (*max_pool)(const PoolPiece& piece);
  void (*max_unpool)(const UnpoolPiece& piece);
  void (*gray_forward)(const GrayPiece& piece);
  void (*gray_backward)(const GrayGradientPiece& piece);
  void (*winograd_input)(const WinogradInput& tile);
  void (*winograd_output)(const WinogradOutput& tile);
  void (*sgd)(const SgdPiece& piece);
  void (*rmsprop)(const RmspropPiece& piece);
  void (*adam)(const AdamPiece& piece);
  /// Adds to the gradient and returns the sums of |w| and w^2.
  PenaltySums (*penalty)(const PenaltyPiece& piece);
};

/// The sets of kernels that this processor can run, the best first.
std::vector<const Kernels*> runnable_kernels();
/// A cpu backend on these kernels, which must outlive it.
std::shared_ptr<Backend> make_backend(const Kernels& kernels);

}  // namespace neurona::cpu
