#include "layers/config_shape.hpp"
#include "neurona/error.hpp"
#include "neurona/layers.hpp"

namespace neurona {

Reshape::Reshape(ReshapeOptions options) : options_(std::move(options)) { set_name(options_.name); }

Shape Reshape::output_shape(std::span<const Shape> inputs) const {
  if (inputs[0].elements() != options_.target_shape.elements())
    throw ShapeError(label() + " received samples of shape " + inputs[0].to_string() + ", " +
                     std::to_string(inputs[0].elements()) + " values; its target_shape " +
                     options_.target_shape.to_string() + " has " +
                     std::to_string(options_.target_shape.elements()) + ".");
  return options_.target_shape;
}

Config Reshape::config() const {
  Config config;
  config.set("target_shape",
             std::vector<std::int64_t>(options_.target_shape.begin(), options_.target_shape.end()));
  detail::put_input_shape(config, options_.input_shape);
  return config;
}

std::unique_ptr<Layer> Reshape::from_config(const Config& config) {
  Shape target;
  for (const std::int64_t extent : config.integers("target_shape")) target = target.with_trailing(extent);
  return std::make_unique<Reshape>(
      ReshapeOptions{.target_shape = target, .input_shape = detail::get_input_shape(config)});
}

}  // namespace neurona
