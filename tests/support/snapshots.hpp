// Comparing runs bit by bit.
#pragma once

#include <vector>

#include "neurona/model.hpp"
#include "neurona/train.hpp"

namespace neurona::test {

/// Where a run ended: all that must be the same bits.
struct End {
  std::vector<Tensor> weights;
  OptimizerState optimizer;
  std::vector<Logs> history;
  Logs logs;
  std::int64_t epoch = 0, batch = 0;
  bool stopped_early = false, failed = false;
};
End end_of(const Model& model, const FitJob& job);
bool equal_ends(const End& a, const End& b);
bool equal_tensors(const std::vector<Tensor>& a, const std::vector<Tensor>& b);
void run_to_end(FitJob& job);

}  // namespace neurona::test
