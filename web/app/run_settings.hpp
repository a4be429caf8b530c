#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "neurona/activation.hpp"
#include "neurona/callback.hpp"
#include "neurona/image_set.hpp"
#include "neurona/model.hpp"
#include "neurona/train.hpp"

namespace neurona::app {

/// What a run is made of: network, loss and optimizer, data and their order. The same settings and images give the same
/// weights, in the page, on the desktop, and as the programs of programs.hpp.
struct RunSettings {
  /// "dense": Flatten, one Dense layer for each of `units` with `activation`, ten outputs; else a network of the library by
  /// name (make_network): "mlp-improved", "cnn", "lenet".
  std::string network = "dense";
  std::vector<int> units = {100};  ///< 1 to 512 each
  Activation activation = Activation::sigmoid;
  double learning_rate = 0.1;      ///< 0.0001 to 100
  int batch_size = 32;             ///< 1 to 1024
  double validation_split = 0.05;  ///< 0 to 0.5, from the end of the training images
  int epochs = 10;                 ///< 1 to 50
  bool early_stopping = true;
  int patience = 0;  ///< 0 to 10
  bool restore_best_weights = false;
  std::uint64_t seed = 1;  ///< of the initial weights, and of the order of the images

  friend bool operator==(const RunSettings&, const RunSettings&) = default;
};

// What the lessons quote: each is a few lines of the library.
Model build_network(const RunSettings& settings);
void compile_network(Model& model, double learning_rate);
Dataset scaled(const std::shared_ptr<const ImageSet>& images);
std::shared_ptr<EarlyStopping> make_early_stopping(const RunSettings& settings);
std::unique_ptr<FitJob> fit_in_slices(Model& model, const Dataset& data, const RunSettings& settings,
                                      std::vector<Handle<Callback>> callbacks);
std::unique_ptr<EvaluateJob> evaluate_in_slices(Model& model, const Dataset& test);

}  // namespace neurona::app
