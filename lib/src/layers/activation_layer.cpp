#include "backend/backend.hpp"
#include "layers/config_shape.hpp"
#include "neurona/layers.hpp"

namespace neurona {

ActivationLayer::ActivationLayer(ActivationLayerOptions options) : options_(std::move(options)) {
  set_name(options_.name);
}

void ActivationLayer::forward(const ForwardPass& pass) const {
  pass.backend.activation_forward(pass.logits ? Activation::linear : options_.activation, pass.inputs[0],
                                  pass.output);
}

// The input is there: nothing needs to be kept for activations that differentiate by it.
void ActivationLayer::backward(const BackwardPass& pass) const {
  if (!pass.input_gradients[0]) return;
  const Activation activation = pass.logits ? Activation::linear : options_.activation;
  pass.backend.activation_backward(activation,
                                   differentiates_by_input(activation) ? pass.inputs[0] : pass.output,
                                   pass.output_gradient, pass.input_gradients[0]);
}

void ActivationLayer::explain_sum(Terms& terms, Element at) const { terms.add({terms.input(at)}); }

void ActivationLayer::explain_input_gradient(Terms& terms, Element at, std::size_t) const {
  terms.add({terms.sum_gradient(at)});
}

Config ActivationLayer::config() const {
  Config config;
  config.set("activation", std::string(to_string(options_.activation)));
  detail::put_input_shape(config, options_.input_shape);
  return config;
}

std::unique_ptr<Layer> ActivationLayer::from_config(const Config& config) {
  return std::make_unique<ActivationLayer>(
      ActivationLayerOptions{.activation = activation_from_string(config.text("activation")),
                             .input_shape = detail::get_input_shape(config)});
}

}  // namespace neurona
