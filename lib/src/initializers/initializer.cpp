#include "neurona/initializer.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "core/names.hpp"
#include "core/number_text.hpp"

namespace neurona {

namespace {

using Kind = Initializer::Kind;

constexpr std::string_view kConstant = "constant(value)";

constexpr std::pair<Kind, std::string_view> kNames[] = {
    {Kind::zeros, "zeros"},
    {Kind::ones, "ones"},
    {Kind::constant, kConstant},
    {Kind::random_uniform, "random_uniform"},
    {Kind::random_normal, "random_normal"},
    {Kind::truncated_normal, "truncated_normal"},
    {Kind::glorot_uniform, "glorot_uniform"},
    {Kind::glorot_normal, "glorot_normal"},
    {Kind::he_uniform, "he_uniform"},
    {Kind::he_normal, "he_normal"},
    {Kind::lecun_uniform, "lecun_uniform"},
    {Kind::lecun_normal, "lecun_normal"},
};

// Keras' initial values for what does not depend on the fan.
constexpr float kPlainLimit = 0.05f;
constexpr float kPlainDeviation = 0.05f;
// Deviation of a standard normal truncated at two deviations.
constexpr double kTruncatedDeviation = 0.87962566103423978;

template <class T, class Draw>
void fill(T* values, std::int64_t count, Draw draw) {
  for (std::int64_t i = 0; i < count; ++i) values[i] = static_cast<T>(draw());
}

template <class Draw>
void fill(TensorView weights, Draw draw) {
  if (weights.dtype == DType::float64)
    fill(weights.as<double>(), weights.elements(), draw);
  else
    fill(weights.as<float>(), weights.elements(), draw);
}

void fill_uniform(TensorView weights, float limit, Rng& rng) {
  fill(weights, [&] { return rng.uniform(-limit, limit); });
}

// U(-l, l) has variance l^2 / 3.
void scaled_uniform(TensorView weights, double scale, double fan, Rng& rng) {
  fill_uniform(weights, static_cast<float>(std::sqrt(3.0 * scale / fan)), rng);
}

void scaled_normal(TensorView weights, double scale, double fan, Rng& rng) {
  const auto deviation = static_cast<float>(std::sqrt(scale / fan) / kTruncatedDeviation);
  fill(weights, [&] { return deviation * rng.truncated_normal(); });
}

}  // namespace

Initializer Initializer::constant(double value) {
  if (!std::isfinite(value))
    throw ValueError("Initializer::constant: " + std::to_string(value) + "; it must be finite.");
  return {Kind::constant, value};
}

std::string to_string(const Initializer& initializer) {
  if (initializer.kind == Kind::constant) return "constant(" + detail::shortest_text(initializer.value) + ")";
  return std::string(detail::name_of(kNames, initializer.kind));
}

Initializer initializer_from_string(std::string_view name) {
  constexpr std::string_view kOpening = "constant(";
  if (name.starts_with(kOpening) && name.ends_with(")") && name != kConstant) {
    const std::string_view inside = name.substr(kOpening.size(), name.size() - kOpening.size() - 1);
    const std::optional<double> value = detail::number_from(inside);
    if (!value)
      throw ValueError("Initializer '" + std::string(name) + "': '" + std::string(inside) + "' is not a number.");
    return Initializer::constant(*value);
  }
  const Kind kind = detail::value_of(kNames, name, "initializer");
  if (kind == Kind::constant) throw ValueError("Initializer 'constant(value)': write the value, say constant(0.5).");
  return {kind};
}

void initialize(const Initializer& initializer, TensorView weights, std::int64_t fan_in, std::int64_t fan_out,
                Rng& rng) {
  const double in = static_cast<double>(std::max<std::int64_t>(fan_in, 1));
  const double mean = std::max(static_cast<double>(fan_in + fan_out) / 2.0, 1.0);
  switch (initializer.kind) {
    case Kind::zeros:
      return fill(weights, [] { return 0.0f; });
    case Kind::ones:
      return fill(weights, [] { return 1.0f; });
    case Kind::constant:
      return fill(weights, [&] { return initializer.value; });
    case Kind::random_uniform:
      return fill_uniform(weights, kPlainLimit, rng);
    case Kind::random_normal:
      return fill(weights, [&] { return kPlainDeviation * rng.normal(); });
    case Kind::truncated_normal:
      return fill(weights, [&] { return kPlainDeviation * rng.truncated_normal(); });
    case Kind::glorot_uniform:
      return scaled_uniform(weights, 1.0, mean, rng);
    case Kind::glorot_normal:
      return scaled_normal(weights, 1.0, mean, rng);
    case Kind::he_uniform:
      return scaled_uniform(weights, 2.0, in, rng);
    case Kind::he_normal:
      return scaled_normal(weights, 2.0, in, rng);
    case Kind::lecun_uniform:
      return scaled_uniform(weights, 1.0, in, rng);
    case Kind::lecun_normal:
      return scaled_normal(weights, 1.0, in, rng);
  }
}

}  // namespace neurona
