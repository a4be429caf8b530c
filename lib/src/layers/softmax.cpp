#include "layers/config_shape.hpp"
#include "neurona/layers.hpp"

namespace neurona {

Softmax::Softmax(SoftmaxOptions options)
    : ActivationLayer({.activation = Activation::softmax, .input_shape = options.input_shape, .name = options.name}) {}

Config Softmax::config() const {
  Config config;
  if (input_shape() != nullptr) detail::put_input_shape(config, *input_shape());
  return config;
}

std::unique_ptr<Layer> Softmax::from_config(const Config& config) {
  return std::make_unique<Softmax>(SoftmaxOptions{.input_shape = detail::get_input_shape(config)});
}

}  // namespace neurona
