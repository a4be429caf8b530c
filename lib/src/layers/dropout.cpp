#include "backend/backend.hpp"
#include "layers/config_shape.hpp"
#include "neurona/error.hpp"
#include "neurona/layers.hpp"

namespace neurona {

Dropout::Dropout(DropoutOptions options) : options_(std::move(options)) {
  set_name(options_.name);
  if (!(options_.rate >= 0.0 && options_.rate < 1.0))
    throw ValueError(label() + ": rate = " + std::to_string(options_.rate) + "; it must be in [0, 1).");
}

void Dropout::forward(const ForwardPass& pass) const {
  pass.backend.dropout(pass.training ? options_.rate : 0.0, pass.seed, pass.inputs[0], pass.output);
}

// What was dropped is drawn again from the seed: nothing needs to be kept.
void Dropout::backward(const BackwardPass& pass) const {
  if (pass.input_gradients[0])
    pass.backend.dropout(pass.training ? options_.rate : 0.0, pass.seed, pass.output_gradient,
                         pass.input_gradients[0]);
}

Config Dropout::config() const {
  Config config;
  config.set("rate", options_.rate);
  detail::put_input_shape(config, options_.input_shape);
  return config;
}

std::unique_ptr<Layer> Dropout::from_config(const Config& config) {
  return std::make_unique<Dropout>(
      DropoutOptions{.rate = config.number("rate"), .input_shape = detail::get_input_shape(config)});
}

}  // namespace neurona
