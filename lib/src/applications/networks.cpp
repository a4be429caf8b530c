#include "neurona/applications.hpp"
#include "neurona/error.hpp"
#include "neurona/layers.hpp"

namespace neurona {

namespace {

struct Network {
  Recipe recipe;
  void (*add_layers)(Sequential&, std::int64_t classes);
};

void mlp(Sequential& model, std::int64_t classes) {
  model.add(Flatten({.input_shape = {28, 28}}));
  model.add(Dense({.units = 100, .activation = Activation::sigmoid}));
  model.add(Dense({.units = classes, .activation = Activation::softmax}));
}

void mlp_pad(Sequential& model, std::int64_t classes) {
  model.add(Flatten({.input_shape = {28, 28}}));
  model.add(Dense({.units = 288, .activation = Activation::relu}));
  model.add(Dense({.units = 96, .activation = Activation::relu}));
  model.add(Dense({.units = classes, .activation = Activation::softmax}));
}

// BN, 200 SELU, BN, 100 SELU, BN, 10: what the tutorial puts behind Flatten.
void normalized_head(Sequential& model, std::int64_t classes) {
  for (const std::int64_t units : {200, 100}) {
    model.add(BatchNormalization());
    model.add(Dense(
        {.units = units, .activation = Activation::selu, .kernel_initializer = Initializer::lecun_normal}));
  }
  model.add(BatchNormalization());
  model.add(Dense({.units = classes, .activation = Activation::softmax}));
}

void mlp_improved(Sequential& model, std::int64_t classes) {
  model.add(Flatten({.input_shape = {28, 28}}));
  normalized_head(model, classes);
}

void cnn(Sequential& model, std::int64_t classes) {
  model.add(
      Conv2D({.filters = 64, .kernel_size = 3, .activation = Activation::relu, .input_shape = {28, 28, 1}}));
  model.add(MaxPooling2D());
  model.add(Flatten());
  normalized_head(model, classes);
}

// Small and good: two blocks of two convolutions, each normalized, then a narrow head.
void lenet(Sequential& model, std::int64_t classes) {
  bool first = true;
  for (const std::int64_t filters : {16, 32}) {
    for (int i = 0; i < 2; ++i) {
      model.add(Conv2D({.filters = filters,
                        .kernel_size = 3,
                        .padding = Padding::same,
                        .use_bias = false,
                        .kernel_initializer = Initializer::he_normal,
                        .input_shape = first ? Shape{28, 28, 1} : Shape()}));
      model.add(BatchNormalization({.momentum = 0.9}));
      model.add(ActivationLayer({.activation = Activation::relu}));
      first = false;
    }
    model.add(MaxPooling2D());
  }
  model.add(Flatten());
  model.add(
      Dense({.units = 96, .activation = Activation::relu, .kernel_initializer = Initializer::he_normal}));
  model.add(Dropout({.rate = 0.3}));
  model.add(Dense({.units = classes, .activation = Activation::softmax}));
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
    {{.name = "mlp-improved",
      .description = "the tutorial's second network: 784-200-100-10 with BatchNormalization, SELU; SGD 0.05",
      .learning_rate = 0.05,
      .epochs = 10,
      .batch_size = 32},
     mlp_improved},
    {{.name = "cnn",
      .description = "the tutorial's convolutional network: 64 filters 3x3, max-pooling, 200-100-10; SGD "
                     "0.05 falling to 0",
      .learning_rate = 0.05,
      .schedule = "cosine",
      .epochs = 12,
      .batch_size = 32},
     cnn},
    {{.name = "lenet",
      .description = "the course's own: four convolutions of 16 and 32 filters, 96-10; SGD 0.05 falling to "
                     "0, momentum 0.9",
      .learning_rate = 0.05,
      .momentum = 0.9,
      .schedule = "cosine",
      .epochs = 12,
      .batch_size = 64},
     lenet},
};

const Network& find(std::string_view name) {
  std::string known;
  for (const Network& network : kNetworks) {
    if (network.recipe.name == name) return network;
    known += (known.empty() ? "" : ", ") + network.recipe.name;
  }
  throw ValueError("Unknown network '" + std::string(name) + "'. Known: " + known + ", resnet50.");
}

}  // namespace

Model make_network(std::string_view name, std::uint64_t seed, std::int64_t classes) {
  if (classes < 2) throw ValueError("make_network: " + std::to_string(classes) + " classes; at least 2.");
  if (name == "resnet50") return resnet50(seed);
  const Network& network = find(name);
  Sequential model({.seed = seed});
  network.add_layers(model, classes);
  model.compile(
      {.loss = SparseCategoricalCrossentropy(),
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
