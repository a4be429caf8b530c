#include <algorithm>
#include <cmath>
#include <string>

#include "neurona/callback.hpp"
#include "neurona/error.hpp"
#include "neurona/model.hpp"

namespace neurona {

ReduceLROnPlateau::ReduceLROnPlateau(ReduceLROnPlateauOptions options)
    : options_(std::move(options)), monitor_(options_.monitor, options_.mode, options_.min_delta) {
  if (!(options_.factor >= 0.0 && options_.factor < 1.0))
    throw ValueError("ReduceLROnPlateau: factor = " + std::to_string(options_.factor) + "; it must be in [0, 1).");
  for (const auto& [name, value] : {std::pair{"patience", options_.patience}, {"cooldown", options_.cooldown}})
    if (value < 0)
      throw ValueError("ReduceLROnPlateau: " + std::string(name) + " = " + std::to_string(value) +
                       "; it must be 0 or more.");
  for (const auto& [name, value] : {std::pair{"min_delta", options_.min_delta}, {"min_lr", options_.min_lr}})
    if (!std::isfinite(value) || value < 0.0)
      throw ValueError("ReduceLROnPlateau: " + std::string(name) + " = " + std::to_string(value) +
                       "; it must be 0 or more.");
}

void ReduceLROnPlateau::on_train_begin(TrainingContext&) {
  monitor_.reset();
  wait_ = cooling_ = 0;
}

void ReduceLROnPlateau::on_epoch_end(TrainingContext& context, std::int64_t, const Logs& logs) {
  const std::optional<double> current =
      monitor_.read(logs, "The learning rate's reduction", "the rate will stay as it is");
  if (!current) return;
  if (cooling_ > 0) {
    --cooling_;
    wait_ = 0;
  }
  if (monitor_.improve(*current)) {
    wait_ = 0;
    return;
  }
  if (cooling_ > 0 || ++wait_ < options_.patience) return;
  Optimizer& optimizer = *context.model.compile_options().optimizer;
  if (optimizer.learning_rate() <= options_.min_lr) return;
  optimizer.set_learning_rate(std::max(optimizer.learning_rate() * options_.factor, options_.min_lr));
  cooling_ = options_.cooldown;
  wait_ = 0;
}

CallbackState ReduceLROnPlateau::save_state() const {
  CallbackState state{.kind = "ReduceLROnPlateau"};
  monitor_.save(state);
  state.options.set("factor", options_.factor);
  state.options.set("patience", options_.patience);
  state.options.set("cooldown", options_.cooldown);
  state.options.set("min_lr", options_.min_lr);
  state.values.set("wait", wait_);
  state.values.set("cooling", cooling_);
  return state;
}

void ReduceLROnPlateau::restore_state(TrainingContext&, const CallbackState& state) {
  const std::int64_t wait = state.values.integer("wait"), cooling = state.values.integer("cooling");
  monitor_.restore(state);
  wait_ = wait;
  cooling_ = cooling;
}

}  // namespace neurona
