// Walks over a data set, batch by batch, filling an executor's input.
#pragma once

#include <optional>
#include <vector>

#include "model/executor.hpp"
#include "neurona/dataset.hpp"
#include "neurona/job.hpp"
#include "neurona/random.hpp"

namespace neurona {

class Batches {
 public:
  /// Makes all buffers; `executor` gives the batch size and must outlive it.
  Batches(Dataset data, Executor& executor);
  /// Goes to the first sample and stays in the data's order, unvaried: for validation.
  void start_plain();
  /// Goes to the first sample; what is random (the order, if `shuffle`, and augmentation) is drawn from `rng`.
  void start(const Rng& rng, bool shuffle);
  /// Behind start() or start_plain(): goes on behind the first `samples` samples of the order.
  void skip(std::int64_t samples) { position_ = samples; }
  /// Gathers the next samples (the last batch may be smaller) and returns how many; 0 at the end.
  std::int64_t next();
  const Targets& targets() const { return targets_; }
  std::int64_t batch_size() const { return batch_size_; }

 private:
  Dataset data_;
  Executor& executor_;
  std::vector<std::int32_t> order_;
  std::optional<Rng> rng_;
  std::vector<std::int32_t> labels_;
  Tensor values_;
  Targets targets_;
  std::int64_t position_ = 0;
  std::int64_t batch_size_ = 0;
};

/// Advances a pass over all samples of pass.data for about `budget_ms`; pass.step() does one batch and counts it in pass.done.
template <class Pass>
bool advance_over_samples(Pass& pass, double budget_ms, Progress& progress) {
  const double start = now_ms();
  while (pass.done < pass.data.size()) {
    pass.step();
    if (now_ms() - start >= budget_ms) break;
  }
  progress.done = pass.done;
  progress.total = pass.data.size();
  progress.unit = "samples";
  return pass.done < pass.data.size();
}

/// Whether the model ends in an activation that its loss wants left out.
bool wants_logits(const Model& model);
/// Errors: ValueError for a model with several inputs or outputs, which a Dataset cannot feed.
void check_one_input_and_output(const Model& model);
/// Errors: ShapeError, ValueError when model, loss or metrics cannot work on such data.
void check_data(const Model& model, const CompileOptions& compiled, const Executor& executor, const Dataset& data);

}  // namespace neurona
