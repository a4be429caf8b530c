#include <string>

#include "losses/labels.hpp"
#include "neurona/error.hpp"
#include "neurona/loss.hpp"

namespace neurona {

namespace {

// prediction, target (N,F)  ->  sum over N of the mean over F of (prediction - target)^2, with its gradient
template <class T>
double squared_error(ConstTensorView prediction, const Targets& targets, TensorView gradient) {
  const std::int64_t N = prediction.shape[0];
  const std::int64_t F = N > 0 ? prediction.elements() / N : 0;
  const T* p = prediction.as<T>();
  double sum = 0.0;
  for (std::int64_t n = 0; n < N; ++n) {
    for (std::int64_t f = 0; f < F; ++f) {
      const std::int64_t i = n * F + f;
      const double target = targets.labels.empty() ? static_cast<double>(targets.values.as<T>()[i])
                                                   : (targets.labels[static_cast<std::size_t>(n)] == f ? 1.0 : 0.0);
      const double error = static_cast<double>(p[i]) - target;
      sum += error * error;
      if (gradient) gradient.as<T>()[i] = static_cast<T>(2.0 * error / static_cast<double>(F * N));
    }
  }
  return F > 0 ? sum / static_cast<double>(F) : 0.0;
}

}  // namespace

void MeanSquaredError::check(const Shape& prediction, const Dataset& data) const {
  if (data.has_labels()) {
    if (prediction.rank() != 1)
      throw ShapeError("mean_squared_error received predictions of shape " + prediction.to_string() +
                       " a sample; with class labels it expects one value for each class.");
    detail::check_labels(name(), prediction[0], data);
  } else if (!(data.target_shape() == prediction)) {
    throw ShapeError("mean_squared_error received predictions of shape " + prediction.to_string() +
                     " a sample; the targets have " + data.target_shape().to_string() + ".");
  }
}

double MeanSquaredError::evaluate(Backend&, ConstTensorView prediction, bool, const Targets& targets,
                                  TensorView gradient) const {
  return prediction.dtype == DType::float64 ? squared_error<double>(prediction, targets, gradient)
                                            : squared_error<float>(prediction, targets, gradient);
}

}  // namespace neurona
