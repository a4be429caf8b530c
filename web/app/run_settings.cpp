// The lines between the marks are what the lessons show beside Keras'.
#include "run_settings.hpp"

#include <utility>

#include "neurona/applications.hpp"
#include "neurona/layers.hpp"

namespace neurona::app {
namespace {

Model one_hidden_layer(int units, Activation activation, std::uint64_t seed) {
  Sequential model({.seed = seed});
  // [build]
  model.add(Flatten({.input_shape = {28, 28}}));
  model.add(Dense({.units = units, .activation = activation}));
  model.add(Dense({.units = 10, .activation = Activation::softmax}));
  // [/build]
  return model;
}

Model dense_layers(const std::vector<int>& units, Activation activation, std::uint64_t seed) {
  Sequential model({.seed = seed});
  model.add(Flatten({.input_shape = {28, 28}}));
  for (const int count : units) model.add(Dense({.units = count, .activation = activation}));
  model.add(Dense({.units = 10, .activation = Activation::softmax}));
  return model;
}

}  // namespace

Model build_network(const RunSettings& s) {
  if (s.network != "dense") return make_network(s.network, s.seed);
  if (s.units.size() == 1) return one_hidden_layer(s.units[0], s.activation, s.seed);
  return dense_layers(s.units, s.activation, s.seed);
}

void compile_network(Model& model, double learning_rate) {
  // [compile]
  model.compile({.loss = SparseCategoricalCrossentropy(),
                 .optimizer = SGD({.learning_rate = learning_rate}),
                 .metrics = {Accuracy()}});
  // [/compile]
}

Dataset scaled(const std::shared_ptr<const ImageSet>& images) {
  // [data]
  const Dataset data(images, /*scale=*/1.0f / 255.0f);
  // [/data]
  return data;
}

std::shared_ptr<EarlyStopping> make_early_stopping(const RunSettings& s) {
  const auto [patience, restore_best_weights] = std::pair(s.patience, s.restore_best_weights);
  // [early_stopping]
  auto stopping = std::make_shared<EarlyStopping>(
      EarlyStoppingOptions{.patience = patience,
                           .restore_best_weights = restore_best_weights});
  // [/early_stopping]
  return stopping;
}

std::unique_ptr<FitJob> fit_in_slices(Model& model, const Dataset& data, const RunSettings& settings,
                                      std::vector<Handle<Callback>> callbacks) {
  // [fit]
  auto fit = std::make_unique<FitJob>(
      model, data,
      FitOptions{.epochs = settings.epochs,
                 .batch_size = settings.batch_size,
                 .validation_split = settings.validation_split,
                 .callbacks = callbacks,
                 .seed = settings.seed});
  // [/fit]
  return fit;
}

std::unique_ptr<EvaluateJob> evaluate_in_slices(Model& model, const Dataset& test) {
  // [evaluate]
  auto evaluation = std::make_unique<EvaluateJob>(model, test);
  // [/evaluate]
  return evaluation;
}

}  // namespace neurona::app
