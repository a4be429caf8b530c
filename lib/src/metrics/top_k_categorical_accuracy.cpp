#include <algorithm>
#include <cmath>

#include "data/targets.hpp"
#include "neurona/metric.hpp"

namespace neurona {

namespace {

// prediction (N,F)  ->  samples of whose predictions fewer than k are larger than that of their class
template <class T>
double hits(ConstTensorView prediction, std::int64_t k, const Targets& targets) {
  const std::int64_t N = prediction.shape[0], F = prediction.shape[1];
  std::int64_t count = 0;
  for (std::int64_t n = 0; n < N; ++n) {
    const T* row = prediction.as<T>() + n * F;
    std::int64_t label = 0;
    if (!targets.labels.empty()) {
      label = targets.labels[static_cast<std::size_t>(n)];
    } else {
      const T* values = targets.values.as<T>() + n * F;
      label = std::max_element(values, values + F) - values;
    }
    const T own = row[label];
    if (std::isfinite(own) && std::count_if(row, row + F, [&](T other) { return other > own; }) < k) ++count;
  }
  return static_cast<double>(count);
}

}  // namespace

TopKCategoricalAccuracy::TopKCategoricalAccuracy(TopKCategoricalAccuracyOptions options)
    : options_(options),
      name_("top_" + (options.k == TopKCategoricalAccuracyOptions().k ? "k" : std::to_string(options.k)) +
            "_categorical_accuracy") {
  if (options_.k < 1)
    throw ValueError("TopKCategoricalAccuracy: k = " + std::to_string(options_.k) + "; it must be at least 1.");
}

void TopKCategoricalAccuracy::check(const Shape& prediction, const Dataset& data) const {
  if (prediction.rank() != 1)
    throw ShapeError(name_ + " received predictions of shape " + prediction.to_string() +
                     " a sample; expected one value for each class, as Dense gives.");
  detail::check_targets(name_, prediction, data);
}

double TopKCategoricalAccuracy::evaluate(ConstTensorView prediction, bool, const Targets& targets) const {
  return prediction.dtype == DType::float64 ? hits<double>(prediction, options_.k, targets)
                                            : hits<float>(prediction, options_.k, targets);
}

}  // namespace neurona
