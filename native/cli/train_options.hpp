// What `neurona train` can be told.
#pragma once

#include <optional>
#include <string>

#include "common.hpp"

namespace neurona::cli {

struct TrainOptions {
  CommonOptions common;
  DataOptions data;
  std::string network = "mlp";
  std::optional<std::int64_t> epochs, batch_size;
  std::optional<double> learning_rate, momentum;
  std::string optimizer = "sgd", loss = "sparse_categorical_crossentropy", schedule;
  double validation_split = 0.0;
  bool validate_on_test = false, early_stopping = false, restore_best_weights = false;
  std::int64_t patience = 0;
  std::uint64_t seed = 0;
  bool augment = false, int8 = false, as_printed = false;
  bool no_optimizer = false;
  std::string strokes, out, note, log, checkpoint, every, resume;
  std::int64_t stroke_copies = 3, batch_losses = 0;
};

/// Adds them to the command. Their help texts are the documentation.
void add_train_options(CLI::App& command, TrainOptions& options);

}  // namespace neurona::cli
