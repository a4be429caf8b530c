// How weights begin.
#pragma once

#include <cstdint>
#include <string_view>

#include "neurona/random.hpp"
#include "neurona/tensor.hpp"

namespace neurona {

/// glorot_uniform: U(-l, l), l = sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio 2010).
/// lecun_normal: normal truncated at two deviations, corrected so that its deviation is sqrt(1 / fan_in).
enum class Initializer : std::uint8_t { zeros, ones, glorot_uniform, lecun_normal };

std::string_view to_string(Initializer initializer);
/// Errors: ValueError that lists the known names.
Initializer initializer_from_string(std::string_view name);

/// Fills `weights` (float32 or float64; the same numbers in both).
void initialize(Initializer initializer, TensorView weights, std::int64_t fan_in, std::int64_t fan_out, Rng& rng);

}  // namespace neurona
