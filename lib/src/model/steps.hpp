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
  std::vector<std::size_t> nodes;  // of the model, that it covers; the last one's output is its own
  std::vector<int> inputs;        // nodes, or Model::Impl::kSamples
  std::vector<Shape> input_shapes;  // of one sample

  std::size_t last_node() const { return nodes.back(); }
};

enum class Fusion : std::uint8_t {
  none,
  training,   ///< a first convolution with the max-pooling behind it
  inference,  ///< a convolution with normalisation, addition, ReLU, max-pooling
};

/// The steps for a whole model, each behind those that it takes from.
std::vector<Step> steps_of(const Model::Impl& model, Fusion fusion);

}  // namespace neurona
