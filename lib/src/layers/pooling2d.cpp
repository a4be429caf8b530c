#include "layers/config_shape.hpp"
#include "layers/image_window.hpp"
#include "neurona/layers.hpp"

namespace neurona {

Pooling2D::Pooling2D(Pooling2DOptions options, std::string_view type) : options_(std::move(options)) {
  set_name(options_.name);
  const std::string label = std::string(type) + (options_.name.empty() ? "" : " '" + options_.name + "'");
  if (options_.strides.height == 0) options_.strides.height = options_.pool_size.height;
  if (options_.strides.width == 0) options_.strides.width = options_.pool_size.width;
  detail::check_extent(label, "pool_size", options_.pool_size);
  detail::check_extent(label, "strides", options_.strides);
}

Shape Pooling2D::output_shape(std::span<const Shape> inputs) const {
  const Extent2D out =
      detail::window_positions(label(), inputs[0], options_.pool_size, options_.strides, options_.padding);
  return {out.height, out.width, inputs[0][2]};
}

Config Pooling2D::config() const {
  Config config;
  detail::put_extent(config, "pool_size", options_.pool_size);
  detail::put_extent(config, "strides", options_.strides);
  config.set("padding", std::string(to_string(options_.padding)));
  detail::put_input_shape(config, options_.input_shape);
  return config;
}

Pooling2DOptions Pooling2D::options_from(const Config& config) {
  return {.pool_size = detail::get_extent(config, "pool_size"),
          .strides = detail::get_extent(config, "strides"),
          .padding = padding_from_string(config.text("padding")),
          .input_shape = detail::get_input_shape(config)};
}

}  // namespace neurona
