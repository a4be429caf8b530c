// The operations that layers, losses and optimisers are made of. `reference` is the truth (plain loops, float32 and
// float64); every other backend is compared with it, operation by operation, on ragged sizes.
// All results are overwritten, never added to, unless said.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "neurona/activation.hpp"
#include "neurona/regularizer.hpp"
#include "neurona/tensor.hpp"

namespace neurona {

struct SgdStep {
  double learning_rate = 0.0;
  double momentum = 0.0;
  bool nesterov = false;
};

struct RmspropStep {
  double learning_rate = 0.0;
  double rho = 0.0;
  double momentum = 0.0;
  double epsilon = 0.0;
};

struct AdamStep {
  double learning_rate = 0.0;  ///< corrected for the means' beginning at 0
  double beta_1 = 0.0;
  double beta_2 = 0.0;
  double epsilon = 0.0;
  double decay = 0.0;  ///< share of the weights that is taken off before the step
};

/// Legend: N batch, K inputs, F outputs.
class Backend {
 public:
  virtual ~Backend() = default;
  /// Name and what it found on this machine.
  virtual std::string describe() const = 0;
  virtual bool supports(DType dtype) const = 0;

  /// x (N,K)  kernel (K,F)  bias (F) or none  ->  y (N,F) = activation(x . kernel + bias)
  virtual void dense_forward(ConstTensorView x, ConstTensorView kernel, ConstTensorView bias, Activation activation,
                             TensorView y) = 0;
  /// x (N,K)  dz (N,F)  ->  dkernel (K,F) or none = x^T . dz,  dbias (F) or none = column sums of dz
  virtual void dense_backward_parameters(ConstTensorView x, ConstTensorView dz, TensorView dkernel, TensorView dbias) = 0;
  /// dz (N,F)  kernel (K,F)  ->  dx (N,K) = dz . kernel^T
  virtual void dense_backward_input(ConstTensorView dz, ConstTensorView kernel, TensorView dx) = 0;

  /// z -> y of the same shape; may be in place. Softmax runs over the last axis.
  virtual void activation_forward(Activation activation, ConstTensorView z, TensorView y) = 0;
  /// y (the activation's result), dy -> dz; dz may be dy.
  virtual void activation_backward(Activation activation, ConstTensorView y, ConstTensorView dy, TensorView dz) = 0;

  /// logits (N,F)  labels (N)  ->  sum over N of log-sum-exp(logits) - logits[label]; where `gradient` (N,F) has data it
  /// receives (softmax - onehot) / N.
  virtual double softmax_crossentropy(ConstTensorView logits, const std::int32_t* labels, TensorView gradient) = 0;

  /// One step of SGD on `weights`; `velocity` has no data when momentum is 0.
  virtual void sgd(const SgdStep& step, ConstTensorView gradient, TensorView velocity, TensorView weights) = 0;

  /// One step of RMSprop on `weights`: s = rho*s + (1-rho)*g^2; m = rho*m + (1-rho)*g where `mean_gradient` m has data,
  /// else m = 0; d = lr * g / sqrt(max(s - m^2, 0) + epsilon); w -= d, or v = momentum*v + d, w -= v where `velocity` v
  /// has data.
  virtual void rmsprop(const RmspropStep& step, ConstTensorView gradient, TensorView mean_square,
                       TensorView mean_gradient, TensorView velocity, TensorView weights) = 0;

  /// One step of Adam on `weights`: w -= decay*w; m += (1-beta_1)*(g-m); v += (1-beta_2)*(g^2-v);
  /// w -= lr * m / (sqrt(v) + epsilon), with the largest v so far in place of v where `largest` has data.
  virtual void adam(const AdamStep& step, ConstTensorView gradient, TensorView mean, TensorView mean_square,
                    TensorView largest, TensorView weights) = 0;

  /// weights  ->  l1 * sum |w| + l2 * sum w^2; where `gradient` has data l1 * sign(w) + 2 * l2 * w is ADDED to it.
  virtual double penalty(const Regularizer& regularizer, ConstTensorView weights, TensorView gradient) = 0;
};

std::shared_ptr<Backend> make_reference_backend();
/// With the best kernels that this processor can run.
std::shared_ptr<Backend> make_cpu_backend();
/// One for each set of kernels that this processor can run, the best first: for comparing them all.
std::vector<std::shared_ptr<Backend>> make_cpu_backends();

}  // namespace neurona
