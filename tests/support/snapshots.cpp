#include "support/snapshots.hpp"

#include <algorithm>
#include <cstring>

namespace neurona::test {

End end_of(const Model& model, const FitJob& job) {
  const TrainingState& s = job.state();
  return {.weights = model.get_weights(),
          .optimizer = model.compile_options().optimizer->state(),
          .history = job.history().epochs,
          .logs = s.logs,
          .epoch = s.epoch,
          .batch = s.batch,
          .stopped_early = s.stopped_early,
          .failed = s.failed};
}

bool equal_tensors(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Tensor& x, const Tensor& y) {
    return x.shape() == y.shape() && x.dtype() == y.dtype() &&
           std::memcmp(x.view().data, y.view().data, x.size_bytes()) == 0;
  });
}

bool equal_ends(const End& a, const End& b) {
  return equal_tensors(a.weights, b.weights) && equal_tensors(a.optimizer.slots, b.optimizer.slots) &&
         a.optimizer.iterations == b.optimizer.iterations &&
         a.optimizer.learning_rate == b.optimizer.learning_rate && a.history == b.history &&
         a.logs == b.logs && a.epoch == b.epoch && a.batch == b.batch && a.stopped_early == b.stopped_early &&
         a.failed == b.failed;
}

void run_to_end(FitJob& job) {
  while (job.step()) {
  }
}

}  // namespace neurona::test
