#include <algorithm>
#include <cmath>

#include "backend/backend.hpp"
#include "data/targets.hpp"
#include "losses/epsilon.hpp"
#include "losses/loss_terms.hpp"
#include "neurona/loss.hpp"

namespace neurona {

namespace {

// One row z (F): sum over F of t * (log-sum-exp(z) - z); its gradient, softmax * sum(t) - t, times `scale`.
template <class T, class Target>
double row_from_logits(const T* z, std::int64_t F, Target target, double scale, T* gradient) {
  const double largest = static_cast<double>(*std::max_element(z, z + F));
  double sum = 0.0;
  for (std::int64_t f = 0; f < F; ++f) sum += std::exp(static_cast<double>(z[f]) - largest);
  const double log_sum_exp = largest + std::log(sum);
  double loss = 0.0, total = 0.0;
  for (std::int64_t f = 0; f < F; ++f) {
    const double t = target(f);
    total += t;
    loss += t * (log_sum_exp - static_cast<double>(z[f]));
  }
  for (std::int64_t f = 0; gradient != nullptr && f < F; ++f)
    gradient[f] = static_cast<T>(scale * (std::exp(static_cast<double>(z[f]) - log_sum_exp) * total - target(f)));
  return loss;
}

// One row p (F), q = p / sum(p): -sum over F of t * log(clipped(q)). With a = -t/q, or 0 where q is clipped, its
// gradient is (a - sum over F of a * q) / sum(p).
template <class T, class Target>
double row_from_probabilities(const T* p, std::int64_t F, Target target, double scale, T* gradient) {
  double sum = 0.0;
  for (std::int64_t f = 0; f < F; ++f) sum += static_cast<double>(p[f]);
  const auto share = [&](std::int64_t f) { return static_cast<double>(p[f]) / sum; };
  const auto by_share = [&](std::int64_t f) { return detail::is_unclipped(share(f)) ? -target(f) / share(f) : 0.0; };
  double loss = 0.0, pull = 0.0;
  for (std::int64_t f = 0; f < F; ++f) {
    loss -= target(f) * std::log(detail::clipped(share(f)));
    pull += by_share(f) * share(f);
  }
  for (std::int64_t f = 0; gradient != nullptr && f < F; ++f)
    gradient[f] = static_cast<T>(scale * (by_share(f) - pull) / sum);
  return loss;
}

// prediction (N,...,F)  ->  sum over N of the mean over a sample's rows
template <class T>
double crossentropy(ConstTensorView prediction, bool is_logits, const Targets& targets, TensorView gradient) {
  const std::int64_t N = prediction.shape[0], F = prediction.shape.back();
  const std::int64_t rows = F > 0 ? prediction.elements() / F : 0;
  if (rows == 0) return 0.0;
  const double scale = 1.0 / static_cast<double>(rows);
  double loss = 0.0;
  for (std::int64_t n = 0; n < rows; ++n) {
    const T* row = prediction.as<T>() + n * F;
    T* to = gradient ? gradient.as<T>() + n * F : nullptr;
    const auto target = [&](std::int64_t f) { return detail::target_at<T>(targets, n, f, F); };
    loss += is_logits ? row_from_logits(row, F, target, scale, to) : row_from_probabilities(row, F, target, scale, to);
  }
  return loss * static_cast<double>(N) / static_cast<double>(rows);
}

}  // namespace

void CategoricalCrossentropy::check(const Shape& prediction, const Dataset& data) const {
  if (prediction.rank() == 0)
    throw ShapeError(
        "categorical_crossentropy received predictions of shape () a sample; expected one value for each class, as "
        "Dense gives.");
  detail::check_targets(name(), prediction, data);
}

double CategoricalCrossentropy::evaluate(Backend& backend, ConstTensorView prediction, bool is_logits,
                                         const Targets& targets, TensorView gradient) const {
  if (is_logits && !targets.labels.empty())
    return backend.softmax_crossentropy(prediction, targets.labels.data(), gradient);
  return prediction.dtype == DType::float64 ? crossentropy<double>(prediction, is_logits, targets, gradient)
                                            : crossentropy<float>(prediction, is_logits, targets, gradient);
}

// As in row_from_logits and row_from_probabilities above.
void CategoricalCrossentropy::explain_gradient(Terms& terms, Element at, bool is_logits,
                                               const Targets& targets) const {
  const Shape& y = terms.output_shape();
  const std::int64_t F = y.back(), first = at.index / F * F;
  const double share = static_cast<double>(F) / static_cast<double>(y.elements());
  const Factor more = Terms::constant(share, "1 / rows"), less = Terms::constant(-share, "-1 / rows");
  const auto target = [&](std::int64_t i) { return detail::target_factor(terms, targets, {at.sample, i}); };
  double sum = 0.0, targets_sum = 0.0, pull = 0.0;
  for (std::int64_t i = first; i < first + F; ++i) sum += terms.output({at.sample, i}).value;
  const auto is_inside = [&](std::int64_t i) {
    return detail::is_unclipped(terms.output({at.sample, i}).value / sum);
  };
  for (std::int64_t i = first; i < first + F; ++i) {
    targets_sum += target(i).value;
    if (is_inside(i)) pull += target(i).value;
  }
  if (is_logits) {
    terms.add({terms.output(at), Terms::constant(targets_sum, "sum of the targets"), more});
    return terms.add({target(at.index), less});
  }
  terms.add({Terms::constant(pull / sum, "targets / sum of the predictions"), more});
  if (is_inside(at.index))
    terms.add({target(at.index), Terms::constant(1.0 / terms.output(at).value, "1 / prediction"), less});
}

}  // namespace neurona
