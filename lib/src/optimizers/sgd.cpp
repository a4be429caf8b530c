#include "backend/backend.hpp"
#include "neurona/optimizer.hpp"

namespace neurona {

SGD::SGD(SGDOptions options)
    : Optimizer("SGD", options.learning_rate, options.momentum != 0.0 ? 1 : 0), options_(options) {
  check_share("momentum", options.momentum);
}

void SGD::step(Backend& backend, ConstTensorView gradient, std::span<Tensor> slots, TensorView weights) {
  const TensorView velocity = slots.empty() ? TensorView() : slots[0].view();
  backend.sgd({learning_rate(), options_.momentum, options_.nesterov}, gradient, velocity, weights);
}

Config SGD::config() const {
  Config config;
  config.set("learning_rate", options_.learning_rate);
  config.set("momentum", options_.momentum);
  config.set("nesterov", options_.nesterov);
  return config;
}

}  // namespace neurona
