#include <charconv>

#include "core/names.hpp"
#include "neurona/metric.hpp"

namespace neurona {

namespace {

using Factory = Handle<Metric> (*)();

constexpr std::pair<Factory, std::string_view> kMetrics[] = {
    {[]() -> Handle<Metric> { return Accuracy(); }, "accuracy"},
    {[]() -> Handle<Metric> { return TopKCategoricalAccuracy(); }, "top_k_categorical_accuracy"},
};

// The k of "top_3_categorical_accuracy"; 0 for any other name.
std::int64_t k_of(std::string_view name) {
  constexpr std::string_view kBefore = "top_", kBehind = "_categorical_accuracy";
  if (!name.starts_with(kBefore) || !name.ends_with(kBehind) || name.size() <= kBefore.size() + kBehind.size())
    return 0;
  const std::string_view digits = name.substr(kBefore.size(), name.size() - kBefore.size() - kBehind.size());
  std::int64_t k = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), k);
  return error == std::errc() && end == digits.data() + digits.size() ? k : 0;
}

}  // namespace

Handle<Metric> make_metric(std::string_view name) {
  if (const std::int64_t k = k_of(name); k > 0) return TopKCategoricalAccuracy({.k = k});
  return detail::value_of(kMetrics, name, "metric")();
}

std::vector<std::string> metric_names() {
  std::vector<std::string> names;
  for (const auto& [factory, name] : kMetrics) names.emplace_back(name);
  return names;
}

}  // namespace neurona
