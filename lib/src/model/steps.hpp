// What an executor runs for a model: each layer by itself, or several as one step where the backend can.
#pragma once

#include <memory>
#include <vector>

#include "model/model_impl.hpp"

namespace neurona {

struct Step {
  Layer* layer = nullptr;         // whose passes run
  std::unique_ptr<Layer> fused;   // that layer, where it is none of the model's
  Layer* owner = nullptr;         // whose parameters are trained
  std::size_t node = 0;           // of the model: the one whose output this is
  std::vector<int> inputs;        // nodes, or Model::Impl::kSamples
  std::vector<Shape> input_shapes;  // of one sample
};

enum class Fusion : std::uint8_t {
  none,
  training,   ///< a first convolution with the max-pooling behind it
  inference,  ///< a convolution with normalisation, addition, ReLU, max-pooling
};

/// The steps for a whole model, each behind those that it takes from.
std::vector<Step> steps_of(const Model::Impl& model, Fusion fusion);

}  // namespace neurona
