#include "neurona/initializer.hpp"

#include <cmath>

#include "core/names.hpp"

namespace neurona {

namespace {

constexpr std::pair<Initializer, std::string_view> kNames[] = {
    {Initializer::zeros, "zeros"},
    {Initializer::ones, "ones"},
    {Initializer::glorot_uniform, "glorot_uniform"},
    {Initializer::lecun_normal, "lecun_normal"},
};

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

}  // namespace

std::string_view to_string(Initializer initializer) { return detail::name_of(kNames, initializer); }

Initializer initializer_from_string(std::string_view name) { return detail::value_of(kNames, name, "initializer"); }

void initialize(Initializer initializer, TensorView weights, std::int64_t fan_in, std::int64_t fan_out, Rng& rng) {
  switch (initializer) {
    case Initializer::zeros: return fill(weights, [] { return 0.0f; });
    case Initializer::ones: return fill(weights, [] { return 1.0f; });
    case Initializer::glorot_uniform: {
      const auto limit = static_cast<float>(std::sqrt(6.0 / static_cast<double>(fan_in + fan_out)));
      return fill(weights, [&] { return rng.uniform(-limit, limit); });
    }
    case Initializer::lecun_normal: {
      const auto deviation = static_cast<float>(std::sqrt(1.0 / static_cast<double>(fan_in)) / kTruncatedDeviation);
      return fill(weights, [&] { return deviation * rng.truncated_normal(); });
    }
  }
}

}  // namespace neurona
