#include <algorithm>
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

SGD::SGD(SGDOptions options) : options_(options), first_learning_rate_(options.learning_rate) {
  check_learning_rate(options.learning_rate);
  if (!(options.momentum >= 0.0 && options.momentum < 1.0))
    throw ValueError("SGD: momentum = " + std::to_string(options.momentum) + "; it must be in [0, 1).");
}

void SGD::set_learning_rate(double learning_rate) {
  check_learning_rate(learning_rate);
  options_.learning_rate = learning_rate;
}

Handle<Optimizer> SGD::clone() const {
  SGDOptions options = options_;
  options.learning_rate = first_learning_rate_;
  return SGD(options);
}

bool SGD::fits(std::span<Parameter* const> parameters) const {
  return std::equal(parameters.begin(), parameters.end(), velocities_.begin(), velocities_.end(), [](const Parameter* parameter, const Tensor& velocity) {
    return parameter->value.shape() == velocity.shape() && parameter->value.dtype() == velocity.dtype();
  });
}

void SGD::build(std::span<Parameter* const> parameters) {
  if (options_.momentum == 0.0 || fits(parameters)) return;
  velocities_.clear();
  for (const Parameter* parameter : parameters)
    velocities_.emplace_back(parameter->value.shape(), parameter->value.dtype());
}

void SGD::apply(Backend& backend, std::span<Parameter* const> parameters, std::span<const TensorView> gradients) {
  const bool has_velocity = options_.momentum != 0.0;
  if (has_velocity && !fits(parameters))
    throw ValueError("SGD: it was built for other parameters than it is to move. Give each model an optimiser of its own.");
  const SgdStep step{options_.learning_rate, options_.momentum, options_.nesterov};
  for (std::size_t i = 0; i < parameters.size(); ++i)
    backend.sgd(step, gradients[i], has_velocity ? velocities_[i].view() : TensorView(), parameters[i]->value.view());
}

}  // namespace neurona
