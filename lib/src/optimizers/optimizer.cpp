#include "neurona/optimizer.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <string>

#include "core/names.hpp"

namespace neurona {

namespace {

template <class Class, class Options>
Handle<Optimizer> make(std::optional<double> learning_rate) {
  Options options;
  if (learning_rate) options.learning_rate = *learning_rate;
  return Class(options);
}

void take(const Config& config, const char* key, double& option) {
  if (config.has(key)) option = config.number(key);
}

void take(const Config& config, const char* key, bool& option) {
  if (config.has(key)) option = config.boolean(key);
}

Handle<Optimizer> sgd_from(const Config& config) {
  SGDOptions options;
  take(config, "learning_rate", options.learning_rate);
  take(config, "momentum", options.momentum);
  take(config, "nesterov", options.nesterov);
  return SGD(options);
}

Handle<Optimizer> rmsprop_from(const Config& config) {
  RMSpropOptions options;
  take(config, "learning_rate", options.learning_rate);
  take(config, "rho", options.rho);
  take(config, "momentum", options.momentum);
  take(config, "epsilon", options.epsilon);
  take(config, "centered", options.centered);
  return RMSprop(options);
}

// Of Adam and of AdamW, whose options have the same names.
template <class Options>
Options adam_options(const Config& config) {
  Options options;
  take(config, "learning_rate", options.learning_rate);
  take(config, "beta_1", options.beta_1);
  take(config, "beta_2", options.beta_2);
  take(config, "epsilon", options.epsilon);
  take(config, "amsgrad", options.amsgrad);
  return options;
}

Handle<Optimizer> adam_from(const Config& config) { return Adam(adam_options<AdamOptions>(config)); }

Handle<Optimizer> adamw_from(const Config& config) {
  AdamWOptions options = adam_options<AdamWOptions>(config);
  take(config, "weight_decay", options.weight_decay);
  return AdamW(options);
}

struct Factory {
  Handle<Optimizer> (*make)(std::optional<double>);
  Handle<Optimizer> (*from_config)(const Config&);
};

constexpr Factory kSgd{make<SGD, SGDOptions>, sgd_from}, kRmsprop{make<RMSprop, RMSpropOptions>, rmsprop_from},
    kAdam{make<Adam, AdamOptions>, adam_from}, kAdamw{make<AdamW, AdamWOptions>, adamw_from};

constexpr std::pair<const Factory*, std::string_view> kOptimizers[] = {
    {&kSgd, "sgd"}, {&kRmsprop, "rmsprop"}, {&kAdam, "adam"}, {&kAdamw, "adamw"}};

std::string in_small_letters(std::string_view name) {
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

}  // namespace

Optimizer::Optimizer(std::string_view name, double learning_rate, std::size_t slots)
    : name_(name), learning_rate_(learning_rate), slots_per_parameter_(slots) {
  check_not_negative("learning_rate", learning_rate);
}

void Optimizer::set_learning_rate(double learning_rate) {
  check_not_negative("learning_rate", learning_rate);
  learning_rate_ = learning_rate;
}

void Optimizer::check_share(std::string_view option, double value) const {
  if (!(value >= 0.0 && value < 1.0))
    throw ValueError(std::string(name_) + ": " + std::string(option) + " = " + std::to_string(value) +
                     "; it must be in [0, 1).");
}

void Optimizer::check_not_negative(std::string_view option, double value) const {
  if (!std::isfinite(value) || value < 0.0)
    throw ValueError(std::string(name_) + ": " + std::string(option) + " = " + std::to_string(value) +
                     "; it must be finite and 0 or more.");
}

bool Optimizer::fits(std::span<Parameter* const> parameters) const {
  if (slots_.size() != parameters.size() * slots_per_parameter_) return false;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const Tensor& value = parameters[i / slots_per_parameter_]->value;
    if (value.shape() != slots_[i].shape() || value.dtype() != slots_[i].dtype()) return false;
  }
  return true;
}

void Optimizer::build(std::span<Parameter* const> parameters) {
  if (!parameters.empty() && fits(parameters)) return;
  iterations_ = 0;
  slots_.clear();
  slots_.reserve(parameters.size() * slots_per_parameter_);
  for (const Parameter* parameter : parameters)
    for (std::size_t slot = 0; slot < slots_per_parameter_; ++slot)
      slots_.emplace_back(parameter->value.shape(), parameter->value.dtype());
}

void Optimizer::apply(Backend& backend, std::span<Parameter* const> parameters, std::span<const TensorView> gradients) {
  if (!fits(parameters))
    throw ValueError(
        std::string(name_) +
        ": it was built for other parameters than it is to move. Give each model an optimiser of its own.");
  ++iterations_;
  for (std::size_t i = 0; i < parameters.size(); ++i)
    step(backend, gradients[i], std::span(slots_).subspan(i * slots_per_parameter_, slots_per_parameter_),
         parameters[i]->value.view());
}

void Optimizer::set_state(OptimizerState state) {
  check_not_negative("learning_rate", state.learning_rate);
  if (state.iterations < 0) throw ValueError(std::string(name_) + ": iterations = " + std::to_string(state.iterations) + "; it must be 0 or more.");
  const std::size_t each = slots_per_parameter_;
  if (each == 0 ? !state.slots.empty() : state.slots.size() % each != 0)
    throw ValueError(std::string(name_) + " keeps " + std::to_string(each) + " tensors for each parameter; received " +
                     std::to_string(state.slots.size()) + " in all.");
  learning_rate_ = state.learning_rate;
  iterations_ = state.iterations;
  slots_ = std::move(state.slots);
}

Handle<Optimizer> make_optimizer(std::string_view name, std::optional<double> learning_rate) {
  return detail::value_of(kOptimizers, in_small_letters(name), "optimizer")->make(learning_rate);
}

Handle<Optimizer> optimizer_from_config(std::string_view name, const Config& config) {
  return detail::value_of(kOptimizers, in_small_letters(name), "optimizer")->from_config(config);
}

std::vector<std::string> optimizer_names() {
  std::vector<std::string> names;
  for (const auto& [factory, name] : kOptimizers) names.emplace_back(name);
  return names;
}

}  // namespace neurona
