// One call that checks what every layer promises.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "neurona/layer.hpp"

namespace neurona::test {

/// Checks, in float64 on the reference backend and for batches of 1 and 3:
/// the predicted output shape is the real one; config and from_config give the same layer back; gradients by the input and by
/// every trainable parameter equal central differences; backward overwrites (garbage in the gradient buffers does not matter).
/// Then, in float32, that each set of cpu kernels agrees with the reference forwards and backwards, also when a parameter's
/// gradient is not wanted.
void check_layer(const std::function<std::unique_ptr<Layer>()>& make, const Shape& sample);
/// The same for layers of several inputs.
void check_merging_layer(const std::function<std::unique_ptr<Layer>()>& make, const std::vector<Shape>& samples);

}  // namespace neurona::test
