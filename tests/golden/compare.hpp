// How far results are from the fixtures': see README.md.
#pragma once

#include <span>
#include <vector>

#include "neurona/tensor.hpp"

namespace neurona::test {

// Both sides compute in float32 (24 bits: 6e-8), in another order. A wrong formula is off by far more.
inline constexpr double kTolerance = 1e-4;
// Elements smaller than this share of their tensor's largest are compared with that share: they are
// differences of larger terms, whose rounding stays.
inline constexpr double kSmallScale = 1e-2;

inline constexpr const char* kBackends[] = {"reference", "cpu"};

/// Largest |a - b| / max(|b|, small_scale * largest |b|, least) over all elements; b is the fixture. Infinite
/// when something is not a number or the sizes differ.
double relative_error(std::span<const double> a, std::span<const double> b, double small_scale = kSmallScale,
                      double least = 0.0);
/// Each element by itself: for losses, which are no differences.
double loss_error(std::span<const double> a, std::span<const double> b);

/// The largest magnitude.
double largest(std::span<const double> values);
std::vector<double> to_vector(ConstTensorView view);
std::vector<double> minus(std::vector<double> a, std::span<const double> b);

}  // namespace neurona::test
