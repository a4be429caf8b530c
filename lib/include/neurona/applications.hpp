// The networks of the course, by name.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "neurona/model.hpp"

namespace neurona {

/// What the tutorial trains a network with.
struct Recipe {
  std::string name;         ///< "mlp"
  std::string description;  ///< one line
  double learning_rate = 0.01;
  double momentum = 0.0;
  std::int64_t epochs = 10;
  std::int64_t batch_size = 32;
  double validation_split = 0.0;
};

/// A compiled network with fresh weights.
/// "mlp": 784-100-10, sigmoid, softmax (the tutorial's first). "mlp-pad": 784-288-96-10, relu (the front door).
/// Errors: ValueError that lists the known names.
Sequential make_network(std::string_view name, std::uint64_t seed = 0);
const Recipe& recipe(std::string_view name);
std::vector<std::string> network_names();

}  // namespace neurona
