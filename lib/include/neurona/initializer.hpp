// How weights begin.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "neurona/random.hpp"
#include "neurona/tensor.hpp"

namespace neurona {

/// A way to fill new weights, by Keras' names: `Initializer::he_normal`, `Initializer::constant(0.5)`.
///
/// The scaled ones depend on the fan, the number of weights that meet at one unit, so that signals keep their size from
/// layer to layer: variance 2 / (fan_in + fan_out) for glorot (Glorot and Bengio 2010), 2 / fan_in for he (He et al.
/// 2015), 1 / fan_in for lecun (LeCun et al. 1998). `uniform`: U(-l, l) with l = sqrt(3 * variance). `normal`: redrawn
/// beyond two deviations, and widened so that its variance is the one named.
/// The plain ones: random_uniform U(-0.05, 0.05); random_normal of deviation 0.05; truncated_normal, the same redrawn
/// beyond two deviations and not widened.
struct Initializer {
  enum class Kind : std::uint8_t {
    zeros,
    ones,
    constant,
    random_uniform,
    random_normal,
    truncated_normal,
    glorot_uniform,
    glorot_normal,
    he_uniform,
    he_normal,
    lecun_uniform,
    lecun_normal
  };

  Kind kind = Kind::zeros;
  double value = 0.0;  ///< of `constant`; else 0

  static const Initializer zeros, ones, random_uniform, random_normal, truncated_normal;
  static const Initializer glorot_uniform, glorot_normal, he_uniform, he_normal, lecun_uniform, lecun_normal;
  /// Errors: ValueError when not finite.
  static Initializer constant(double value);

  bool operator==(const Initializer&) const = default;
};

inline constexpr Initializer Initializer::zeros{Kind::zeros};
inline constexpr Initializer Initializer::ones{Kind::ones};
inline constexpr Initializer Initializer::random_uniform{Kind::random_uniform};
inline constexpr Initializer Initializer::random_normal{Kind::random_normal};
inline constexpr Initializer Initializer::truncated_normal{Kind::truncated_normal};
inline constexpr Initializer Initializer::glorot_uniform{Kind::glorot_uniform};
inline constexpr Initializer Initializer::glorot_normal{Kind::glorot_normal};
inline constexpr Initializer Initializer::he_uniform{Kind::he_uniform};
inline constexpr Initializer Initializer::he_normal{Kind::he_normal};
inline constexpr Initializer Initializer::lecun_uniform{Kind::lecun_uniform};
inline constexpr Initializer Initializer::lecun_normal{Kind::lecun_normal};

/// "he_normal"; "constant(0.5)", with as many digits as the value needs to be read back.
std::string to_string(const Initializer& initializer);
/// Errors: ValueError that lists the known names, or says what stands between the brackets of "constant(...)".
Initializer initializer_from_string(std::string_view name);

/// Fills `weights` (float32 or float64; the same numbers in both, but for `constant`). A fan below 1 counts as 1.
void initialize(const Initializer& initializer, TensorView weights, std::int64_t fan_in, std::int64_t fan_out,
                Rng& rng);

}  // namespace neurona
