#include "layers/config_shape.hpp"
#include "neurona/layers.hpp"

namespace neurona {

InputLayer::InputLayer(InputLayerOptions options) : options_(std::move(options)) { set_name(options_.name); }

Shape InputLayer::output_shape(std::span<const Shape>) const { return options_.shape; }

Config InputLayer::config() const {
  Config config;
  detail::put_input_shape(config, options_.shape);
  return config;
}

std::unique_ptr<Layer> InputLayer::from_config(const Config& config) {
  return std::make_unique<InputLayer>(InputLayerOptions{.shape = detail::get_input_shape(config)});
}

}  // namespace neurona
