// The functions a layer may apply to its result.
#pragma once

#include <cstdint>
#include <string_view>

namespace neurona {

/// linear: z. sigmoid: 1/(1+e^-z). tanh. relu: max(0, z).
/// selu: lambda*z for z > 0, lambda*alpha*(e^z - 1) else (Klambauer et al. 2017).
/// softmax: e^z_i / sum_j e^z_j over the last axis, computed after subtracting the largest z.
enum class Activation : std::uint8_t { linear, sigmoid, tanh, relu, selu, softmax };

inline constexpr double kSeluAlpha = 1.6732632423543772;
inline constexpr double kSeluLambda = 1.0507009873554805;

/// Keras' name of it: "sigmoid", "selu" ...
std::string_view to_string(Activation activation);
/// Errors: ValueError that lists the known names.
Activation activation_from_string(std::string_view name);

}  // namespace neurona
