// What a snapshot holds, and whether a run can take it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "neurona/config.hpp"
#include "neurona/train.hpp"

namespace neurona {

/// What a run is made of. Snapshots of one run share it.
struct RunDescription {
  std::string architecture;          ///< the layers, loss and metrics, as files have them
  std::vector<std::string> weights;  ///< "layer/parameter"
  Config options;
  std::string optimizer;
  Config optimizer_options;
};

struct Snapshot::Data {
  std::shared_ptr<const RunDescription> run;
  TrainingState state;
  History history;
  std::vector<double> sums;
  double validation_penalty = 0.0, epoch_ms = 0.0;
  std::int64_t steps = 0, good_epoch = 0, good_batch = 0;
  bool has_begun = false, stop_training = false;
  std::vector<Tensor> weights, good_weights;
  OptimizerState optimizer;
  std::vector<CallbackState> callbacks;
};

/// The key of RunDescription::options under which the samples of a full batch stand.
inline constexpr const char* kBatchSizeKey = "batch_size";

/// What is wrong with a snapshot in itself: its counters, or the shapes of its tensors. Empty: nothing.
std::string contradiction(const Snapshot::Data& data);
/// In what another run (with the callbacks' states `callbacks`) differs from the snapshot's. Empty: in
/// nothing that counts.
std::string difference(const Snapshot::Data& data, const RunDescription& here,
                       const std::vector<CallbackState>& callbacks);
/// Whether the tensors have the shapes and types of the parameters; else the first that has not, in words.
std::string misfit(const std::vector<Tensor>& tensors, std::span<Parameter* const> parameters,
                   std::size_t each, const char* what);

}  // namespace neurona
