// Small data that tests make for themselves.
#pragma once

#include "neurona/dataset.hpp"
#include "neurona/model.hpp"
#include "neurona/random.hpp"
#include "neurona/tensor.hpp"

namespace neurona::test {

/// Uniform values in [low, high).
Tensor random_tensor(const Shape& shape, Rng& rng, double low = -1.0, double high = 1.0, DType dtype = DType::float32);

/// `count` images of 28x28 in ten classes that a small network can tell apart: a bright square whose place is the class,
/// in noise.
ImageSet easy_images(std::int64_t count, std::uint64_t seed);

/// A compiled classifier of 28x28 images so wide that, in batches of 64, its products and the optimizer's steps are shared among
/// threads.
Sequential wide_network(std::uint64_t seed);

/// Largest |a - b| over all elements, divided by the largest |b| (or 1 when b is all zero).
double normalized_error(ConstTensorView a, ConstTensorView b);

}  // namespace neurona::test
