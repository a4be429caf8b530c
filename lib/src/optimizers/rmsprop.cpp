#include "backend/backend.hpp"
#include "neurona/optimizer.hpp"

namespace neurona {

RMSprop::RMSprop(RMSpropOptions options)
    : Optimizer("RMSprop", options.learning_rate,
                1u + (options.centered ? 1u : 0u) + (options.momentum != 0.0 ? 1u : 0u)),
      options_(options) {
  check_share("rho", options.rho);
  check_share("momentum", options.momentum);
  check_not_negative("epsilon", options.epsilon);
}

void RMSprop::step(Backend& backend, ConstTensorView gradient, std::span<Tensor> slots, TensorView weights) {
  const TensorView mean_square = slots[0].view();
  const TensorView mean_gradient = options_.centered ? slots[1].view() : TensorView();
  const TensorView velocity = options_.momentum != 0.0 ? slots.back().view() : TensorView();
  backend.rmsprop({learning_rate(), options_.rho, options_.momentum, options_.epsilon}, gradient, mean_square,
                  mean_gradient, velocity, weights);
}

Config RMSprop::config() const {
  Config config;
  config.set("learning_rate", options_.learning_rate);
  config.set("rho", options_.rho);
  config.set("momentum", options_.momentum);
  config.set("epsilon", options_.epsilon);
  config.set("centered", options_.centered);
  return config;
}

}  // namespace neurona
