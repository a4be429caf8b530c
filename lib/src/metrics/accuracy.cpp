#include <algorithm>

#include "core/names.hpp"
#include "neurona/error.hpp"
#include "neurona/metric.hpp"

namespace neurona {

namespace {

template <class T>
double hits(ConstTensorView prediction, std::span<const std::int32_t> labels) {
  const std::int64_t F = prediction.shape.back();
  std::int64_t count = 0;
  for (std::size_t n = 0; n < labels.size(); ++n) {
    const T* row = prediction.as<T>() + static_cast<std::int64_t>(n) * F;
    count += std::max_element(row, row + F) - row == labels[n] ? 1 : 0;
  }
  return static_cast<double>(count);
}

using Factory = Handle<Metric> (*)();

constexpr std::pair<Factory, std::string_view> kMetrics[] = {
    {[]() -> Handle<Metric> { return Accuracy(); }, "accuracy"},
};

}  // namespace

void Accuracy::check(const Dataset& data) const {
  if (!data.has_labels()) throw ValueError("accuracy: the data have values as targets; it needs class labels. Leave it out of metrics.");
}

double Accuracy::evaluate(ConstTensorView prediction, const Targets& targets) const {
  return prediction.dtype == DType::float64 ? hits<double>(prediction, targets.labels)
                                            : hits<float>(prediction, targets.labels);
}

Handle<Metric> make_metric(std::string_view name) { return detail::value_of(kMetrics, name, "metric")(); }

}  // namespace neurona
