// Handwriting-like digits that the library draws itself, for when MNIST is not there.
#pragma once

#include <cstdint>

#include "neurona/image_set.hpp"

namespace neurona::data {

struct EmbeddedDigitsOptions {
  std::int64_t count = 10000;
  std::int64_t first = 0;  ///< index of the first image, to draw a set in pieces
  std::uint64_t seed = 0;
};

/// `count` images of 28x28, each of the ten labels in turn, prepared as MNIST's: own pen strokes, several ways of writing each
/// digit, varied at random. Image i depends on (seed, i) alone. Not handwriting of people: say so where they are shown.
/// Errors: ValueError for a negative count or first.
ImageSet embedded_digits(const EmbeddedDigitsOptions& options = {});

}  // namespace neurona::data
