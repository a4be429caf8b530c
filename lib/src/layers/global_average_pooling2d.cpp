#include "backend/backend.hpp"
#include "layers/config_shape.hpp"
#include "layers/image_window.hpp"
#include "neurona/layers.hpp"

namespace neurona {

namespace {

// One window over the whole image (N, H, W, C).
Window2D whole(const Shape& x) {
  return {.size = {x[1], x[2]}, .strides = {x[1], x[2]}, .top = 0, .left = 0};
}

// (N, C) as (N, 1, 1, C)
Shape as_image(const Shape& y) { return {y[0], 1, 1, y[1]}; }

}  // namespace

GlobalAveragePooling2D::GlobalAveragePooling2D(GlobalAveragePooling2DOptions options)
    : options_(std::move(options)) {
  set_name(options_.name);
}

Shape GlobalAveragePooling2D::output_shape(std::span<const Shape> inputs) const {
  detail::check_image(label(), inputs[0]);
  return {inputs[0][2]};
}

void GlobalAveragePooling2D::forward(const ForwardPass& pass) const {
  const ConstTensorView x = pass.inputs[0];
  pass.backend.pool2d_forward(Pooling::average, whole(x.shape), x,
                              {pass.output.data, as_image(pass.output.shape), pass.output.dtype});
}

void GlobalAveragePooling2D::backward(const BackwardPass& pass) const {
  if (!pass.input_gradients[0]) return;
  const ConstTensorView x = pass.inputs[0];
  const Shape image = as_image(pass.output.shape);
  pass.backend.pool2d_backward(
      Pooling::average, whole(x.shape), x, {pass.output.data, image, pass.output.dtype},
      {pass.output_gradient.data, image, pass.output_gradient.dtype}, pass.input_gradients[0]);
}

namespace {

Factor share(const Shape& x) {
  return Terms::constant(1.0 / static_cast<double>(x[1] * x[2]), "1 / pixels of the image");
}

}  // namespace

void GlobalAveragePooling2D::explain_sum(Terms& terms, Element at) const {
  const Shape x = terms.input_shape();
  terms.combine(Combine::mean);
  for (std::int64_t pixel = 0; pixel < x[1] * x[2]; ++pixel)
    terms.add({share(x), terms.input({at.sample, pixel * x[3] + at.index})});
}

void GlobalAveragePooling2D::explain_input_gradient(Terms& terms, Element at, std::size_t) const {
  const Shape x = terms.input_shape();
  terms.add({terms.sum_gradient({at.sample, at.index % x[3]}), share(x)});
}

Config GlobalAveragePooling2D::config() const {
  Config config;
  detail::put_input_shape(config, options_.input_shape);
  return config;
}

std::unique_ptr<Layer> GlobalAveragePooling2D::from_config(const Config& config) {
  return std::make_unique<GlobalAveragePooling2D>(
      GlobalAveragePooling2DOptions{.input_shape = detail::get_input_shape(config)});
}

}  // namespace neurona
