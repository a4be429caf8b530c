// Convolution, pooling and normalization on the cpu kernels.
#pragma once

#include <vector>

#include "backend/backend.hpp"
#include "backend/cpu/kernels.hpp"

namespace neurona::cpu {

/// A convolution whose results go through scale, bias, ReLU and max-pooling before they reach memory.
class FusedConvolution {
 public:
  explicit FusedConvolution(const Kernels& kernels) : kernels_(kernels) {}
  void forward(const FusedConv2D& of, ConstTensorView x, ConstTensorView kernel, TensorView y, std::uint8_t* taps);
  void backward_parameters(const FusedConv2D& of, ConstTensorView x, ConstTensorView y, const std::uint8_t* taps,
                           ConstTensorView dy, TensorView dkernel, TensorView dbias);

 private:
  const Kernels& kernels_;
  std::vector<float> lines_;  // of each part of the batch: lines of pixels, and backwards its sums
  std::vector<double> bias_sums_;
};

/// Windows of 3x3 by Winograd's minimal filtering, with kernels that were transformed beforehand: 2.25 or 4 times fewer
/// multiplications, at some loss of digits.
class Winograd {
 public:
  explicit Winograd(const Kernels& kernels) : kernels_(kernels) {}
  /// Whether that is the better way.
  bool takes(const FusedConv2D& of, const Shape& x, const Shape& kernel) const { return tile_for(of, x, kernel) != 0; }
  std::int64_t prepared_values(const FusedConv2D& of, const Shape& x, const Shape& kernel) const;
  void prepare(const FusedConv2D& of, const Shape& x, ConstTensorView kernel, float* to) const;
  void forward(const FusedConv2D& of, ConstTensorView x, const Shape& kernel, TensorView y);

 private:
  /// Results a side of a tile, 2 or 4; 0 where the direct way is the better one.
  int tile_for(const FusedConv2D& of, const Shape& x, const Shape& kernel) const;
  const Kernels& kernels_;
  std::vector<float> points_;
};

/// Convolution as products: what the window sees at each position is a row of a matrix, which the product gathers in
/// pieces that stay in the cache. Windows of one pixel need no gathering; channels that are groups of their own are
/// multiplied tap by tap.
class Convolution {
 public:
  explicit Convolution(const Kernels& kernels) : kernels_(kernels) {}
  /// 0 where a form of its own would not pay.
  std::int64_t prepared_values(const FusedConv2D& of, const Shape& kernel) const;
  void prepare(ConstTensorView kernel, float* to) const;
  /// Does not pool.
  void forward(const FusedConv2D& of, ConstTensorView x, ConstTensorView kernel, TensorView y);
  void backward_kernel(const Window2D& window, std::int64_t groups, ConstTensorView x, ConstTensorView dz,
                       TensorView dkernel);
  void backward_input(const Window2D& window, std::int64_t groups, ConstTensorView dz, ConstTensorView kernel,
                      TensorView dx);

 private:
  const Kernels& kernels_;
  std::vector<float> patches_;  // gradients (positions, KH*KW*C/G); grows to the largest needed
  std::vector<float> turned_;   // a kernel
};

void pool2d_forward(const Kernels& kernels, Pooling pooling, const Window2D& window, ConstTensorView x,
                    TensorView y);
/// `left` is scratch that grows to the size of y.
void pool2d_backward(const Kernels& kernels, Pooling pooling, const Window2D& window, ConstTensorView x,
                     ConstTensorView y, ConstTensorView dy, TensorView dx, std::vector<float>& left);

/// Sums over rows, whose totals are in double, and what normalization makes of them.
class Normalization {
 public:
  explicit Normalization(const Kernels& kernels) : kernels_(kernels) {}
  /// x (...,C) -> sums (C)
  void sum_columns(ConstTensorView x, TensorView sums);
  void moments(ConstTensorView x, TensorView mean, TensorView variance);
  void forward(ConstTensorView x, ConstTensorView gamma, ConstTensorView beta, ConstTensorView mean,
               ConstTensorView variance, double epsilon, TensorView y);
  /// Computes mean and variance too.
  void forward_of_batch(ConstTensorView x, ConstTensorView gamma, ConstTensorView beta, double epsilon, TensorView mean,
                        TensorView variance, TensorView y);
  void backward(const NormalizationGradient& of, ConstTensorView x, ConstTensorView gamma,
                ConstTensorView mean, ConstTensorView variance, ConstTensorView dy, TensorView dx,
                TensorView dgamma, TensorView dbeta);

 private:
  template <class Sum>
  void sum_rows(std::int64_t M, std::int64_t C, Sum sum);
  template <class Task>
  void for_columns(std::int64_t M, std::int64_t C, Task task);
  const Kernels& kernels_;
  std::vector<float> factors_;
  std::vector<double> piece_sums_, sums_, products_;
};

}  // namespace neurona::cpu
