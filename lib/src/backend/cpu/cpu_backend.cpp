// Cuts each operation into pieces of a fixed size, so that the result does not depend on the number of threads, and hands
// them to the kernels of this processor.
#include <algorithm>
#include <vector>

#include "backend/backend.hpp"
#include "backend/cpu/images.hpp"
#include "backend/cpu/kernels.hpp"
#include "backend/cpu/share.hpp"
#include "backend/cpu/workspaces.hpp"
#include "backend/moves.hpp"
#include "neurona/backend.hpp"
#include "neurona/error.hpp"
#include "runtime/parallel_for.hpp"

namespace neurona {

namespace {

using cpu::for_pieces;
using cpu::kPiece;
using cpu::pieces_of;
using cpu::reserve;

// Inputs whose gradients are computed at a time: a block of the kernel and of results that stays in the cache.
constexpr std::int64_t kInputBlock = 112, kSampleBlock = 64;

class CpuBackend final : public Backend {
 public:
  explicit CpuBackend(const cpu::Kernels& kernels) : kernels_(kernels), plan_(kernels), workspaces_(kernels) {}

  std::string describe() const override {
    return "cpu (" + std::string(kernels_.name) + ", " + std::to_string(num_threads()) +
           (num_threads() == 1 ? " thread)" : " threads)");
  }

  bool supports(DType dtype) const override { return dtype == DType::float32; }

  void dense_forward(ConstTensorView x, ConstTensorView kernel, ConstTensorView bias, Activation activation,
                     TensorView y) override {
    const std::int64_t N = x.shape[0], K = kernel.shape[0], F = kernel.shape[1];
    const bool clamps = activation == Activation::relu;
    const float* offsets = bias ? bias.as<float>() : nullptr;
    // Many inputs are summed in groups, whatever the batch and the threads: a thread then reads the rows of the kernel that it
    // changed when it went backwards, and that are still in its cache.
    const cpu::Groups groups(K);
    if (groups.count == 1) {
      gemm(product(x.as<float>(), N, K, kernel.as<float>(), F, offsets, clamps, y.as<float>()));
    } else {
      const auto workspace = workspaces_.borrow();
      float* terms = reserve(workspace->values, groups.count * N * F);
      const bool shared = N * K * F >= cpu::kMultiplyAddsWorthSharing;
      // More threads than groups share a group's columns.
      const std::int64_t parts = shared ? std::clamp<std::int64_t>(num_threads() / groups.count, 1, std::max<std::int64_t>(1, F / cpu::kTileUnit)) : 1;
      const auto one = [&](std::int64_t i) {
        const std::int64_t g = i / parts, begin = i % parts * F / parts, end = (i % parts + 1) * F / parts;
        cpu::GemmTile tile = product(x.as<float>() + groups.begin(g), N, groups.begin(g + 1) - groups.begin(g),
                                     kernel.as<float>() + groups.begin(g) * F + begin, F, nullptr, false, terms + g * N * F + begin);
        tile.a_row = K;
        tile.N = end - begin;
        kernels_.gemm(tile);
      };
      if (shared) {
        runtime::parallel_for(groups.count * parts, one);
      } else {
        for (std::int64_t i = 0; i < groups.count; ++i) one(i);
      }
      kernels_.sum_groups({.rows = N, .F = F, .groups = groups.count, .group = N * F, .terms = terms, .bias = offsets, .clamps = clamps, .y = y.as<float>()});
    }
    if (!clamps) activation_forward(activation, y, y);
  }

  void dense_backward_parameters(ConstTensorView x, ConstTensorView dz, TensorView dkernel, TensorView dbias) override {
    const std::int64_t N = x.shape[0], K = x.shape[1], F = dz.shape[1];
    if (dkernel)
      gemm({.M = K,
            .N = F,
            .K = N,
            .a = x.as<float>(),
            .a_row = K,
            .transposed = true,
            .b = dz.as<float>(),
            .b_row = F,
            .c = dkernel.as<float>(),
            .c_row = F});
    if (dbias) workspaces_.borrow()->normalization.sum_columns(dz, dbias);
  }

  // The smaller of dz and kernel is transposed: dx = dz . kernel^T, or block by block dx^T = kernel . dz^T.
  void dense_backward_input(ConstTensorView dz, ConstTensorView kernel, TensorView dx) override {
    const std::int64_t N = dz.shape[0], K = kernel.shape[0], F = kernel.shape[1];
    const auto workspace = workspaces_.borrow();
    if (N <= K) {
      const float* turned = transpose_gradient(dz, workspace->values);
      return for_input_blocks(dz, K, [&](std::int64_t k, std::int64_t rows) { input_gradient(dz, turned, kernel, dx, k, rows); });
    }
    float* transposed = reserve(workspace->values, K * F);
    kernels_.transpose(K, F, kernel.as<float>(), F, transposed, K);
    gemm({.M = N,
          .N = K,
          .K = F,
          .a = dz.as<float>(),
          .a_row = F,
          .b = transposed,
          .b_row = K,
          .c = dx.as<float>(),
          .c_row = K});
  }

  // Block by block: what is read of the kernel for dx is still in the cache when it is changed.
  void dense_backward_step(ConstTensorView x, ConstTensorView dz, double rate, TensorView kernel, TensorView dx) override {
    const std::int64_t N = dz.shape[0], K = kernel.shape[0], F = kernel.shape[1];
    const auto workspace = workspaces_.borrow();
    const float* turned = dx ? transpose_gradient(dz, workspace->values) : nullptr;
    for_input_blocks(dz, K, [&](std::int64_t k, std::int64_t rows) {
      if (dx) input_gradient(dz, turned, kernel, dx, k, rows);
      kernels_.gemm({.M = rows,
                     .N = F,
                     .K = N,
                     .a = x.as<float>() + k,
                     .a_row = K,
                     .transposed = true,
                     .b = dz.as<float>(),
                     .b_row = F,
                     .c = kernel.as<float>() + k * F,
                     .c_row = F,
                     .accumulate = true,
                     .factor = -static_cast<float>(rate)});
    });
  }

  void activation_forward(Activation activation, ConstTensorView z, TensorView y) override {
    const float* in = z.as<float>();
    float* out = y.as<float>();
    if (activation == Activation::softmax) {
      const std::int64_t F = z.shape.back();
      if (F > 0) kernels_.softmax(z.elements() / F, F, in, out);
    } else if (activation != Activation::linear || in != out) {
      for_pieces(z.elements(), kPiece, [&](std::int64_t i, std::int64_t count) {
        kernels_.activation_forward(activation, count, in + i, out + i);
      });
    }
  }

  void activation_backward(Activation activation, ConstTensorView y, ConstTensorView dy, TensorView dz) override {
    const float* out = y.as<float>();
    const float* from = dy.as<float>();
    float* to = dz.as<float>();
    if (activation == Activation::softmax) {
      const std::int64_t F = y.shape.back();
      for (std::int64_t n = 0; F > 0 && n < y.elements(); n += F) {
        float dot = 0.0f;
        for (std::int64_t f = n; f < n + F; ++f) dot += from[f] * out[f];
        for (std::int64_t f = n; f < n + F; ++f) to[f] = out[f] * (from[f] - dot);
      }
    } else if (activation != Activation::linear || from != to) {
      for_pieces(y.elements(), kPiece, [&](std::int64_t i, std::int64_t count) {
        kernels_.activation_backward(activation, count, out + i, from + i, to + i);
      });
    }
  }

  double softmax_crossentropy(ConstTensorView logits, const std::int32_t* labels, TensorView gradient) override {
    const std::int64_t N = logits.shape[0], F = logits.shape[1];
    const float scale = 1.0f / static_cast<float>(N);
    const auto workspace = workspaces_.borrow();
    float* unwanted = gradient ? nullptr : reserve(workspace->values, F);
    double loss = 0.0;
    for (std::int64_t n = 0; n < N; ++n)
      loss += kernels_.crossentropy_row(F, logits.as<float>() + n * F, labels[n], scale,
                                        gradient ? gradient.as<float>() + n * F : unwanted);
    return loss;
  }

  void conv2d_forward(const Window2D& window, std::int64_t groups, ConstTensorView x, ConstTensorView kernel, ConstTensorView bias,
                      Activation activation, TensorView y) override {
    const bool relu = activation == Activation::relu;
    workspaces_.borrow()->convolution.forward({.window = window, .positions = {y.shape[1], y.shape[2]}, .groups = groups, .bias = bias, .relu = relu}, x, kernel, y);
    if (!relu) activation_forward(activation, y, y);
  }
  void conv2d_backward_parameters(const Window2D& window, std::int64_t groups, ConstTensorView x, ConstTensorView dz,
                                  TensorView dkernel, TensorView dbias) override {
    if (dkernel) workspaces_.borrow()->convolution.backward_kernel(window, groups, x, dz, dkernel);
    if (dbias) workspaces_.borrow()->normalization.sum_columns(dz, dbias);
  }
  void conv2d_backward_input(const Window2D& window, std::int64_t groups, ConstTensorView dz, ConstTensorView kernel,
                             TensorView dx) override {
    workspaces_.borrow()->convolution.backward_input(window, groups, dz, kernel, dx);
  }
  bool fuses() const override { return true; }
  void fused_conv2d_forward(const FusedConv2D& of, ConstTensorView x, ConstTensorView kernel, TensorView y,
                            std::uint8_t* taps) override {
    const auto workspace = workspaces_.borrow();
    if (of.prepared != nullptr && plan_.winograd.takes(of, x.shape, kernel.shape)) return workspace->winograd.forward(of, x, kernel.shape, y);
    if (of.pool == Extent2D(1)) return workspace->convolution.forward(of, x, kernel, y);
    workspace->fused_convolution.forward(of, x, kernel, y, taps);
  }
  std::int64_t prepared_values(const FusedConv2D& of, const Shape& x, const Shape& kernel) const override {
    return plan_.winograd.takes(of, x, kernel) ? plan_.winograd.prepared_values(of, x, kernel) : plan_.convolution.prepared_values(of, kernel);
  }
  void prepare_conv2d(const FusedConv2D& of, const Shape& x, ConstTensorView kernel, float* to) const override {
    if (plan_.winograd.takes(of, x, kernel.shape)) return plan_.winograd.prepare(of, x, kernel, to);
    plan_.convolution.prepare(kernel, to);
  }
  void fused_conv2d_backward_parameters(const FusedConv2D& of, ConstTensorView x, ConstTensorView y, const std::uint8_t* taps,
                                        ConstTensorView dy, TensorView dkernel, TensorView dbias) override {
    workspaces_.borrow()->fused_convolution.backward_parameters(of, x, y, taps, dy, dkernel, dbias);
  }
  void pool2d_forward(Pooling pooling, const Window2D& window, ConstTensorView x, TensorView y) override {
    cpu::pool2d_forward(kernels_, pooling, window, x, y);
  }
  void pool2d_backward(Pooling pooling, const Window2D& window, ConstTensorView x, ConstTensorView y, ConstTensorView dy,
                       TensorView dx) override {
    cpu::pool2d_backward(kernels_, pooling, window, x, y, dy, dx, workspaces_.borrow()->left);
  }
  void moments(ConstTensorView x, TensorView mean, TensorView variance) override { workspaces_.borrow()->normalization.moments(x, mean, variance); }
  void batch_normalization(ConstTensorView x, ConstTensorView gamma, ConstTensorView beta, ConstTensorView mean,
                           ConstTensorView variance, double epsilon, TensorView y) override {
    workspaces_.borrow()->normalization.forward(x, gamma, beta, mean, variance, epsilon, y);
  }
  void batch_normalization_of_batch(ConstTensorView x, ConstTensorView gamma, ConstTensorView beta, double epsilon, TensorView mean,
                                    TensorView variance, TensorView y) override {
    workspaces_.borrow()->normalization.forward_of_batch(x, gamma, beta, epsilon, mean, variance, y);
  }
  void batch_normalization_backward(const NormalizationGradient& of, ConstTensorView x, ConstTensorView gamma,
                                    ConstTensorView mean, ConstTensorView variance, ConstTensorView dy, TensorView dx,
                                    TensorView dgamma, TensorView dbeta) override {
    workspaces_.borrow()->normalization.backward(of, x, gamma, mean, variance, dy, dx, dgamma, dbeta);
  }
  void add(ConstTensorView a, ConstTensorView b, TensorView y) override {
    for_pieces(y.elements(), kPiece, [&](std::int64_t i, std::int64_t count) {
      kernels_.add(count, a.as<float>() + i, b.as<float>() + i, y.as<float>() + i);
    });
  }
  void dropout(double rate, std::uint64_t seed, ConstTensorView x, TensorView y) override {
    for_pieces(y.elements(), kPiece, [&](std::int64_t i, std::int64_t count) {
      moves::dropout(rate, seed, i, count, x.as<float>(), y.as<float>());
    });
  }
  void pad2d(ConstTensorView x, std::int64_t top, std::int64_t left, TensorView y) override { moves::pad2d(x, top, left, y); }
  void crop2d(ConstTensorView x, std::int64_t top, std::int64_t left, TensorView y) override { moves::crop2d(x, top, left, y); }
  void copy_columns(ConstTensorView x, std::int64_t from, TensorView y, std::int64_t to, std::int64_t count) override {
    moves::copy_columns(x, from, y, to, count);
  }

  void sgd(const SgdStep& step, ConstTensorView gradient, TensorView velocity, TensorView weights) override {
    for_pieces(weights.elements(), kPiece, [&](std::int64_t i, std::int64_t count) {
      kernels_.sgd({count, static_cast<float>(step.learning_rate), static_cast<float>(step.momentum), step.nesterov,
                    gradient.as<float>() + i, velocity ? velocity.as<float>() + i : nullptr, weights.as<float>() + i});
    });
  }

  void rmsprop(const RmspropStep& step, ConstTensorView gradient, TensorView mean_square, TensorView mean_gradient,
               TensorView velocity, TensorView weights) override {
    for_pieces(weights.elements(), kPiece, [&](std::int64_t i, std::int64_t count) {
      kernels_.rmsprop({count, static_cast<float>(step.learning_rate), static_cast<float>(step.rho),
                        static_cast<float>(1.0 - step.rho), static_cast<float>(step.momentum),
                        static_cast<float>(step.epsilon), gradient.as<float>() + i, mean_square.as<float>() + i,
                        mean_gradient ? mean_gradient.as<float>() + i : nullptr,
                        velocity ? velocity.as<float>() + i : nullptr, weights.as<float>() + i});
    });
  }

  void adam(const AdamStep& step, ConstTensorView gradient, TensorView mean, TensorView mean_square, TensorView largest,
            TensorView weights) override {
    for_pieces(weights.elements(), kPiece, [&](std::int64_t i, std::int64_t count) {
      kernels_.adam({count, static_cast<float>(step.learning_rate), static_cast<float>(1.0 - step.beta_1),
                     static_cast<float>(1.0 - step.beta_2), static_cast<float>(step.epsilon),
                     static_cast<float>(step.decay), gradient.as<float>() + i, mean.as<float>() + i,
                     mean_square.as<float>() + i, largest ? largest.as<float>() + i : nullptr,
                     weights.as<float>() + i});
    });
  }

  double penalty(const Regularizer& regularizer, ConstTensorView weights, TensorView gradient) override {
    // The pieces' sums are added up in their order, whoever computed them.
    const auto pieces = static_cast<std::size_t>(pieces_of(weights.elements(), kPiece));
    const auto workspace = workspaces_.borrow();
    std::vector<cpu::PenaltySums>& piece_sums = workspace->penalty_sums;
    piece_sums.assign(std::max(piece_sums.size(), pieces), {0.0, 0.0});
    for_pieces(weights.elements(), kPiece, [&](std::int64_t i, std::int64_t count) {
      piece_sums[static_cast<std::size_t>(i / kPiece)] =
          kernels_.penalty({count, static_cast<float>(regularizer.l1), static_cast<float>(2.0 * regularizer.l2),
                            weights.as<float>() + i, gradient ? gradient.as<float>() + i : nullptr});
    });
    cpu::PenaltySums sums{0.0, 0.0};
    for (const cpu::PenaltySums& piece : piece_sums) sums.absolute += piece.absolute, sums.squares += piece.squares;
    return regularizer.l1 * sums.absolute + regularizer.l2 * sums.squares;
  }

 private:
  void gemm(const cpu::GemmTile& whole) { cpu::gemm(kernels_, whole); }

  // y (M,N) = a (M,K) . b (K,N) + bias
  static cpu::GemmTile product(const float* a, std::int64_t M, std::int64_t K, const float* b, std::int64_t N, const float* bias,
                               bool clamps, float* y) {
    return {.M = M, .N = N, .K = K, .a = a, .a_row = K, .b = b, .b_row = N, .bias = bias, .c = y, .c_row = N, .clamps = clamps};
  }

  // dz^T (F,N), in `memory`.
  const float* transpose_gradient(ConstTensorView dz, std::vector<float>& memory) const {
    const std::int64_t N = dz.shape[0], F = dz.shape[1];
    float* turned = reserve(memory, N * F);
    kernels_.transpose(N, F, dz.as<float>(), F, turned, N);
    return turned;
  }

  // block(first input, inputs) for blocks of the K inputs.
  template <class BlockTask>
  static void for_input_blocks(ConstTensorView dz, std::int64_t K, BlockTask block) {
    const std::int64_t N = dz.shape[0], F = dz.shape[1];
    const bool shared = N * K * F >= cpu::kMultiplyAddsWorthSharing;
    // As many for each thread. Where a block ends does not matter to any sum.
    const std::int64_t threads = shared ? num_threads() : 1;
    const std::int64_t blocks = pieces_of(pieces_of(K, kInputBlock), threads) * threads;
    const auto one = [&](std::int64_t i) {
      const std::int64_t begin = i * K / blocks;
      block(begin, (i + 1) * K / blocks - begin);
    };
    if (shared) return runtime::parallel_for(blocks, one);
    for (std::int64_t i = 0; i < blocks; ++i) one(i);
  }

  // The gradient of a block of inputs; `turned` is what transpose_gradient gave.
  void input_gradient(ConstTensorView dz, const float* turned, ConstTensorView kernel, TensorView dx, std::int64_t k, std::int64_t rows) const {
    const std::int64_t N = dz.shape[0], K = kernel.shape[0], F = kernel.shape[1];
    alignas(64) float results[kInputBlock * kSampleBlock];
    for (std::int64_t n = 0; n < N; n += kSampleBlock) {
      const std::int64_t samples = std::min(kSampleBlock, N - n);
      kernels_.gemm({.M = rows,
                     .N = samples,
                     .K = F,
                     .a = kernel.as<float>() + k * F,
                     .a_row = F,
                     .b = turned + n,
                     .b_row = N,
                     .c = results,
                     .c_row = samples});
      kernels_.transpose(rows, samples, results, samples, dx.as<float>() + n * K + k, K);
    }
  }

  const cpu::Kernels& kernels_;
  const cpu::Workspace plan_;  // for questions, which need no memory
  cpu::Workspaces workspaces_;
};

}  // namespace

namespace cpu {

std::shared_ptr<Backend> make_backend(const Kernels& kernels) { return std::make_shared<CpuBackend>(kernels); }

}  // namespace cpu

std::shared_ptr<Backend> make_cpu_backend() { return cpu::make_backend(*cpu::runnable_kernels().front()); }

std::vector<std::shared_ptr<Backend>> make_cpu_backends() {
  std::vector<std::shared_ptr<Backend>> backends;
  for (const cpu::Kernels* kernels : cpu::runnable_kernels()) backends.push_back(cpu::make_backend(*kernels));
  return backends;
}

}  // namespace neurona
