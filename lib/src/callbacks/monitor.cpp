#include <limits>

#include "neurona/callback.hpp"

namespace neurona {

namespace {

bool goes_up(std::string_view name, MonitorMode mode) {
  if (mode != MonitorMode::automatic) return mode == MonitorMode::max;
  return name.ends_with("acc") || name.ends_with("accuracy") || name.ends_with("auc");
}

}  // namespace

Monitor::Monitor(std::string name, MonitorMode mode, double min_delta)
    : name_(std::move(name)), upwards_(goes_up(name_, mode)), min_delta_(min_delta) {
  reset();
}

void Monitor::reset() {
  best_ = upwards_ ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
  warning_.clear();
}

std::optional<double> Monitor::read(const Logs& logs, std::string_view who, std::string_view consequence) {
  const std::optional<double> value = find_log(logs, name_);
  if (value || !warning_.empty()) return value;
  std::string there;
  for (const auto& [key, unused] : logs) there += (there.empty() ? "" : ", ") + key;
  warning_ = std::string(who) + " watches '" + name_ + "', which this run does not have (it has: " + there + "); " +
             std::string(consequence) + "." +
             (name_.starts_with("val_") ? " Give validation_split or validation_data." : "");
  return value;
}

bool Monitor::is_better(double value, double reference) const {
  return upwards_ ? value - min_delta_ > reference : value + min_delta_ < reference;
}

bool Monitor::improve(double value) {
  if (!is_better(value, best_)) return false;
  best_ = value;
  return true;
}

void Monitor::save(CallbackState& state) const {
  state.options.set("monitor", name_);
  state.options.set("mode", std::string(upwards_ ? "max" : "min"));
  state.options.set("min_delta", min_delta_);
  state.values.set("best", best_);
  state.values.set("warning", warning_);
}

void Monitor::restore(const CallbackState& state) {
  const double best = state.values.number("best");
  warning_ = state.values.text("warning");
  best_ = best;
}

}  // namespace neurona
