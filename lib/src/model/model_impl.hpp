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
  struct Node {
    std::unique_ptr<Layer> layer;
    Shape input;   // of one sample
    Shape output;  // of one sample
  };

  std::string name;
  std::uint64_t seed = 0;
  DType dtype = DType::float32;
  std::vector<Node> nodes;
  CompileOptions compiled;
  bool is_compiled = false;
  std::shared_ptr<Backend> backend;
  std::map<std::string, std::string> metadata;

  /// Errors: ValueError when there is none.
  const Node& node(std::int64_t i) const;
  /// The generator that layer `index` is initialised from.
  Rng rng_of(std::size_t index) const { return Rng(seed).fork(index); }
};

}  // namespace neurona
