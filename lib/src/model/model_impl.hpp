// What a Model is made of; shared by the model, the executor and the formats.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "backend/backend.hpp"
#include "neurona/model.hpp"

namespace neurona {

struct Model::Impl {
  /// In place of a node: the samples that enter a Sequential model, which has no InputLayer.
  static constexpr int kSamples = -1;

  struct Node {
    std::unique_ptr<Layer> layer;
    std::vector<int> inputs;            // nodes before this one, or kSamples; none for an InputLayer
    std::vector<Shape> input_shapes;    // of one sample
    Shape output;                       // of one sample
  };

  std::string name;
  bool is_sequential = true;
  std::uint64_t seed = 0;
  DType dtype = DType::float32;
  std::vector<Node> nodes;   // each behind those that it takes from
  std::vector<int> inputs;   // the InputLayers of a Functional model
  std::vector<int> outputs;  // of a Functional model; a Sequential one ends in its last node
  CompileOptions compiled;
  bool is_compiled = false;
  std::shared_ptr<Backend> backend;
  std::map<std::string, std::string> metadata;

  /// Errors: ValueError when there is none.
  const Node& node(std::int64_t i) const;
  /// Errors: ValueError when the model has no layers, or (Functional) no outputs yet.
  void check_complete() const;
  std::vector<int> output_nodes() const;
  std::vector<Shape> input_shapes() const;
  /// Gives the layer a name that no other has. Errors: ValueError when its own is taken.
  void name_layer(Layer& layer) const;
  /// Appends a layer behind the nodes, built on them. Errors: ShapeError, ValueError.
  int append(std::unique_ptr<Layer> layer, std::vector<int> inputs);
  /// The generator that layer `index` is initialised from.
  Rng rng_of(std::size_t index) const { return Rng(seed).fork(index); }
};

}  // namespace neurona
