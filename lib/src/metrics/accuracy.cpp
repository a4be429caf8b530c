#include <algorithm>

#include "data/targets.hpp"
#include "neurona/metric.hpp"

namespace neurona {

namespace {

template <class T>
std::int64_t place_of_largest(const T* row, std::int64_t count) {
  return std::max_element(row, row + count) - row;
}

// prediction (N,...,F)  ->  sum over N of the share of a sample's rows that are right
template <class T>
double hits(ConstTensorView prediction, T threshold, const Targets& targets) {
  const std::int64_t N = prediction.shape[0], F = prediction.shape.back();
  const std::int64_t rows = F > 0 ? prediction.elements() / F : 0;
  std::int64_t count = 0;
  for (std::int64_t n = 0; n < rows; ++n) {
    const T* row = prediction.as<T>() + n * F;
    const std::int64_t label = targets.labels.empty() ? -1 : targets.labels[static_cast<std::size_t>(n)];
    bool hit = false;
    if (F == 1) {
      const T target = label >= 0 ? static_cast<T>(label) : targets.values.as<T>()[n];
      hit = (*row > threshold ? T(1) : T(0)) == target;
    } else {
      hit = place_of_largest(row, F) == (label >= 0 ? label : place_of_largest(targets.values.as<T>() + n * F, F));
    }
    count += hit ? 1 : 0;
  }
  return rows > 0 ? static_cast<double>(count) * static_cast<double>(N) / static_cast<double>(rows) : 0.0;
}

}  // namespace

void Accuracy::check(const Shape& prediction, const Dataset& data) const {
  if (prediction.rank() == 0)
    throw ShapeError("accuracy received predictions of shape () a sample; it needs an axis of classes.");
  detail::check_targets_or_binary(name(), prediction, data);
}

double Accuracy::evaluate(ConstTensorView prediction, bool is_logits, const Targets& targets) const {
  // The logit of the probability 0.5 is 0.
  return prediction.dtype == DType::float64 ? hits<double>(prediction, is_logits ? 0.0 : 0.5, targets)
                                            : hits<float>(prediction, is_logits ? 0.0f : 0.5f, targets);
}

}  // namespace neurona
