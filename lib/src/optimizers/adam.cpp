#include <cmath>

#include "backend/backend.hpp"
#include "neurona/optimizer.hpp"

namespace neurona {

Adam::Adam(std::string_view name, AdamOptions options, double weight_decay)
    : Optimizer(name, options.learning_rate, options.amsgrad ? 3 : 2), options_(options), weight_decay_(weight_decay) {
  check_share("beta_1", options.beta_1);
  check_share("beta_2", options.beta_2);
  check_not_negative("epsilon", options.epsilon);
  check_not_negative("weight_decay", weight_decay);
}

void Adam::step(Backend& backend, ConstTensorView gradient, std::span<Tensor> slots, TensorView weights) {
  // Both means begin at 0; after t steps they still lack a share of beta^t.
  const double t = static_cast<double>(iterations());
  const double corrected =
      learning_rate() * std::sqrt(1.0 - std::pow(options_.beta_2, t)) / (1.0 - std::pow(options_.beta_1, t));
  backend.adam({corrected, options_.beta_1, options_.beta_2, options_.epsilon, learning_rate() * weight_decay_},
               gradient, slots[0].view(), slots[1].view(), options_.amsgrad ? slots[2].view() : TensorView(), weights);
}

AdamW::AdamW(AdamWOptions options)
    : Adam("AdamW",
           {.learning_rate = options.learning_rate,
            .beta_1 = options.beta_1,
            .beta_2 = options.beta_2,
            .epsilon = options.epsilon,
            .amsgrad = options.amsgrad},
           options.weight_decay),
      options_(options) {}

Config Adam::config() const {
  Config config;
  config.set("learning_rate", options_.learning_rate);
  config.set("beta_1", options_.beta_1);
  config.set("beta_2", options_.beta_2);
  config.set("epsilon", options_.epsilon);
  config.set("amsgrad", options_.amsgrad);
  return config;
}

Config AdamW::config() const {
  Config config = Adam::config();
  config.set("weight_decay", options_.weight_decay);
  return config;
}

}  // namespace neurona
