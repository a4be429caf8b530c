#include <cmath>
#include <string>

#include "neurona/callback.hpp"
#include "neurona/error.hpp"
#include "neurona/model.hpp"

namespace neurona {

EarlyStopping::EarlyStopping(EarlyStoppingOptions options)
    : options_(std::move(options)), monitor_(options_.monitor, options_.mode, options_.min_delta) {
  if (options_.patience < 0)
    throw ValueError("EarlyStopping: patience = " + std::to_string(options_.patience) + "; it must be 0 or more.");
  if (!std::isfinite(options_.min_delta) || options_.min_delta < 0.0)
    throw ValueError("EarlyStopping: min_delta = " + std::to_string(options_.min_delta) + "; it must be 0 or more.");
  if (options_.start_from_epoch < 0)
    throw ValueError("EarlyStopping: start_from_epoch = " + std::to_string(options_.start_from_epoch) +
                     "; it must be 0 or more.");
}

void EarlyStopping::on_train_begin(TrainingContext&) {
  monitor_.reset();
  wait_ = 0;
  best_epoch_ = 0;
  stopped_epoch_.reset();
  restored_epoch_.reset();
  best_weights_.clear();
}

void EarlyStopping::on_epoch_end(TrainingContext& context, std::int64_t epoch, const Logs& logs) {
  const std::optional<double> current = monitor_.read(logs, "Early stopping", "it will never stop early");
  if (!current || epoch < options_.start_from_epoch) return;
  // Should nothing ever improve (NaN), the first weights are the best there are.
  const bool keeps_first = options_.restore_best_weights && best_weights_.empty();
  const bool improved = monitor_.improve(*current);
  if (improved || keeps_first) {
    best_epoch_ = epoch;
    if (options_.restore_best_weights) best_weights_ = context.model.get_weights();
  }
  ++wait_;
  if (improved) {
    if (!options_.baseline || monitor_.is_better(*current, *options_.baseline)) wait_ = 0;
  } else if (wait_ >= options_.patience && epoch > 0) {
    stopped_epoch_ = epoch;
    context.stop_training = true;
  }
}

void EarlyStopping::on_train_end(TrainingContext& context) {
  if (best_weights_.empty()) return;
  context.model.set_weights(best_weights_);
  restored_epoch_ = best_epoch_;
}

}  // namespace neurona
