#include "neurona/applications.hpp"
#include "neurona/error.hpp"
#include "neurona/layers.hpp"

namespace neurona {

namespace {

struct Network {
  Recipe recipe;
  void (*add_layers)(Sequential&);
};

void mlp(Sequential& model) {
  model.add(Flatten({.input_shape = {28, 28}}));
  model.add(Dense({.units = 100, .activation = Activation::sigmoid}));
  model.add(Dense({.units = 10, .activation = Activation::softmax}));
}

void mlp_pad(Sequential& model) {
  model.add(Flatten({.input_shape = {28, 28}}));
  model.add(Dense({.units = 288, .activation = Activation::relu}));
  model.add(Dense({.units = 96, .activation = Activation::relu}));
  model.add(Dense({.units = 10, .activation = Activation::softmax}));
}

const Network kNetworks[] = {
    {{.name = "mlp",
      .description = "the tutorial's first network: 784-100-10, sigmoid, softmax; SGD 0.1",
      .learning_rate = 0.1,
      .epochs = 10,
      .batch_size = 32},
     mlp},
    {{.name = "mlp-pad",
      .description = "the drawing page's network: 784-288-96-10, ReLU, softmax; SGD 0.05, momentum 0.9",
      .learning_rate = 0.05,
      .momentum = 0.9,
      .epochs = 40,
      .batch_size = 64},
     mlp_pad},
};

const Network& find(std::string_view name) {
  std::string known;
  for (const Network& network : kNetworks) {
    if (network.recipe.name == name) return network;
    known += (known.empty() ? "" : ", ") + network.recipe.name;
  }
  throw ValueError("Unknown network '" + std::string(name) + "'. Known: " + known + ".");
}

}  // namespace

Sequential make_network(std::string_view name, std::uint64_t seed) {
  const Network& network = find(name);
  Sequential model({.seed = seed});
  network.add_layers(model);
  model.compile({.loss = SparseCategoricalCrossentropy(),
                 .optimizer = SGD({.learning_rate = network.recipe.learning_rate, .momentum = network.recipe.momentum}),
                 .metrics = {Accuracy()}});
  return model;
}

const Recipe& recipe(std::string_view name) { return find(name).recipe; }

std::vector<std::string> network_names() {
  std::vector<std::string> names;
  for (const Network& network : kNetworks) names.push_back(network.recipe.name);
  return names;
}

}  // namespace neurona
