#include "layers/config_shape.hpp"
#include "neurona/layers.hpp"

namespace neurona {

Flatten::Flatten(FlattenOptions options) : options_(std::move(options)) { set_name(options_.name); }

Shape Flatten::output_shape(std::span<const Shape> inputs) const { return {inputs[0].elements()}; }

Config Flatten::config() const {
  Config config;
  detail::put_input_shape(config, options_.input_shape);
  return config;
}

std::unique_ptr<Layer> Flatten::from_config(const Config& config) {
  return std::make_unique<Flatten>(FlattenOptions{.input_shape = detail::get_input_shape(config)});
}

}  // namespace neurona
