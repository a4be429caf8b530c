#include <cmath>
#include <string>

#include "backend/backend.hpp"
#include "neurona/error.hpp"
#include "neurona/optimizer.hpp"

namespace neurona {

namespace {

void check_learning_rate(double learning_rate) {
  if (!std::isfinite(learning_rate) || learning_rate < 0.0)
    throw ValueError("SGD: learning_rate = " + std::to_string(learning_rate) + "; it must be finite and 0 or more.");
}

}  // namespace

SGD::SGD(SGDOptions options) : options_(options) {
  check_learning_rate(options.learning_rate);
  if (!(options.momentum >= 0.0 && options.momentum < 1.0))
    throw ValueError("SGD: momentum = " + std::to_string(options.momentum) + "; it must be in [0, 1).");
}

void SGD::set_learning_rate(double learning_rate) {
  check_learning_rate(learning_rate);
  options_.learning_rate = learning_rate;
}

Handle<Optimizer> SGD::clone() const { return SGD(options_); }

void SGD::build(std::span<Parameter* const> parameters) {
  velocities_.clear();
  if (options_.momentum == 0.0) return;
  for (const Parameter* parameter : parameters)
    velocities_.emplace_back(parameter->value.shape(), parameter->value.dtype());
}

void SGD::apply(Backend& backend, std::span<Parameter* const> parameters, std::span<const TensorView> gradients) {
  const SgdStep step{options_.learning_rate, options_.momentum, options_.nesterov};
  for (std::size_t i = 0; i < parameters.size(); ++i)
    backend.sgd(step, gradients[i], velocities_.empty() ? TensorView() : velocities_[i].view(), parameters[i]->value.view());
}

}  // namespace neurona
