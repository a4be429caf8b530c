// The operations that layers, losses and optimizers are made of. `reference` is the truth (plain loops, float32 and
// float64); every other backend is compared with it, operation by operation, on ragged sizes.
// All results are overwritten, never added to, unless said.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "neurona/activation.hpp"
#include "neurona/regularizer.hpp"
#include "neurona/tensor.hpp"
#include "neurona/window.hpp"

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

/// A window over images, with the zeros that padding puts above and to the left of them.
struct Window2D {
  Extent2D size;
  Extent2D strides;
  std::int64_t top = 0, left = 0;
};

enum class Pooling : std::uint8_t { max, average };

struct NormalizationGradient {
  bool of_batch = true;  ///< mean and variance are the batch's own, so they depend on x
  double epsilon = 0.0;
};

/// A convolution and what follows it at once: y = max-pooling(activation((x * kernel) * scale + bias + addend)).
struct FusedConv2D {
  Window2D window;
  Extent2D positions;  ///< of the window
  std::int64_t groups = 1;
  ConstTensorView scale = {};   ///< (F) or none
  ConstTensorView bias = {};    ///< (F) or none
  ConstTensorView addend = {};  ///< as the convolution's output, or none
  bool relu = false;
  const float* prepared = nullptr;  ///< what prepare_conv2d wrote for the same shapes of one image, or null
  Extent2D pool = 1;  ///< windows of this size, side by side; at most kMostPoolTaps pixels, without addend
  static constexpr std::int64_t kMostPoolTaps = 127;
};

/// Legend: N batch, K inputs, F outputs or filters, H W C an image, KH KW a window, OH OW its positions, G groups.
/// No operation swallows a NaN: what is computed from one is NaN, that of ReLU and of max-pooling too.
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
  /// kept (the activation's result y, or z where differentiates_by_input), dy -> dz; dz may be dy.
  virtual void activation_backward(Activation activation, ConstTensorView kept, ConstTensorView dy, TensorView dz) = 0;

  /// logits (N,F)  labels (N)  ->  sum over N of log-sum-exp(logits) - logits[label]; where `gradient` (N,F) has data it
  /// receives (softmax - onehot) / N.
  virtual double softmax_crossentropy(ConstTensorView logits, const std::int32_t* labels, TensorView gradient) = 0;

  /// x (N,H,W,C)  kernel (KH,KW,C/G,F)  bias (F) or none  ->  y (N,OH,OW,F) = activation(x * kernel + bias)
  virtual void conv2d_forward(const Window2D& window, std::int64_t groups, ConstTensorView x, ConstTensorView kernel,
                              ConstTensorView bias, Activation activation, TensorView y) = 0;
  /// x (N,H,W,C)  dz (N,OH,OW,F)  ->  dkernel (KH,KW,C/G,F) or none,  dbias (F) or none
  virtual void conv2d_backward_parameters(const Window2D& window, std::int64_t groups, ConstTensorView x,
                                          ConstTensorView dz, TensorView dkernel, TensorView dbias) = 0;
  /// dz (N,OH,OW,F)  kernel (KH,KW,C/G,F)  ->  dx (N,H,W,C)
  virtual void conv2d_backward_input(const Window2D& window, std::int64_t groups, ConstTensorView dz,
                                     ConstTensorView kernel, TensorView dx) = 0;

  /// x (N,H,W,C) -> y (N,OH,OW,C). What padding adds is not counted. A NaN is larger than all numbers.
  virtual void pool2d_forward(Pooling pooling, const Window2D& window, ConstTensorView x, TensorView y) = 0;
  /// x, y as before, dy (N,OH,OW,C) -> dx (N,H,W,C). Of equal largest values the first gets the gradient.
  virtual void pool2d_backward(Pooling pooling, const Window2D& window, ConstTensorView x, ConstTensorView y,
                               ConstTensorView dy, TensorView dx) = 0;

  /// x (...,C) -> mean (C), biased variance (C)
  virtual void moments(ConstTensorView x, TensorView mean, TensorView variance) = 0;
  /// x (...,C) -> y = gamma * (x - mean) / sqrt(variance + epsilon) + beta
  virtual void batch_normalization(ConstTensorView x, ConstTensorView gamma, ConstTensorView beta, ConstTensorView mean,
                                   ConstTensorView variance, double epsilon, TensorView y) = 0;
  /// The same with the batch's own statistics: x (...,C) -> mean (C), biased variance (C), y
  virtual void batch_normalization_of_batch(ConstTensorView x, ConstTensorView gamma, ConstTensorView beta, double epsilon,
                                            TensorView mean, TensorView variance, TensorView y) {
    moments(x, mean, variance);
    batch_normalization(x, gamma, beta, mean, variance, epsilon, y);
  }
  /// x, dy (...,C) -> dx or none, dgamma (C) or none, dbeta (C) or none
  virtual void batch_normalization_backward(const NormalizationGradient& of, ConstTensorView x, ConstTensorView gamma,
                                            ConstTensorView mean, ConstTensorView variance, ConstTensorView dy,
                                            TensorView dx, TensorView dgamma, TensorView dbeta) = 0;

  /// y = a + b; y may be a.
  virtual void add(ConstTensorView a, ConstTensorView b, TensorView y) = 0;
  /// x -> y: 0 with probability `rate`, else x / (1 - rate). The same seed drops the same elements.
  virtual void dropout(double rate, std::uint64_t seed, ConstTensorView x, TensorView y) = 0;
  /// x (N,H,W,C) -> y (N,H',W',C): x inside zeros, `top` rows and `left` columns of them before it.
  virtual void pad2d(ConstTensorView x, std::int64_t top, std::int64_t left, TensorView y) = 0;
  /// The opposite: x (N,H',W',C) -> y (N,H,W,C), the part that begins at row `top`, column `left`.
  virtual void crop2d(ConstTensorView x, std::int64_t top, std::int64_t left, TensorView y) = 0;
  /// x (R,A), y (R,B): columns [from, from + count) of x become columns [to, to + count) of y.
  virtual void copy_columns(ConstTensorView x, std::int64_t from, TensorView y, std::int64_t to, std::int64_t count) = 0;

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

  /// Whether it has the fused operations that follow; the others only have their parts.
  virtual bool fuses() const { return false; }
  /// x (N,H,W,C)  kernel (KH,KW,C/G,F)  ->  y (N,OH,OW,F) of the pooling, where `taps` is not null the pixel (row by row) that
  /// each value of y comes from.
  virtual void fused_conv2d_forward(const FusedConv2D& of, ConstTensorView x, ConstTensorView kernel, TensorView y,
                                    std::uint8_t* taps);
  /// A kernel that many images will be convolved with may be worth a form of its own. Values that prepare_conv2d writes for such a
  /// convolution of images x (N,H,W,C); 0 where nothing is to be gained.
  virtual std::int64_t prepared_values(const FusedConv2D& /*of*/, const Shape& /*x*/, const Shape& /*kernel*/) const { return 0; }
  virtual void prepare_conv2d(const FusedConv2D& /*of*/, const Shape& /*x*/, ConstTensorView /*kernel*/, float* /*to*/) const {}
  /// x, y and taps as before, of one group, without scale and addend; dy (N,OH,OW,F)  ->  dkernel or none, dbias (F) or none
  virtual void fused_conv2d_backward_parameters(const FusedConv2D& of, ConstTensorView x, ConstTensorView y,
                                                const std::uint8_t* taps, ConstTensorView dy, TensorView dkernel,
                                                TensorView dbias);
  /// dx (N,K) or none as dense_backward_input; then one step of plain SGD on the kernel: kernel -= rate * x^T . dz
  virtual void dense_backward_step(ConstTensorView x, ConstTensorView dz, double rate, TensorView kernel, TensorView dx);

  /// weights  ->  l1 * sum |w| + l2 * sum w^2; where `gradient` has data l1 * sign(w) + 2 * l2 * w is ADDED to it.
  virtual double penalty(const Regularizer& regularizer, ConstTensorView weights, TensorView gradient) = 0;
};

std::shared_ptr<Backend> make_reference_backend();
/// With the best kernels that this processor can run.
std::shared_ptr<Backend> make_cpu_backend();
/// One for each set of kernels that this processor can run, the best first: for comparing them all.
std::vector<std::shared_ptr<Backend>> make_cpu_backends();

}  // namespace neurona
