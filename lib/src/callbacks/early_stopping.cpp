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

CallbackState EarlyStopping::save_state() const {
  constexpr std::int64_t kNone = -1;
  CallbackState state{.kind = "EarlyStopping"};
  monitor_.save(state);
  state.options.set("patience", options_.patience);
  if (options_.baseline) state.options.set("baseline", *options_.baseline);
  state.options.set("restore_best_weights", options_.restore_best_weights);
  state.options.set("start_from_epoch", options_.start_from_epoch);
  state.values.set("wait", wait_);
  state.values.set("best_epoch", best_epoch_);
  state.values.set("stopped_epoch", stopped_epoch_.value_or(kNone));
  state.values.set("restored_epoch", restored_epoch_.value_or(kNone));
  state.tensors = best_weights_;
  return state;
}

void EarlyStopping::restore_state(TrainingContext& context, const CallbackState& state) {
  const auto epoch_of = [&](const char* key) {
    const std::int64_t epoch = state.values.integer(key);
    return epoch < 0 ? std::nullopt : std::optional(epoch);
  };
  const std::vector<Parameter*> parameters = context.model.parameters();
  bool fits = state.tensors.empty() || state.tensors.size() == parameters.size();
  for (std::size_t i = 0; fits && i < state.tensors.size(); ++i) fits = state.tensors[i].shape() == parameters[i]->value.shape();
  if (!fits) throw ValueError("EarlyStopping: the best weights of the snapshot do not fit the model.");
  const std::int64_t wait = state.values.integer("wait"), best_epoch = state.values.integer("best_epoch");
  const auto stopped = epoch_of("stopped_epoch"), restored = epoch_of("restored_epoch");
  std::vector<Tensor> best_weights = state.tensors;
  monitor_.restore(state);
  wait_ = wait;
  best_epoch_ = best_epoch;
  stopped_epoch_ = stopped;
  restored_epoch_ = restored;
  best_weights_ = std::move(best_weights);
}

}  // namespace neurona
