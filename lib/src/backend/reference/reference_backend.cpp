// Plain loops: what each operation means. Sums run in double, so that this is the more exact side of a comparison.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "backend/backend.hpp"
#include "backend/moves.hpp"
#include "backend/reference/image_loops.hpp"

namespace neurona {

namespace {

// Share of a standard normal below z.
template <class T>
T normal_share(T z) {
  return T(0.5) * std::erfc(-z / T(std::numbers::sqrt2));
}

template <class T>
T activate(Activation activation, T z) {
  switch (activation) {
    case Activation::linear:
    case Activation::softmax: return z;
    case Activation::sigmoid: return T(1) / (T(1) + std::exp(-z));
    case Activation::tanh: return std::tanh(z);
    case Activation::relu: return z < T(0) ? T(0) : z;  // NaN stays NaN
    case Activation::leaky_relu: return z < T(0) ? T(kLeakySlope) * z : z;
    case Activation::elu: return z > T(0) ? z : std::expm1(z);
    case Activation::selu: return T(kSeluLambda) * (z > T(0) ? z : T(kSeluAlpha) * std::expm1(z));
    case Activation::gelu: return z * normal_share(z);
    case Activation::swish: return z / (T(1) + std::exp(-z));
  }
  return z;
}

// d(activation)/dz from the activation's result y; from z where differentiates_by_input.
template <class T>
T slope(Activation activation, T y) {
  switch (activation) {
    case Activation::linear:
    case Activation::softmax: return T(1);
    case Activation::sigmoid: return y * (T(1) - y);
    case Activation::tanh: return T(1) - y * y;
    case Activation::relu: return y > T(0) ? T(1) : y * T(0);  // NaN stays NaN, here and below
    case Activation::leaky_relu: return y < T(0) ? T(kLeakySlope) : y >= T(0) ? T(1) : y;
    case Activation::elu: return y > T(0) ? T(1) : y + T(1);
    case Activation::selu: return y > T(0) ? T(kSeluLambda) : y + T(kSeluLambda * kSeluAlpha);
    case Activation::gelu:
      return normal_share(y) + y * std::exp(-y * y / T(2)) * T(std::numbers::inv_sqrtpi / std::numbers::sqrt2);
    case Activation::swish: {
      const T share = T(1) / (T(1) + std::exp(-y));
      return share * (T(1) + y * (T(1) - share));
    }
  }
  return T(1);
}

// z (rows,F) -> y (rows,F)
template <class T>
void softmax(const T* z, T* y, std::int64_t rows, std::int64_t F) {
  for (std::int64_t n = 0; n < rows; ++n, z += F, y += F) {
    const T largest = *std::max_element(z, z + F);
    double sum = 0.0;
    for (std::int64_t f = 0; f < F; ++f) {
      y[f] = std::exp(z[f] - largest);
      sum += y[f];
    }
    for (std::int64_t f = 0; f < F; ++f) y[f] = static_cast<T>(y[f] / sum);
  }
}

template <class T>
void activation_forward(Activation activation, ConstTensorView z, TensorView y) {
  if (activation == Activation::softmax) {
    const std::int64_t F = z.shape.back();
    return softmax(z.as<T>(), y.as<T>(), F > 0 ? z.elements() / F : 0, F);
  }
  for (std::int64_t i = 0; i < z.elements(); ++i) y.as<T>()[i] = activate(activation, z.as<T>()[i]);
}

template <class T>
void activation_backward(Activation activation, ConstTensorView y, ConstTensorView dy, TensorView dz) {
  const T* out = y.as<T>();
  const T* from = dy.as<T>();
  T* to = dz.as<T>();
  if (activation != Activation::softmax) {
    for (std::int64_t i = 0; i < y.elements(); ++i) to[i] = from[i] * slope(activation, out[i]);
    return;
  }
  const std::int64_t F = y.shape.back();
  for (std::int64_t n = 0; F > 0 && n < y.elements() / F; ++n, out += F, from += F, to += F) {
    double dot = 0.0;
    for (std::int64_t f = 0; f < F; ++f) dot += static_cast<double>(from[f]) * out[f];
    for (std::int64_t f = 0; f < F; ++f) to[f] = static_cast<T>(out[f] * (from[f] - dot));
  }
}

template <class T>
void dense_forward(ConstTensorView x, ConstTensorView kernel, ConstTensorView bias, Activation activation, TensorView y) {
  const std::int64_t N = x.shape[0], K = kernel.shape[0], F = kernel.shape[1];
  for (std::int64_t n = 0; n < N; ++n) {
    for (std::int64_t f = 0; f < F; ++f) {
      double sum = bias ? static_cast<double>(bias.as<T>()[f]) : 0.0;
      for (std::int64_t k = 0; k < K; ++k)
        sum += static_cast<double>(x.as<T>()[n * K + k]) * kernel.as<T>()[k * F + f];
      y.as<T>()[n * F + f] = static_cast<T>(sum);
    }
  }
  activation_forward<T>(activation, y, y);
}

template <class T>
void dense_backward_parameters(ConstTensorView x, ConstTensorView dz, TensorView dkernel, TensorView dbias) {
  const std::int64_t N = x.shape[0], K = x.shape[1], F = dz.shape[1];
  for (std::int64_t k = 0; dkernel && k < K; ++k) {
    for (std::int64_t f = 0; f < F; ++f) {
      double sum = 0.0;
      for (std::int64_t n = 0; n < N; ++n)
        sum += static_cast<double>(x.as<T>()[n * K + k]) * dz.as<T>()[n * F + f];
      dkernel.as<T>()[k * F + f] = static_cast<T>(sum);
    }
  }
  if (!dbias) return;
  for (std::int64_t f = 0; f < F; ++f) {
    double sum = 0.0;
    for (std::int64_t n = 0; n < N; ++n) sum += dz.as<T>()[n * F + f];
    dbias.as<T>()[f] = static_cast<T>(sum);
  }
}

template <class T>
void dense_backward_input(ConstTensorView dz, ConstTensorView kernel, TensorView dx) {
  const std::int64_t N = dz.shape[0], K = kernel.shape[0], F = kernel.shape[1];
  for (std::int64_t n = 0; n < N; ++n) {
    for (std::int64_t k = 0; k < K; ++k) {
      double sum = 0.0;
      for (std::int64_t f = 0; f < F; ++f)
        sum += static_cast<double>(dz.as<T>()[n * F + f]) * kernel.as<T>()[k * F + f];
      dx.as<T>()[n * K + k] = static_cast<T>(sum);
    }
  }
}

template <class T>
double softmax_crossentropy(ConstTensorView logits, const std::int32_t* labels, TensorView gradient) {
  const std::int64_t N = logits.shape[0], F = logits.shape[1];
  double loss = 0.0;
  for (std::int64_t n = 0; n < N; ++n) {
    const T* z = logits.as<T>() + n * F;
    const double largest = *std::max_element(z, z + F);
    double sum = 0.0;
    for (std::int64_t f = 0; f < F; ++f) sum += std::exp(static_cast<double>(z[f]) - largest);
    const double log_sum_exp = largest + std::log(sum);
    loss += log_sum_exp - z[labels[n]];
    if (!gradient) continue;
    T* g = gradient.as<T>() + n * F;
    for (std::int64_t f = 0; f < F; ++f)
      g[f] = static_cast<T>((std::exp(static_cast<double>(z[f]) - log_sum_exp) - (f == labels[n] ? 1.0 : 0.0)) /
                            static_cast<double>(N));
  }
  return loss;
}

template <class T>
void add(ConstTensorView a, ConstTensorView b, TensorView y) {
  for (std::int64_t i = 0; i < y.elements(); ++i) y.as<T>()[i] = a.as<T>()[i] + b.as<T>()[i];
}

template <class T>
void sgd(const SgdStep& step, ConstTensorView gradient, TensorView velocity, TensorView weights) {
  const T lr = static_cast<T>(step.learning_rate), momentum = static_cast<T>(step.momentum);
  const T* g = gradient.as<T>();
  T* w = weights.as<T>();
  for (std::int64_t i = 0; i < weights.elements(); ++i) {
    if (!velocity) {
      w[i] -= lr * g[i];
      continue;
    }
    T& v = velocity.as<T>()[i];
    v = momentum * v - lr * g[i];
    w[i] += step.nesterov ? momentum * v - lr * g[i] : v;
  }
}

template <class T>
void rmsprop(const RmspropStep& step, ConstTensorView gradient, TensorView mean_square, TensorView mean_gradient,
             TensorView velocity, TensorView weights) {
  const T lr = static_cast<T>(step.learning_rate), momentum = static_cast<T>(step.momentum);
  const T epsilon = static_cast<T>(step.epsilon), rho = static_cast<T>(step.rho),
          fresh = static_cast<T>(1.0 - step.rho);
  const T* g = gradient.as<T>();
  T* w = weights.as<T>();
  for (std::int64_t i = 0; i < weights.elements(); ++i) {
    T& square = mean_square.as<T>()[i];
    square = rho * square + fresh * g[i] * g[i];
    T variance = square;
    if (mean_gradient) {
      T& mean = mean_gradient.as<T>()[i];
      mean = rho * mean + fresh * g[i];
      variance = std::max(square - mean * mean, T(0));
    }
    T move = lr * g[i] / std::sqrt(variance + epsilon);
    if (velocity) move = velocity.as<T>()[i] = momentum * velocity.as<T>()[i] + move;
    w[i] -= move;
  }
}

template <class T>
void adam(const AdamStep& step, ConstTensorView gradient, TensorView mean, TensorView mean_square, TensorView largest,
          TensorView weights) {
  const T lr = static_cast<T>(step.learning_rate), epsilon = static_cast<T>(step.epsilon);
  const T decay = static_cast<T>(step.decay);
  const T fresh_1 = static_cast<T>(1.0 - step.beta_1), fresh_2 = static_cast<T>(1.0 - step.beta_2);
  const T* g = gradient.as<T>();
  T* w = weights.as<T>();
  for (std::int64_t i = 0; i < weights.elements(); ++i) {
    T &m = mean.as<T>()[i], &v = mean_square.as<T>()[i];
    m += fresh_1 * (g[i] - m);
    v += fresh_2 * (g[i] * g[i] - v);
    T square = v;
    if (largest) square = largest.as<T>()[i] = std::max(v, largest.as<T>()[i]);  // in this order a NaN is taken over
    w[i] -= decay * w[i];  // not w *= 1 - decay: a small decay would lose its digits in 1 - decay
    w[i] -= lr * m / (std::sqrt(square) + epsilon);
  }
}

template <class T>
double penalty(const Regularizer& regularizer, ConstTensorView weights, TensorView gradient) {
  double absolute = 0.0, squares = 0.0;
  for (std::int64_t i = 0; i < weights.elements(); ++i) {
    const double w = static_cast<double>(weights.as<T>()[i]);
    absolute += std::abs(w);
    squares += w * w;
    const double sign = w > 0.0 ? 1.0 : w < 0.0 ? -1.0 : 0.0;
    if (gradient) gradient.as<T>()[i] += static_cast<T>(regularizer.l1 * sign + 2.0 * regularizer.l2 * w);
  }
  return regularizer.l1 * absolute + regularizer.l2 * squares;
}

#define NEURONA_BY_DTYPE(view, call) ((view).dtype == DType::float64 ? call<double> : call<float>)

class ReferenceBackend final : public Backend {
 public:
  std::string describe() const override { return "reference (plain loops, 1 thread)"; }
  bool supports(DType) const override { return true; }
  void dense_forward(ConstTensorView x, ConstTensorView kernel, ConstTensorView bias, Activation activation,
                     TensorView y) override {
    NEURONA_BY_DTYPE(y, neurona::dense_forward)(x, kernel, bias, activation, y);
  }
  void dense_backward_parameters(ConstTensorView x, ConstTensorView dz, TensorView dkernel, TensorView dbias) override {
    NEURONA_BY_DTYPE(dz, neurona::dense_backward_parameters)(x, dz, dkernel, dbias);
  }
  void dense_backward_input(ConstTensorView dz, ConstTensorView kernel, TensorView dx) override {
    NEURONA_BY_DTYPE(dz, neurona::dense_backward_input)(dz, kernel, dx);
  }
  void activation_forward(Activation activation, ConstTensorView z, TensorView y) override {
    NEURONA_BY_DTYPE(y, neurona::activation_forward)(activation, z, y);
  }
  void activation_backward(Activation activation, ConstTensorView y, ConstTensorView dy, TensorView dz) override {
    NEURONA_BY_DTYPE(y, neurona::activation_backward)(activation, y, dy, dz);
  }
  double softmax_crossentropy(ConstTensorView logits, const std::int32_t* labels, TensorView gradient) override {
    return NEURONA_BY_DTYPE(logits, neurona::softmax_crossentropy)(logits, labels, gradient);
  }
  void conv2d_forward(const Window2D& window, std::int64_t groups, ConstTensorView x, ConstTensorView kernel, ConstTensorView bias,
                      Activation activation, TensorView y) override {
    NEURONA_BY_DTYPE(y, reference::conv2d_forward)(window, groups, x, kernel, bias, y);
    activation_forward(activation, y, y);
  }
  void conv2d_backward_parameters(const Window2D& window, std::int64_t groups, ConstTensorView x, ConstTensorView dz,
                                  TensorView dkernel, TensorView dbias) override {
    NEURONA_BY_DTYPE(dz, reference::conv2d_backward_parameters)(window, groups, x, dz, dkernel, dbias);
  }
  void conv2d_backward_input(const Window2D& window, std::int64_t groups, ConstTensorView dz, ConstTensorView kernel,
                             TensorView dx) override {
    NEURONA_BY_DTYPE(dz, reference::conv2d_backward_input)(window, groups, dz, kernel, dx);
  }
  void pool2d_forward(Pooling pooling, const Window2D& window, ConstTensorView x, TensorView y) override {
    NEURONA_BY_DTYPE(y, reference::pool2d_forward)(pooling, window, x, y);
  }
  void pool2d_backward(Pooling pooling, const Window2D& window, ConstTensorView x, ConstTensorView y, ConstTensorView dy,
                       TensorView dx) override {
    NEURONA_BY_DTYPE(dx, reference::pool2d_backward)(pooling, window, x, y, dy, dx);
  }
  void moments(ConstTensorView x, TensorView mean, TensorView variance) override {
    NEURONA_BY_DTYPE(x, reference::moments)(x, mean, variance);
  }
  void batch_normalization(ConstTensorView x, ConstTensorView gamma, ConstTensorView beta, ConstTensorView mean,
                           ConstTensorView variance, double epsilon, TensorView y) override {
    NEURONA_BY_DTYPE(y, reference::batch_normalization)(x, gamma, beta, mean, variance, epsilon, y);
  }
  void batch_normalization_backward(const NormalizationGradient& of, ConstTensorView x, ConstTensorView gamma,
                                    ConstTensorView mean, ConstTensorView variance, ConstTensorView dy, TensorView dx,
                                    TensorView dgamma, TensorView dbeta) override {
    NEURONA_BY_DTYPE(dy, reference::batch_normalization_backward)(of, x, gamma, mean, variance, dy, dx, dgamma, dbeta);
  }
  void add(ConstTensorView a, ConstTensorView b, TensorView y) override { NEURONA_BY_DTYPE(y, neurona::add)(a, b, y); }
  void dropout(double rate, std::uint64_t seed, ConstTensorView x, TensorView y) override {
    if (y.dtype == DType::float64) return moves::dropout(rate, seed, 0, x.elements(), x.as<double>(), y.as<double>());
    moves::dropout(rate, seed, 0, x.elements(), x.as<float>(), y.as<float>());
  }
  void pad2d(ConstTensorView x, std::int64_t top, std::int64_t left, TensorView y) override { moves::pad2d(x, top, left, y); }
  void crop2d(ConstTensorView x, std::int64_t top, std::int64_t left, TensorView y) override { moves::crop2d(x, top, left, y); }
  void copy_columns(ConstTensorView x, std::int64_t from, TensorView y, std::int64_t to, std::int64_t count) override {
    moves::copy_columns(x, from, y, to, count);
  }
  void sgd(const SgdStep& step, ConstTensorView gradient, TensorView velocity, TensorView weights) override {
    NEURONA_BY_DTYPE(weights, neurona::sgd)(step, gradient, velocity, weights);
  }
  void rmsprop(const RmspropStep& step, ConstTensorView gradient, TensorView mean_square, TensorView mean_gradient,
               TensorView velocity, TensorView weights) override {
    NEURONA_BY_DTYPE(weights, neurona::rmsprop)(step, gradient, mean_square, mean_gradient, velocity, weights);
  }
  void adam(const AdamStep& step, ConstTensorView gradient, TensorView mean, TensorView mean_square, TensorView largest,
            TensorView weights) override {
    NEURONA_BY_DTYPE(weights, neurona::adam)(step, gradient, mean, mean_square, largest, weights);
  }
  double penalty(const Regularizer& regularizer, ConstTensorView weights, TensorView gradient) override {
    return NEURONA_BY_DTYPE(weights, neurona::penalty)(regularizer, weights, gradient);
  }
};

}  // namespace

std::shared_ptr<Backend> make_reference_backend() { return std::make_shared<ReferenceBackend>(); }

}  // namespace neurona
