#pragma once

#include <algorithm>

namespace neurona::detail {

/// Keras' epsilon: probabilities whose logits are not known are kept in [1e-7, 1 - 1e-7].
inline constexpr double kProbabilityEpsilon = 1e-7;

inline double clipped(double p) { return std::clamp(p, kProbabilityEpsilon, 1.0 - kProbabilityEpsilon); }
/// Whether a clipped probability still follows p: elsewhere its gradient is 0.
inline bool is_unclipped(double p) { return p > kProbabilityEpsilon && p < 1.0 - kProbabilityEpsilon; }

}  // namespace neurona::detail
