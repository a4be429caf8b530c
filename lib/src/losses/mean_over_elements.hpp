// What all losses have in common that are a mean over a sample's elements.
#pragma once

#include "data/targets.hpp"
#include "neurona/tensor.hpp"

namespace neurona::detail {

/// The loss of one element and its derivative by the prediction.
struct ElementLoss {
  double value;
  double slope;
};

// prediction (N,F)  ->  sum over N of the mean over F of element(prediction, target).value, with its gradient (N,F).
// `target(n, f)` gives the target of sample n's element f.
template <class T, class Target, class Element>
double mean_over_elements(ConstTensorView prediction, TensorView gradient, Target target, Element element) {
  const std::int64_t N = prediction.shape[0];
  const std::int64_t F = N > 0 ? prediction.elements() / N : 0;
  const T* p = prediction.as<T>();
  double sum = 0.0;
  for (std::int64_t n = 0; n < N; ++n) {
    for (std::int64_t f = 0; f < F; ++f) {
      const std::int64_t i = n * F + f;
      const ElementLoss loss = element(static_cast<double>(p[i]), target(n, f));
      sum += loss.value;
      if (gradient) gradient.as<T>()[i] = static_cast<T>(loss.slope / static_cast<double>(F * N));
    }
  }
  return F > 0 ? sum / static_cast<double>(F) : 0.0;
}

/// The same for labels as one-hot vectors or for values, in the prediction's type.
template <class Element>
double mean_over_elements(ConstTensorView prediction, const Targets& targets, TensorView gradient, Element element) {
  const std::int64_t F = prediction.shape[0] > 0 ? prediction.elements() / prediction.shape[0] : 0;
  if (prediction.dtype == DType::float64)
    return mean_over_elements<double>(
        prediction, gradient, [&](auto n, auto f) { return target_at<double>(targets, n, f, F); }, element);
  return mean_over_elements<float>(
      prediction, gradient, [&](auto n, auto f) { return target_at<float>(targets, n, f, F); }, element);
}

}  // namespace neurona::detail
