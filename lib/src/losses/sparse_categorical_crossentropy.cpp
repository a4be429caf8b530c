#include <cmath>
#include <string>

#include "backend/backend.hpp"
#include "data/targets.hpp"
#include "losses/epsilon.hpp"
#include "losses/loss_terms.hpp"
#include "neurona/loss.hpp"

namespace neurona {

namespace {

// p (N,F)  ->  sum over N of -log(p[label] / sum p), with its gradient by p.
template <class T>
double from_probabilities(ConstTensorView prediction, std::span<const std::int32_t> labels, TensorView gradient) {
  const std::int64_t N = prediction.shape[0], F = prediction.shape[1];
  double loss = 0.0;
  for (std::int64_t n = 0; n < N; ++n) {
    const T* p = prediction.as<T>() + n * F;
    const auto clipped = [&](std::int64_t f) { return detail::clipped(static_cast<double>(p[f])); };
    const std::int64_t label = labels[static_cast<std::size_t>(n)];
    double sum = 0.0;
    for (std::int64_t f = 0; f < F; ++f) sum += clipped(f);
    loss -= std::log(clipped(label) / sum);
    for (std::int64_t f = 0; gradient && f < F; ++f) {
      const bool inside = detail::is_unclipped(static_cast<double>(p[f]));
      const double slope = 1.0 / sum - (f == label ? 1.0 / clipped(f) : 0.0);
      gradient.as<T>()[n * F + f] = static_cast<T>(inside ? slope / static_cast<double>(N) : 0.0);
    }
  }
  return loss;
}

}  // namespace

void SparseCategoricalCrossentropy::check(const Shape& prediction, const Dataset& data) const {
  if (!data.has_labels())
    throw ValueError("sparse_categorical_crossentropy: the data have values as targets; it needs class labels.");
  if (prediction.rank() != 1)
    throw ShapeError("sparse_categorical_crossentropy received predictions of shape " + prediction.to_string() +
                     " a sample; expected one value for each class, as Dense gives.");
  detail::check_labels(name(), prediction[0], data);
}

double SparseCategoricalCrossentropy::evaluate(Backend& backend, ConstTensorView prediction, bool is_logits,
                                               const Targets& targets, TensorView gradient) const {
  if (is_logits) return backend.softmax_crossentropy(prediction, targets.labels.data(), gradient);
  return prediction.dtype == DType::float64 ? from_probabilities<double>(prediction, targets.labels, gradient)
                                            : from_probabilities<float>(prediction, targets.labels, gradient);
}

// From logits (softmax - onehot) / N; from probabilities (1 / sum p - onehot / p) / N, 0 where p is clipped.
void SparseCategoricalCrossentropy::explain_gradient(Terms& terms, Element at, bool is_logits,
                                                     const Targets& targets) const {
  const Shape& y = terms.output_shape();
  const double share = 1.0 / static_cast<double>(y[0]);
  const Factor p = terms.output(at), more = Terms::constant(share, "1 / samples"),
               less = Terms::constant(-share, "-1 / samples");
  const Factor target = detail::target_factor(terms, targets, at);
  if (is_logits) {
    terms.add({p, more});
    terms.add({target, less});
  } else if (detail::is_unclipped(p.value)) {
    double sum = 0.0;
    for (std::int64_t f = 0; f < y[1]; ++f) sum += detail::clipped(terms.output({at.sample, f}).value);
    terms.add({Terms::constant(1.0 / sum, "1 / sum of the predictions"), more});
    terms.add({target, Terms::constant(1.0 / p.value, "1 / prediction"), less});
  }
}

}  // namespace neurona
