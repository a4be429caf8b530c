#include "backend/backend.hpp"
#include "layers/config_shape.hpp"
#include "layers/image_window.hpp"
#include "layers/window_terms.hpp"
#include "neurona/error.hpp"
#include "neurona/layers.hpp"

namespace neurona {

ZeroPadding2D::ZeroPadding2D(ZeroPadding2DOptions options) : options_(std::move(options)) {
  set_name(options_.name);
  for (const std::int64_t zeros : {options_.top, options_.bottom, options_.left, options_.right})
    if (zeros < 0 || zeros > detail::kMaxExtent)
      throw ValueError(label() + ": " + std::to_string(zeros) + " rows or columns of zeros; from 0 to " +
                       std::to_string(detail::kMaxExtent) + ".");
}

Shape ZeroPadding2D::output_shape(std::span<const Shape> inputs) const {
  detail::check_image(label(), inputs[0]);
  return {inputs[0][0] + options_.top + options_.bottom, inputs[0][1] + options_.left + options_.right,
          inputs[0][2]};
}

void ZeroPadding2D::forward(const ForwardPass& pass) const {
  pass.backend.pad2d(pass.inputs[0], options_.top, options_.left, pass.output);
}

void ZeroPadding2D::backward(const BackwardPass& pass) const {
  if (pass.input_gradients[0])
    pass.backend.crop2d(pass.output_gradient, options_.top, options_.left, pass.input_gradients[0]);
}

void ZeroPadding2D::explain_sum(Terms& terms, Element at) const {
  const Shape x = terms.input_shape();
  const detail::ImageIndex to(terms.output_shape(), at.index);
  const std::int64_t row = to.y - options_.top, column = to.x - options_.left;
  if (row < 0 || row >= x[1] || column < 0 || column >= x[2])
    return terms.add({Terms::constant(0.0, "padding")});
  terms.add({terms.input({at.sample, (row * x[2] + column) * x[3] + to.c})});
}

void ZeroPadding2D::explain_input_gradient(Terms& terms, Element at, std::size_t) const {
  const Shape y = terms.output_shape();
  const detail::ImageIndex from(terms.input_shape(), at.index);
  terms.add({terms.sum_gradient(
      {at.sample, ((from.y + options_.top) * y[2] + from.x + options_.left) * y[3] + from.c})});
}

Config ZeroPadding2D::config() const {
  Config config;
  config.set("padding",
             std::vector<std::int64_t>{options_.top, options_.bottom, options_.left, options_.right});
  detail::put_input_shape(config, options_.input_shape);
  return config;
}

std::unique_ptr<Layer> ZeroPadding2D::from_config(const Config& config) {
  const std::vector<std::int64_t> padding = config.integers("padding");
  if (padding.size() != 4)
    throw FormatError("Config: 'padding' has " + std::to_string(padding.size()) +
                      " numbers; it takes top, bottom, left and right.");
  return std::make_unique<ZeroPadding2D>(
      ZeroPadding2DOptions{.top = padding[0],
                           .bottom = padding[1],
                           .left = padding[2],
                           .right = padding[3],
                           .input_shape = detail::get_input_shape(config)});
}

}  // namespace neurona
