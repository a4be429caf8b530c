// Cuts each operation into pieces of a fixed size, so that the result does not depend on the number of threads, and hands
// them to the kernels of this processor.
#include <algorithm>
#include <vector>

#include "backend/backend.hpp"
#include "backend/cpu/kernels.hpp"
#include "neurona/backend.hpp"
#include "neurona/error.hpp"
#include "runtime/parallel_for.hpp"

namespace neurona {

namespace {

// Pieces are large enough to outweigh handing them out, small enough to share among cores.
constexpr std::int64_t kTileRows = 128;
constexpr std::int64_t kTileColumns = 64;
constexpr std::int64_t kPiece = 1 << 14;
// Less work than this (a quarter of a millisecond or so) is not worth waking another thread for: a sleeping one takes 60
// microseconds, much longer where the machine has other work.
constexpr std::int64_t kMultiplyAddsWorthSharing = 1 << 24;
constexpr std::int64_t kElementsWorthSharing = 1 << 19;

std::int64_t pieces_of(std::int64_t total, std::int64_t piece) { return (total + piece - 1) / piece; }

template <class Body>
void for_pieces(std::int64_t total, std::int64_t piece, Body body) {
  if (total < kElementsWorthSharing) return body(std::int64_t{0}, total);
  runtime::parallel_for(pieces_of(total, piece), [&](std::int64_t i) {
    const std::int64_t begin = i * piece;
    body(begin, std::min(piece, total - begin));
  });
}

class CpuBackend final : public Backend {
 public:
  explicit CpuBackend(const cpu::Kernels& kernels) : kernels_(kernels) {}

  std::string describe() const override {
    return "cpu (" + std::string(kernels_.name) + ", " + std::to_string(num_threads()) +
           (num_threads() == 1 ? " thread)" : " threads)");
  }

  bool supports(DType dtype) const override { return dtype == DType::float32; }

  void dense_forward(ConstTensorView x, ConstTensorView kernel, ConstTensorView bias, Activation activation,
                     TensorView y) override {
    const std::int64_t N = x.shape[0], K = kernel.shape[0], F = kernel.shape[1];
    gemm({N, F, K, x.as<float>(), K, 1, kernel.as<float>(), F, bias ? bias.as<float>() : nullptr, y.as<float>(), F});
    activation_forward(activation, y, y);
  }

  void dense_backward_parameters(ConstTensorView x, ConstTensorView dz, TensorView dkernel, TensorView dbias) override {
    const std::int64_t N = x.shape[0], K = x.shape[1], F = dz.shape[1];
    if (dkernel) gemm({K, F, N, x.as<float>(), 1, K, dz.as<float>(), F, nullptr, dkernel.as<float>(), F});
    if (dbias) kernels_.column_sums(N, F, dz.as<float>(), dbias.as<float>());
  }

  void dense_backward_input(ConstTensorView dz, ConstTensorView kernel, TensorView dx) override {
    const std::int64_t N = dz.shape[0], K = kernel.shape[0], F = kernel.shape[1];
    scratch_.resize(std::max(scratch_.size(), static_cast<std::size_t>(K * F)));
    kernels_.transpose(K, F, kernel.as<float>(), F, scratch_.data());
    gemm({N, K, F, dz.as<float>(), F, 1, scratch_.data(), K, nullptr, dx.as<float>(), K});
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
    if (!gradient) scratch_.resize(std::max(scratch_.size(), static_cast<std::size_t>(F)));
    double loss = 0.0;
    for (std::int64_t n = 0; n < N; ++n)
      loss += kernels_.crossentropy_row(F, logits.as<float>() + n * F, labels[n], scale,
                                        gradient ? gradient.as<float>() + n * F : scratch_.data());
    return loss;
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
    penalty_sums_.assign(std::max(penalty_sums_.size(), pieces), {0.0, 0.0});
    for_pieces(weights.elements(), kPiece, [&](std::int64_t i, std::int64_t count) {
      penalty_sums_[static_cast<std::size_t>(i / kPiece)] =
          kernels_.penalty({count, static_cast<float>(regularizer.l1), static_cast<float>(2.0 * regularizer.l2),
                            weights.as<float>() + i, gradient ? gradient.as<float>() + i : nullptr});
    });
    cpu::PenaltySums sums{0.0, 0.0};
    for (const cpu::PenaltySums& piece : penalty_sums_) sums.absolute += piece.absolute, sums.squares += piece.squares;
    return regularizer.l1 * sums.absolute + regularizer.l2 * sums.squares;
  }

 private:
  void gemm(const cpu::GemmTile& whole) {
    const std::int64_t row_tiles = pieces_of(whole.M, kTileRows), column_tiles = pieces_of(whole.N, kTileColumns);
    const auto one = [&](std::int64_t i) {
      const std::int64_t m = i / column_tiles * kTileRows, n = i % column_tiles * kTileColumns;
      cpu::GemmTile tile = whole;
      tile.M = std::min(kTileRows, whole.M - m);
      tile.N = std::min(kTileColumns, whole.N - n);
      tile.a += m * whole.a_row;
      tile.b += n;
      if (tile.bias != nullptr) tile.bias += n;
      tile.c += m * whole.c_row + n;
      kernels_.gemm(tile);
    };
    if (whole.M * whole.N * whole.K >= kMultiplyAddsWorthSharing) return runtime::parallel_for(row_tiles * column_tiles, one);
    for (std::int64_t i = 0; i < row_tiles * column_tiles; ++i) one(i);
  }

  const cpu::Kernels& kernels_;
  std::vector<float> scratch_;  // a transposed kernel, or a gradient nobody wants; grows to the largest needed
  std::vector<cpu::PenaltySums> penalty_sums_;  // of each piece; grows likewise
};

}  // namespace

std::shared_ptr<Backend> make_cpu_backend() { return std::make_shared<CpuBackend>(*cpu::runnable_kernels().front()); }

std::vector<std::shared_ptr<Backend>> make_cpu_backends() {
  std::vector<std::shared_ptr<Backend>> backends;
  for (const cpu::Kernels* kernels : cpu::runnable_kernels()) backends.push_back(std::make_shared<CpuBackend>(*kernels));
  return backends;
}

}  // namespace neurona
