// The kernels, written once over vectors of NEURONA_WIDTH floats. The including file defines NEURONA_WIDTH,
// NEURONA_ACCUMULATORS (vectors of a register block), NEURONA_KERNELS_NAME and NEURONA_KERNELS_SPACE before.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <utility>

#ifdef __wasm_relaxed_simd__
#include <wasm_simd128.h>
#endif

// Its templates must not be merged with those of another instruction set by the linker.
#define Eigen NEURONA_EIGEN_SPACE
#include <Eigen/Core>

#include "backend/cpu/kernels.hpp"

namespace neurona::cpu::NEURONA_KERNELS_SPACE {
namespace {

#include "backend/cpu/product_impl.hpp"

// Elementwise functions run over blocks of a fixed size, the rest padded to one: each element takes the same path wherever it
// lies, so results depend neither on alignment nor on the batch size.
constexpr int kBlock = 32;
using Block = NEURONA_EIGEN_SPACE::Array<float, kBlock, 1>;
using BlockMap = NEURONA_EIGEN_SPACE::Map<Block>;
using ConstBlockMap = NEURONA_EIGEN_SPACE::Map<const Block>;

template <class Function>
inline void elementwise(std::int64_t count, const float* x, float* y, Function function) {
  std::int64_t i = 0;
  for (; i + kBlock <= count; i += kBlock) BlockMap(y + i) = function(ConstBlockMap(x + i));
  if (i == count) return;
  const auto rest = static_cast<std::size_t>(count - i) * sizeof(float);
  Block padded = Block::Zero();
  std::memcpy(padded.data(), x + i, rest);
  padded = function(padded).eval();
  std::memcpy(y + i, padded.data(), rest);
}

// y = function(a, b)
template <class Function>
inline void elementwise(std::int64_t count, const float* a, const float* b, float* y, Function function) {
  std::int64_t i = 0;
  for (; i + kBlock <= count; i += kBlock) BlockMap(y + i) = function(ConstBlockMap(a + i), ConstBlockMap(b + i));
  for (; i < count; ++i) {
    const Block left = Block::Constant(a[i]), right = Block::Constant(b[i]);
    y[i] = function(left, right).eval()[0];
  }
}

// Share of a standard normal below each x. libm's erf, one by one: the same everywhere, and no network here is ruled by it.
inline Block normal_share(const Block& x) {
  Block share;
  for (int i = 0; i < kBlock; ++i) share[i] = 0.5f * std::erfc(-x[i] * 0.70710678118654752f);
  return share;
}

constexpr auto kSlope = static_cast<float>(kLeakySlope);
constexpr float kNormalPeak = 0.39894228040143268f;  // 1 / sqrt(2 pi)
constexpr auto kLambda = static_cast<float>(kSeluLambda), kLambdaAlpha = static_cast<float>(kSeluLambda * kSeluAlpha);

// min(x, 0) that keeps NaN, which Eigen's min need not.
template <class Values>
inline Block up_to_zero(const Values& x) {
  return (x > 0.0f).select(0.0f, x);
}

// NaN and infinity go through all of these as the definitions say: a NaN in gives a NaN out, forwards and backwards.
void activation_forward(Activation activation, std::int64_t count, const float* z, float* y) {
  switch (activation) {
    case Activation::linear:
    case Activation::softmax:
      if (z != y) std::memcpy(y, z, static_cast<std::size_t>(count) * sizeof(float));
      return;
    case Activation::sigmoid:
      return elementwise(count, z, y, [](const auto& x) { return (1.0f + (-x).exp()).inverse(); });
    case Activation::tanh:
      return elementwise(count, z, y, [](const auto& x) { return x.tanh(); });
    case Activation::relu:
      return elementwise(count, z, y, [](const auto& x) { return Block((x < 0.0f).select(0.0f, x)); });
    case Activation::leaky_relu:
      return elementwise(count, z, y, [](const auto& x) { return Block((x < 0.0f).select(kSlope * x, x)); });
    case Activation::elu:
      return elementwise(count, z, y, [](const auto& x) { return Block((x > 0.0f).select(x, up_to_zero(x).exp() - 1.0f)); });
    case Activation::gelu:
      return elementwise(count, z, y, [](const auto& x) { return Block(x * normal_share(x)); });
    case Activation::swish:
      return elementwise(count, z, y, [](const auto& x) { return Block(x * (1.0f + (-x).exp()).inverse()); });
    case Activation::selu:
      return elementwise(count, z, y, [](const auto& x) {
        return Block((x > 0.0f).select(kLambda * x, kLambdaAlpha * (up_to_zero(x).exp() - 1.0f)));
      });
  }
}

void activation_backward(Activation activation, std::int64_t count, const float* y, const float* dy, float* dz) {
  switch (activation) {
    case Activation::linear:
    case Activation::softmax:
      if (dy != dz) std::memcpy(dz, dy, static_cast<std::size_t>(count) * sizeof(float));
      return;
    case Activation::sigmoid:
      return elementwise(count, y, dy, dz, [](const auto& out, const auto& g) { return g * out * (1.0f - out); });
    case Activation::tanh:
      return elementwise(count, y, dy, dz, [](const auto& out, const auto& g) { return g * (1.0f - out * out); });
    case Activation::relu:
      return elementwise(count, y, dy, dz, [](const auto& out, const auto& g) { return Block((out > 0.0f).select(g, g * (0.0f * out))); });
    case Activation::leaky_relu:
      return elementwise(count, y, dy, dz, [](const auto& out, const auto& g) { return Block((out < 0.0f).select(kSlope * g, (out >= 0.0f).select(g, g * out))); });
    case Activation::elu:
      return elementwise(count, y, dy, dz, [](const auto& out, const auto& g) { return Block((out > 0.0f).select(g, g * (out + 1.0f))); });
    case Activation::gelu:
      return elementwise(count, y, dy, dz, [](const auto& x, const auto& g) {
        return Block(g * (normal_share(x) + kNormalPeak * x * (-0.5f * x * x).exp()));
      });
    case Activation::swish:
      return elementwise(count, y, dy, dz, [](const auto& x, const auto& g) {
        const Block share = (1.0f + (-x).exp()).inverse();
        return Block(g * share * (1.0f + x * (1.0f - share)));
      });
    case Activation::selu:
      return elementwise(count, y, dy, dz, [](const auto& out, const auto& g) {
        return Block(g * (out > 0.0f).select(Block::Constant(kLambda), out + kLambdaAlpha));
      });
  }
}

// e^(z - largest) -> y (F); returns their sum, added up in order.
inline float shifted_exp(std::int64_t F, const float* z, float* y, float& largest) {
  largest = z[0];
  for (std::int64_t f = 1; f < F; ++f) largest = z[f] > largest ? z[f] : largest;
  elementwise(F, z, y, [largest](const auto& x) { return (x - largest).exp(); });
  float sum = 0.0f;
  for (std::int64_t f = 0; f < F; ++f) sum += y[f];
  return sum;
}

void softmax(std::int64_t rows, std::int64_t F, const float* z, float* y) {
  for (std::int64_t n = 0; n < rows; ++n, z += F, y += F) {
    float largest;
    const float share = 1.0f / shifted_exp(F, z, y, largest);
    for (std::int64_t f = 0; f < F; ++f) y[f] *= share;
  }
}

double crossentropy_row(std::int64_t F, const float* logits, std::int32_t label, float scale, float* gradient) {
  float largest;
  const float sum = shifted_exp(F, logits, gradient, largest);
  const float factor = scale / sum;
  for (std::int64_t f = 0; f < F; ++f) gradient[f] *= factor;
  gradient[label] -= scale;
  return static_cast<double>(largest - logits[label]) + std::log(static_cast<double>(sum));
}

// sums (C) = totals of term(row, column). Few rows are added up in float before double takes over: differences of sums that
// are nearly equal keep their digits.
template <class Term>
inline void column_totals(std::int64_t rows, std::int64_t C, double* sums, Term term) {
  constexpr std::int64_t kChain = 8;
  std::memset(sums, 0, static_cast<std::size_t>(C) * sizeof(double));
  std::int64_t r = 0;
  for (; r + kChain <= rows; r += kChain)
    for (std::int64_t c = 0; c < C; ++c) {
      float chain = term(r, c);
      for (std::int64_t i = 1; i < kChain; ++i) chain += term(r + i, c);
      sums[c] += static_cast<double>(chain);
    }
  for (; r < rows; ++r)
    for (std::int64_t c = 0; c < C; ++c) sums[c] += static_cast<double>(term(r, c));
}

void column_sums(const Columns& of, const float* x, double* sums) {
  column_totals(of.rows, of.C, sums, [=, row = of.row](std::int64_t r, std::int64_t c) { return x[r * row + c]; });
}

void column_squares(const Columns& of, const float* x, const float* mean, double* sums) {
  column_totals(of.rows, of.C, sums, [=, row = of.row](std::int64_t r, std::int64_t c) {
    const float centered = x[r * row + c] - mean[c];
    return centered * centered;
  });
}

void column_products(const Columns& of, const float* x, const float* dy, const float* mean, double* sums) {
  column_totals(of.rows, of.C, sums,
                [=, row = of.row](std::int64_t r, std::int64_t c) { return dy[r * row + c] * (x[r * row + c] - mean[c]); });
}

void normal_scales(std::int64_t count, const float* gamma, const float* variance, float epsilon, float* scale) {
  for (std::int64_t i = 0; i < count; ++i) scale[i] = gamma[i] / std::sqrt(variance[i] + epsilon);
}

void normalize(const NormalizePiece& p) {
  const float *x = p.x, *mean = p.mean, *scale = p.scale, *shift = p.shift;
  float* y = p.y;
  for (std::int64_t r = 0; r < p.of.rows; ++r, x += p.of.row, y += p.of.row)
    for (std::int64_t c = 0; c < p.of.C; ++c) y[c] = (x[c] - mean[c]) * scale[c] + shift[c];
}

void normalize_backward(const NormalizeGradientPiece& p) {
  const float *x = p.x, *dy = p.dy, *mean = p.mean, *slope = p.slope, *tilt = p.tilt, *offset = p.offset;
  float* dx = p.dx;
  for (std::int64_t r = 0; r < p.of.rows; ++r, x += p.of.row, dy += p.of.row, dx += p.of.row)
    for (std::int64_t c = 0; c < p.of.C; ++c) dx[c] = slope[c] * dy[c] + tilt[c] * (x[c] - mean[c]) + offset[c];
}

void sum_groups(const GroupSum& s) {
  for (std::int64_t r = 0; r < s.rows; ++r) {
    const float* terms = s.terms + r * s.F;
    float* y = s.y + r * s.F;
    for (std::int64_t f = 0; f < s.F; ++f) y[f] = s.bias != nullptr ? s.bias[f] + terms[f] : terms[f];
    for (std::int64_t g = 1; g < s.groups; ++g)
      for (std::int64_t f = 0; f < s.F; ++f) y[f] += terms[g * s.group + f];
    if (s.clamps)
      for (std::int64_t f = 0; f < s.F; ++f) y[f] = clamped(y[f]);
  }
}

void add_to(std::int64_t count, const float* a, float* y) {
  for (std::int64_t i = 0; i < count; ++i) y[i] += a[i];
}

void add(std::int64_t count, const float* a, const float* b, float* y) {
  for (std::int64_t i = 0; i < count; ++i) y[i] = a[i] + b[i];
}

void multiply_add(std::int64_t count, const float* a, const float* b, float* y) {
  for (std::int64_t i = 0; i < count; ++i) y[i] += a[i] * b[i];
}

void scale_add(std::int64_t count, float factor, const float* a, float* y) {
  for (std::int64_t i = 0; i < count; ++i) y[i] += factor * a[i];
}

void maximum(std::int64_t count, const float* a, float* y) {
  for (std::int64_t i = 0; i < count; ++i) y[i] = is_larger(a[i], y[i]) ? a[i] : y[i];
}

void give_to_equal(std::int64_t count, const float* x, const float* y, float* left, float* dx) {
  for (std::int64_t i = 0; i < count; ++i) {
    const bool is_it = x[i] == y[i] || x[i] != x[i];  // a NaN in the window is what the pooling gave
    dx[i] += is_it ? left[i] : 0.0f;
    left[i] = is_it ? 0.0f : left[i];
  }
}

// A square of kSide at a time goes through registers: sequences of vector interleavings, log2(kSide) of them.
void transpose(std::int64_t rows, std::int64_t cols, const float* x, std::int64_t x_row, float* y, std::int64_t y_row) {
  constexpr std::int64_t kSide = 16;
  std::int64_t r = 0;
  for (; r + kSide <= rows; r += kSide) {
    std::int64_t c = 0;
    for (; c + kSide <= cols; c += kSide) {
      alignas(64) float square[kSide][kSide];
      for (std::int64_t i = 0; i < kSide; ++i) std::memcpy(square[i], x + (r + i) * x_row + c, sizeof square[i]);
      for (std::int64_t j = 0; j < kSide; ++j) {
        float* to = y + (c + j) * y_row + r;
        for (std::int64_t i = 0; i < kSide; ++i) to[i] = square[i][j];
      }
    }
    for (; c < cols; ++c)
      for (std::int64_t i = 0; i < kSide; ++i) y[c * y_row + r + i] = x[(r + i) * x_row + c];
  }
  for (; r < rows; ++r)
    for (std::int64_t c = 0; c < cols; ++c) y[c * y_row + r] = x[r * x_row + c];
}

using Bytes = VectorOf<W>::bytes;

// One vector of channels of one window: the largest value, and which pixel it is.
template <class Value, class Index>
inline void largest(const PoolPiece& p, const float* pixels, Value& best, Index& tap) {
  best = load<Value>(pixels);
  tap = Index{};
  for (std::int64_t i = 0, h = 0; h < p.height; ++h)
    for (std::int64_t w = 0; w < p.width; ++w, ++i) {
      const Value value = load<Value>(pixels + h * p.row + w * p.F);
      const auto larger = is_larger(value, best);
      best = larger ? value : best;
      tap = larger ? Index{} + static_cast<std::int32_t>(i) : tap;
    }
}

void max_pool(const PoolPiece& p) {
  for (std::int64_t i = 0; i < p.count; ++i) {
    const float* pixels = p.pixels + i * p.width * p.F;
    float* y = p.y + i * p.F;
    std::uint8_t* taps = p.taps != nullptr ? p.taps + i * p.F : nullptr;
    std::int64_t f = 0;
    for (; f + W <= p.F; f += W) {
      Vector best;
      Mask tap;
      largest(p, pixels + f, best, tap);
      if (p.clamps) best = clamped(best);
      store(y + f, best);
      if (taps == nullptr) continue;
      const Bytes narrow = __builtin_convertvector(tap, Bytes);
      std::memcpy(taps + f, &narrow, sizeof narrow);
    }
    for (; f < p.F; ++f) {
      float best;
      std::int32_t tap;
      largest(p, pixels + f, best, tap);
      y[f] = p.clamps ? clamped(best) : best;
      if (taps != nullptr) taps[f] = static_cast<std::uint8_t>(tap);
    }
  }
}

void max_unpool(const UnpoolPiece& p) {
  std::memset(p.sums, 0, static_cast<std::size_t>(p.F) * sizeof(float));
  for (std::int64_t i = 0; i < p.count; ++i) {
    float* pixels = p.pixels + i * p.width * p.F;
    const float* dy = p.dy + i * p.F;
    const float* y = p.clamped != nullptr ? p.clamped + i * p.F : nullptr;
    const std::uint8_t* taps = p.taps + i * p.F;
    const auto give = [&]<class Value, class Index>(std::int64_t f, Value given, Index tap) {
      if (y != nullptr) given = through_clamp(given, load<Value>(y + f));
      store(p.sums + f, load<Value>(p.sums + f) + given);
      for (std::int64_t t = 0, h = 0; h < p.height; ++h)
        for (std::int64_t w = 0; w < p.width; ++w, ++t)
          store(pixels + h * p.row + w * p.F + f, tap == static_cast<std::int32_t>(t) ? given : Value{});
    };
    std::int64_t f = 0;
    for (; f + W <= p.F; f += W) {
      Bytes narrow;
      std::memcpy(&narrow, taps + f, sizeof narrow);
      give(f, load<Vector>(dy + f), __builtin_convertvector(narrow, Mask));
    }
    for (; f < p.F; ++f) give(f, dy[f], static_cast<std::int32_t>(taps[f]));
  }
}

#include "backend/cpu/gray_impl.hpp"
#include "backend/cpu/winograd_impl.hpp"

void sgd(const SgdPiece& p) {
  const float lr = p.learning_rate, momentum = p.momentum;
  if (p.velocity == nullptr) {
    for (std::int64_t i = 0; i < p.count; ++i) p.weights[i] -= lr * p.gradient[i];
  } else if (p.nesterov) {
    for (std::int64_t i = 0; i < p.count; ++i) {
      p.velocity[i] = momentum * p.velocity[i] - lr * p.gradient[i];
      p.weights[i] += momentum * p.velocity[i] - lr * p.gradient[i];
    }
  } else {
    for (std::int64_t i = 0; i < p.count; ++i) {
      p.velocity[i] = momentum * p.velocity[i] - lr * p.gradient[i];
      p.weights[i] += p.velocity[i];
    }
  }
}

template <bool Centered, bool Moves>
inline void rmsprop_steps(const RmspropPiece& p) {
  const float* gradient = p.gradient;
  float *square = p.mean_square, *mean = p.mean_gradient, *velocity = p.velocity, *weights = p.weights;
  const float lr = p.learning_rate, rho = p.rho, fresh = p.fresh, momentum = p.momentum, epsilon = p.epsilon;
  for (std::int64_t i = 0; i < p.count; ++i) {
    const float g = gradient[i];
    square[i] = rho * square[i] + fresh * g * g;
    float variance = square[i];
    if constexpr (Centered) {
      mean[i] = rho * mean[i] + fresh * g;
      variance -= mean[i] * mean[i];
      variance = variance < 0.0f ? 0.0f : variance;
    }
    float move = lr * g / std::sqrt(variance + epsilon);
    if constexpr (Moves) move = velocity[i] = momentum * velocity[i] + move;
    weights[i] -= move;
  }
}

void rmsprop(const RmspropPiece& p) {
  if (p.mean_gradient != nullptr)
    p.velocity != nullptr ? rmsprop_steps<true, true>(p) : rmsprop_steps<true, false>(p);
  else
    p.velocity != nullptr ? rmsprop_steps<false, true>(p) : rmsprop_steps<false, false>(p);
}

template <bool Amsgrad>
inline void adam_steps(const AdamPiece& p) {
  const float* gradient = p.gradient;
  float *mean = p.mean, *square = p.mean_square, *largest = p.largest, *weights = p.weights;
  const float lr = p.learning_rate, fresh_1 = p.fresh_1, fresh_2 = p.fresh_2, epsilon = p.epsilon, decay = p.decay;
  for (std::int64_t i = 0; i < p.count; ++i) {
    const float g = gradient[i];
    mean[i] += fresh_1 * (g - mean[i]);
    square[i] += fresh_2 * (g * g - square[i]);
    float v = square[i];
    if constexpr (Amsgrad) v = largest[i] = largest[i] > v ? largest[i] : v;  // a NaN is taken over
    weights[i] -= decay * weights[i];
    weights[i] -= lr * mean[i] / (std::sqrt(v) + epsilon);
  }
}

void adam(const AdamPiece& p) { p.largest != nullptr ? adam_steps<true>(p) : adam_steps<false>(p); }

// Sums run in kLanes chains, so that they fill vectors in a fixed order.
PenaltySums penalty(const PenaltyPiece& p) {
  constexpr int kLanes = 16;
  double absolute[kLanes] = {}, squares[kLanes] = {};
  std::int64_t i = 0;
  for (; i + kLanes <= p.count; i += kLanes) {
    for (int lane = 0; lane < kLanes; ++lane) {
      const auto w = static_cast<double>(p.weights[i + lane]);
      absolute[lane] += std::abs(w);
      squares[lane] += w * w;
    }
  }
  for (; i < p.count; ++i) {
    const auto w = static_cast<double>(p.weights[i]);
    absolute[0] += std::abs(w);
    squares[0] += w * w;
  }
  if (p.gradient != nullptr) {
    const float l1 = p.l1, twice_l2 = p.twice_l2;
    for (std::int64_t k = 0; k < p.count; ++k) {
      const float w = p.weights[k];
      const float slope = w > 0.0f ? l1 : w < 0.0f ? -l1 : 0.0f;
      p.gradient[k] += slope + twice_l2 * w;
    }
  }
  PenaltySums sums{0.0, 0.0};
  for (int lane = 0; lane < kLanes; ++lane) sums.absolute += absolute[lane], sums.squares += squares[lane];
  return sums;
}

}  // namespace

extern const Kernels kernels;
const Kernels kernels = {.name = NEURONA_KERNELS_NAME,
                         .vector = NEURONA_WIDTH,
                         .gemm = gemm,
                         .multiply_adds = multiply_adds,
                         .sum_groups = sum_groups,
                         .activation_forward = activation_forward,
                         .activation_backward = activation_backward,
                         .softmax = softmax,
                         .crossentropy_row = crossentropy_row,
                         .column_sums = column_sums,
                         .column_squares = column_squares,
                         .column_products = column_products,
                         .normal_scales = normal_scales,
                         .normalize = normalize,
                         .normalize_backward = normalize_backward,
                         .add_to = add_to,
                         .add = add,
                         .multiply_add = multiply_add,
                         .scale_add = scale_add,
                         .maximum = maximum,
                         .give_to_equal = give_to_equal,
                         .transpose = transpose,
                         .max_pool = max_pool,
                         .max_unpool = max_unpool,
                         .gray_forward = gray_forward,
                         .gray_backward = gray_backward,
                         .winograd_input = winograd_input,
                         .winograd_output = winograd_output,
                         .sgd = sgd,
                         .rmsprop = rmsprop,
                         .adam = adam,
                         .penalty = penalty};

}  // namespace neurona::cpu::NEURONA_KERNELS_SPACE
