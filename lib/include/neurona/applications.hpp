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
  std::string schedule = "constant";  ///< how the learning rate falls: "constant" or "cosine"
  std::int64_t epochs = 10;
  std::int64_t batch_size = 32;
  double validation_split = 0.0;
};

/// A network with fresh weights, compiled where it is one to train.
/// "mlp": 784-100-10, sigmoid, softmax (the tutorial's first). "mlp-pad": 784-288-96-10, relu. "mlp-improved": BatchNormalization
/// and SELU (the tutorial's second). "cnn": the tutorial's convolutional network. "lenet": the course's own. "resnet50": as
/// resnet50(). All but "resnet50" have `classes` outputs, 10 for digits. Errors: ValueError that lists the known names, and for less than
/// 2 classes.
Model make_network(std::string_view name, std::uint64_t seed = 0, std::int64_t classes = 10);

/// ResNet-50 v1 (He et al. 2015) as in keras.applications: images (224, 224, 3) after preprocess_input -> 1,000 probabilities.
/// Its weights are random: load_keras_weights() reads the published ones. Not compiled.
Model resnet50(std::uint64_t seed = 0);

/// How to train a network of the course on MNIST. Errors: ValueError for an unknown name, and for "resnet50", which is not trained.
const Recipe& recipe(std::string_view name);
/// Those with a recipe.
std::vector<std::string> network_names();

}  // namespace neurona
