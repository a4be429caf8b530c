// A grouped convolution with one group a channel: (KH, KW, C, M) and (KH, KW, 1, C * M) are the same elements
// in the same order.
#include "backend/backend.hpp"
#include "layers/config_regularizer.hpp"
#include "layers/config_shape.hpp"
#include "layers/convolution_terms.hpp"
#include "layers/epilogue.hpp"
#include "layers/image_window.hpp"
#include "neurona/error.hpp"
#include "neurona/layers.hpp"

namespace neurona {

namespace {

enum ParameterIndex : std::size_t { kKernel, kBias };

Window2D window_of(const Shape& batch, const DepthwiseConv2DOptions& o) {
  return detail::window_over(batch, o.kernel_size, o.strides, o.padding);
}

// (KH, KW, C, M) -> (KH, KW, 1, C * M)
Shape grouped(const Shape& kernel) { return {kernel[0], kernel[1], 1, kernel[2] * kernel[3]}; }

TensorView grouped(TensorView kernel) {
  if (kernel) kernel.shape = grouped(kernel.shape);
  return kernel;
}

ConstTensorView grouped(ConstTensorView kernel) { return {kernel.data, grouped(kernel.shape), kernel.dtype}; }

detail::ConvolutionTerms convolution(Terms& terms, const DepthwiseConv2DOptions& options) {
  return {terms, window_of(terms.input_shape(), options), terms.input_shape().back()};
}

}  // namespace

DepthwiseConv2D::DepthwiseConv2D(DepthwiseConv2DOptions options) : options_(std::move(options)) {
  set_name(options_.name);
  detail::check_extent(label(), "kernel_size", options_.kernel_size);
  detail::check_extent(label(), "strides", options_.strides);
  if (options_.depth_multiplier < 1 || options_.depth_multiplier > detail::kMaxExtent)
    throw ValueError(label() + ": depth_multiplier = " + std::to_string(options_.depth_multiplier) +
                     "; it must be from 1 to " + std::to_string(detail::kMaxExtent) + ".");
  check_regularizer(options_.depthwise_regularizer, label(), "depthwise_regularizer");
}

Shape DepthwiseConv2D::output_shape(std::span<const Shape> inputs) const {
  const Extent2D out =
      detail::window_positions(label(), inputs[0], options_.kernel_size, options_.strides, options_.padding);
  if (!parameters_.empty() && parameters_[kKernel].value.shape()[2] != inputs[0][2])
    throw ShapeError(label() + " received images of shape " + inputs[0].to_string() + "; its kernel " +
                     parameters_[kKernel].value.shape().to_string() + " needs " +
                     std::to_string(parameters_[kKernel].value.shape()[2]) + " channels.");
  return {out.height, out.width, inputs[0][2] * options_.depth_multiplier};
}

std::vector<ParameterSpec> DepthwiseConv2D::parameter_specs(std::span<const Shape> inputs) const {
  const DepthwiseConv2DOptions& o = options_;
  const std::int64_t area = o.kernel_size.height * o.kernel_size.width, C = inputs[0][2];
  // Keras computes the fans from the kernel's shape as if it were a plain convolution's.
  std::vector<ParameterSpec> specs{
      {.name = "depthwise_kernel",
       .shape = {o.kernel_size.height, o.kernel_size.width, C, o.depth_multiplier},
       .initializer = o.depthwise_initializer,
       .fan_in = area * C,
       .fan_out = area * o.depth_multiplier,
       .regularizer = o.depthwise_regularizer}};
  if (o.use_bias) specs.push_back({.name = "bias", .shape = {C * o.depth_multiplier}});
  return specs;
}

std::int64_t DepthwiseConv2D::tape_bytes(std::span<const Shape> inputs, std::int64_t batch,
                                         DType dtype) const {
  return detail::epilogue_bytes(options_.activation, output_shape(inputs), batch, dtype);
}

void DepthwiseConv2D::forward(const ForwardPass& pass) const {
  const ConstTensorView bias = options_.use_bias ? parameters_[kBias].value.view() : ConstTensorView();
  pass.backend.conv2d_forward(window_of(pass.inputs[0].shape, options_), pass.inputs[0].shape.back(),
                              pass.inputs[0], grouped(parameters_[kKernel].value.view()), bias,
                              detail::fused_activation(options_.activation, pass), pass.output);
  detail::finish_activation(options_.activation, pass);
}

void DepthwiseConv2D::backward(const BackwardPass& pass) const {
  const TensorView dz = pass.output_gradient;
  detail::undo_activation(options_.activation, pass);
  const Window2D window = window_of(pass.inputs[0].shape, options_);
  const std::int64_t C = pass.inputs[0].shape.back();
  const TensorView dbias = options_.use_bias ? pass.parameter_gradients[kBias] : TensorView();
  pass.backend.conv2d_backward_parameters(window, C, pass.inputs[0], dz,
                                          grouped(pass.parameter_gradients[kKernel]), dbias);
  if (pass.input_gradients[0])
    pass.backend.conv2d_backward_input(window, C, dz, grouped(parameters_[kKernel].value.view()),
                                       pass.input_gradients[0]);
}

void DepthwiseConv2D::explain_sum(Terms& terms, Element at) const {
  convolution(terms, options_).sum(at, options_.use_bias);
}

void DepthwiseConv2D::explain_input_gradient(Terms& terms, Element at, std::size_t) const {
  convolution(terms, options_).input_gradient(at);
}

void DepthwiseConv2D::explain_parameter_gradient(Terms& terms, std::size_t parameter,
                                                 std::int64_t index) const {
  if (parameter == kBias) return convolution(terms, options_).bias_gradient(index);
  convolution(terms, options_).kernel_gradient(index);
}

std::int64_t DepthwiseConv2D::multiply_adds(std::span<const Shape> inputs) const {
  return output_shape(inputs).elements() * options_.kernel_size.height * options_.kernel_size.width;
}

Config DepthwiseConv2D::config() const {
  Config config;
  detail::put_extent(config, "kernel_size", options_.kernel_size);
  detail::put_extent(config, "strides", options_.strides);
  config.set("padding", std::string(to_string(options_.padding)));
  config.set("depth_multiplier", options_.depth_multiplier);
  config.set("activation", std::string(to_string(options_.activation)));
  config.set("use_bias", options_.use_bias);
  config.set("depthwise_initializer", to_string(options_.depthwise_initializer));
  detail::put_regularizer(config, "depthwise_regularizer", options_.depthwise_regularizer);
  detail::put_input_shape(config, options_.input_shape);
  return config;
}

std::unique_ptr<Layer> DepthwiseConv2D::from_config(const Config& config) {
  return std::make_unique<DepthwiseConv2D>(DepthwiseConv2DOptions{
      .kernel_size = detail::get_extent(config, "kernel_size"),
      .strides = detail::get_extent(config, "strides"),
      .padding = padding_from_string(config.text("padding")),
      .depth_multiplier = config.integer("depth_multiplier"),
      .activation = activation_from_string(config.text("activation")),
      .use_bias = config.boolean("use_bias"),
      .depthwise_initializer = initializer_from_string(config.text("depthwise_initializer")),
      .depthwise_regularizer = detail::get_regularizer(config, "depthwise_regularizer"),
      .input_shape = detail::get_input_shape(config)});
}

}  // namespace neurona
