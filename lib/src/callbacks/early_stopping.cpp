#include <cmath>
#include <string>

#include "neurona/callback.hpp"
#include "neurona/error.hpp"
#include "neurona/model.hpp"

namespace neurona {

EarlyStopping::EarlyStopping(EarlyStoppingOptions options) : options_(std::move(options)) {
  if (options_.patience < 0)
    throw ValueError("EarlyStopping: patience = " + std::to_string(options_.patience) + "; it must be 0 or more.");
  if (!std::isfinite(options_.min_delta) || options_.min_delta < 0.0)
    throw ValueError("EarlyStopping: min_delta = " + std::to_string(options_.min_delta) + "; it must be 0 or more.");
}

void EarlyStopping::on_train_begin(TrainingContext&) {
  best_ = std::numeric_limits<double>::infinity();
  wait_ = 0;
  best_epoch_ = 0;
  stopped_epoch_.reset();
  warning_.clear();
  best_weights_.clear();
}

void EarlyStopping::on_epoch_end(TrainingContext& context, std::int64_t epoch, const Logs& logs) {
  const std::optional<double> current = find_log(logs, options_.monitor);
  if (!current) {
    if (warning_.empty()) {
      std::string there;
      for (const auto& [name, value] : logs) there += (there.empty() ? "" : ", ") + name;
      warning_ = "Early stopping watches '" + options_.monitor + "', which this run does not have (it has: " + there +
                 "); it will never stop early. Give validation_split or validation_data.";
    }
    return;
  }
  const double sign = options_.monitor.ends_with("accuracy") ? -1.0 : 1.0;
  if (sign * *current + options_.min_delta < best_) {
    best_ = sign * *current;
    wait_ = 0;
    best_epoch_ = epoch;
    if (options_.restore_best_weights) best_weights_ = context.model.get_weights();
    return;
  }
  ++wait_;
  if (wait_ >= options_.patience) {
    stopped_epoch_ = epoch;
    context.stop_training = true;
  }
}

void EarlyStopping::on_train_end(TrainingContext& context) {
  if (stopped_epoch_ && !best_weights_.empty()) context.model.set_weights(best_weights_);
}

}  // namespace neurona
