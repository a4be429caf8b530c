// What large weights cost.
#pragma once

#include <string_view>

namespace neurona {

/// Adds l1 * sum |w| + l2 * sum w^2 over a weight tensor to the training loss, and to the loss that evaluation tells,
/// as Keras does. Its gradient is l1 * sign(w) + 2 * l2 * w, with sign(0) = 0.
struct Regularizer {
  double l1 = 0.0;
  double l2 = 0.0;

  explicit operator bool() const { return l1 != 0.0 || l2 != 0.0; }
  bool operator==(const Regularizer&) const = default;
};

/// By Keras' names and initial values: `.kernel_regularizer = L2(1e-4)`.
inline Regularizer L1(double l1 = 0.01) { return {l1, 0.0}; }
inline Regularizer L2(double l2 = 0.01) { return {0.0, l2}; }
inline Regularizer L1L2(double l1 = 0.0, double l2 = 0.0) { return {l1, l2}; }

/// `label` names the layer, `option` what is checked. Errors: ValueError when a factor is negative or not finite.
void check_regularizer(const Regularizer& regularizer, std::string_view label, std::string_view option);

}  // namespace neurona
