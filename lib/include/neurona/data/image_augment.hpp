// Variations of 28x28 digit images, to train on more than there are.
#pragma once

#include <cstdint>
#include <span>

#include "neurona/dataset.hpp"
#include "neurona/random.hpp"

namespace neurona::data {

/// Reach of each random amount; drawn uniformly from [-amount, amount].
struct AugmentOptions {
  float shift = 1.5f;      ///< pixels, each direction; in [0, 14]
  float rotation = 0.2f;   ///< radians; in [0, pi]
  float shear = 0.2f;      ///< dx per dy; in [0, 1]
  float zoom = 0.12f;      ///< logarithm of the size, each axis of its own; in [0, 1]
  float elastic = 1.2f;    ///< pixels, of a smooth displacement over a 4x4 grid (after Simard et al. 2003); in [0, 7]
};

/// Writes a variation of `image` to `varied` (both 28x28), sampled bilinearly; ground (0) beyond the edges.
void augment_image(std::span<const std::uint8_t> image, std::span<std::uint8_t> varied, Rng& rng, const AugmentOptions& options = {});

/// The same as a function for Dataset::augmented. Errors: ValueError for amounts out of range.
Augmentation augmentation(const AugmentOptions& options = {});

}  // namespace neurona::data
