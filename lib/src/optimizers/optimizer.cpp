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

using Factory = Handle<Optimizer> (*)(std::optional<double>);

constexpr std::pair<Factory, std::string_view> kOptimizers[] = {
    {make<SGD, SGDOptions>, "sgd"},
    {make<RMSprop, RMSpropOptions>, "rmsprop"},
    {make<Adam, AdamOptions>, "adam"},
    {make<AdamW, AdamWOptions>, "adamw"},
};

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

Handle<Optimizer> make_optimizer(std::string_view name, std::optional<double> learning_rate) {
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return detail::value_of(kOptimizers, lower, "optimizer")(learning_rate);
}

std::vector<std::string> optimizer_names() {
  std::vector<std::string> names;
  for (const auto& [factory, name] : kOptimizers) names.emplace_back(name);
  return names;
}

}  // namespace neurona
