#include <cmath>
#include <span>

#include "losses/epsilon.hpp"
#include "losses/loss_terms.hpp"
#include "losses/mean_over_elements.hpp"
#include "neurona/loss.hpp"

namespace neurona {

namespace {

// -t log s(z) - (1-t) log(1-s(z)) for the sigmoid s, without e^|z|, which overflows.
detail::ElementLoss from_logit(double z, double target) {
  const double small = std::exp(-std::abs(z));
  const double sigmoid = (z < 0.0 ? small : 1.0) / (1.0 + small);
  return {(z < 0.0 ? 0.0 : z) - z * target + std::log1p(small), sigmoid - target};
}

detail::ElementLoss from_probability(double p, double target) {
  const double q = detail::clipped(p);
  const double slope = (1.0 - target) / (1.0 - q) - target / q;
  return {-target * std::log(q) - (1.0 - target) * std::log(1.0 - q), detail::is_unclipped(p) ? slope : 0.0};
}

template <class T>
double of_labels(ConstTensorView prediction, std::span<const std::int32_t> labels, TensorView gradient,
                 detail::ElementLoss (*element)(double, double)) {
  const auto target = [&](std::int64_t n, std::int64_t) {
    return static_cast<double>(labels[static_cast<std::size_t>(n)]);
  };
  return detail::mean_over_elements<T>(prediction, gradient, target, element);
}

}  // namespace

void BinaryCrossentropy::check(const Shape& prediction, const Dataset& data) const {
  detail::check_targets_or_binary(name(), prediction, data);
}

double BinaryCrossentropy::evaluate(Backend&, ConstTensorView prediction, bool is_logits, const Targets& targets,
                                    TensorView gradient) const {
  const auto element = is_logits ? from_logit : from_probability;
  if (!targets.labels.empty() && detail::is_binary(prediction.shape.without_leading()))
    return prediction.dtype == DType::float64 ? of_labels<double>(prediction, targets.labels, gradient, element)
                                              : of_labels<float>(prediction, targets.labels, gradient, element);
  return detail::mean_over_elements(prediction, targets, gradient, element);
}

// From logits (sigmoid - t) / values; from a probability ((1 - t) / (1 - p) - t / p) / values, 0 where p is
// clipped.
void BinaryCrossentropy::explain_gradient(Terms& terms, Element at, bool is_logits,
                                          const Targets& targets) const {
  const bool binary = !targets.labels.empty() && detail::is_binary(terms.output_shape().without_leading());
  const Factor target = detail::target_factor(terms, targets, at, binary), p = terms.output(at);
  const Factor more = detail::share_of_elements(terms, 1.0, "1 / values"),
               less = detail::share_of_elements(terms, -1.0, "-1 / values");
  if (is_logits) {
    terms.add({p, more});
    terms.add({target, less});
  } else if (detail::is_unclipped(p.value)) {
    terms.add({Terms::constant(1.0 - target.value, "1 - target"),
               Terms::constant(1.0 / (1.0 - p.value), "1 / (1 - prediction)"), more});
    terms.add({target, Terms::constant(1.0 / p.value, "1 / prediction"), less});
  }
}

}  // namespace neurona
