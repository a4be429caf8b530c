// The weights and images that generate/resnet50_weights.py draws, bit for bit.
#pragma once

#include "neurona/model.hpp"

namespace neurona::test {

/// Fills every weight of `model`, which must have ResNet-50's layers with Keras' names: the weight with index
/// i in the order of `Model::parameters()` is drawn from stream i.
void draw_resnet50_weights(Model& model);

/// (1, 224, 224, 3): the 8-bit RGB image, after `preprocess_input` (BGR, mean color subtracted).
Tensor draw_resnet50_photo();
/// (1, 224, 224, 3): multiples of 2^-9 in [-128, 128).
Tensor draw_resnet50_float_image();

}  // namespace neurona::test
