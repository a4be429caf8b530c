// The functions a layer may apply to its result.
#pragma once

#include <cstdint>
#include <string_view>

namespace neurona {

/// linear: z. sigmoid: 1/(1+e^-z). tanh. relu: max(0, z).
/// selu: lambda*z for z > 0, lambda*alpha*(e^z - 1) else (Klambauer et al. 2017).
/// leaky_relu: z for z > 0, 0.2*z else. elu: z for z > 0, e^z - 1 else. gelu: z/2 * (1 + erf(z / sqrt 2)) (Hendrycks and
/// Gimpel 2016). swish: z * sigmoid(z) (Ramachandran et al. 2017).
/// softmax: e^z_i / sum_j e^z_j over the last axis, computed after subtracting the largest z.
enum class Activation : std::uint8_t {
  linear,
  sigmoid,
  tanh,
  relu,
  leaky_relu,
  elu,
  selu,
  gelu,
  swish,
  softmax
};

inline constexpr double kSeluAlpha = 1.6732632423543772;
inline constexpr double kSeluLambda = 1.0507009873554805;
inline constexpr double kLeakySlope = 0.2;

/// Whether its derivative is computed from z; from the result y else.
constexpr bool differentiates_by_input(Activation activation) {
  return activation == Activation::gelu || activation == Activation::swish;
}

/// Keras' name of it: "sigmoid", "selu" ...
std::string_view to_string(Activation activation);
/// Errors: ValueError that lists the known names.
Activation activation_from_string(std::string_view name);

}  // namespace neurona
