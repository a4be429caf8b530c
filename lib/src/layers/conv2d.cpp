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

constexpr std::int64_t kMaxFilters = detail::kMaxExtent;

enum ParameterIndex : std::size_t { kKernel, kBias };

Window2D window_of(const Shape& batch, const Conv2DOptions& o) {
  return detail::window_over(batch, o.kernel_size, o.strides, o.padding);
}

detail::ConvolutionTerms convolution(Terms& terms, const Conv2DOptions& options) {
  return {terms, window_of(terms.input_shape(), options), options.groups};
}

}  // namespace

Conv2D::Conv2D(Conv2DOptions options) : options_(std::move(options)) {
  set_name(options_.name);
  const Conv2DOptions& o = options_;
  if (o.filters < 1 || o.filters > kMaxFilters)
    throw ValueError(label() + ": filters = " + std::to_string(o.filters) + "; it must be from 1 to " +
                     std::to_string(kMaxFilters) + ".");
  detail::check_extent(label(), "kernel_size", o.kernel_size);
  detail::check_extent(label(), "strides", o.strides);
  if (o.groups < 1 || o.filters % o.groups != 0)
    throw ValueError(label() + ": groups = " + std::to_string(o.groups) +
                     "; it must be at least 1 and divide filters = " + std::to_string(o.filters) + ".");
  check_regularizer(o.kernel_regularizer, label(), "kernel_regularizer");
}

Shape Conv2D::output_shape(std::span<const Shape> inputs) const {
  const Conv2DOptions& o = options_;
  const Extent2D out = detail::window_positions(label(), inputs[0], o.kernel_size, o.strides, o.padding);
  const std::int64_t C = inputs[0][2];
  if (C % o.groups != 0)
    throw ShapeError(label() + " received images of shape " + inputs[0].to_string() + "; its groups = " +
                     std::to_string(o.groups) + " must divide the " + std::to_string(C) + " channels.");
  if (!parameters_.empty() && parameters_[kKernel].value.shape()[2] != C / o.groups)
    throw ShapeError(label() + " received images of shape " + inputs[0].to_string() + "; its kernel " +
                     parameters_[kKernel].value.shape().to_string() + " needs " +
                     std::to_string(parameters_[kKernel].value.shape()[2] * o.groups) + " channels.");
  return {out.height, out.width, o.filters};
}

std::vector<ParameterSpec> Conv2D::parameter_specs(std::span<const Shape> inputs) const {
  const Conv2DOptions& o = options_;
  const std::int64_t area = o.kernel_size.height * o.kernel_size.width, channels = inputs[0][2] / o.groups;
  std::vector<ParameterSpec> specs{{.name = "kernel",
                                    .shape = {o.kernel_size.height, o.kernel_size.width, channels, o.filters},
                                    .initializer = o.kernel_initializer,
                                    .fan_in = area * channels,
                                    .fan_out = area * o.filters,
                                    .regularizer = o.kernel_regularizer}};
  if (o.use_bias) specs.push_back({.name = "bias", .shape = {o.filters}});
  return specs;
}

std::int64_t Conv2D::tape_bytes(std::span<const Shape> inputs, std::int64_t batch, DType dtype) const {
  return detail::epilogue_bytes(options_.activation, output_shape(inputs), batch, dtype);
}

void Conv2D::forward(const ForwardPass& pass) const {
  const ConstTensorView bias = options_.use_bias ? parameters_[kBias].value.view() : ConstTensorView();
  pass.backend.conv2d_forward(window_of(pass.inputs[0].shape, options_), options_.groups, pass.inputs[0],
                              parameters_[kKernel].value.view(), bias,
                              detail::fused_activation(options_.activation, pass), pass.output);
  detail::finish_activation(options_.activation, pass);
}

void Conv2D::backward(const BackwardPass& pass) const {
  const TensorView dz = pass.output_gradient;
  detail::undo_activation(options_.activation, pass);
  const Window2D window = window_of(pass.inputs[0].shape, options_);
  const TensorView dbias = options_.use_bias ? pass.parameter_gradients[kBias] : TensorView();
  pass.backend.conv2d_backward_parameters(window, options_.groups, pass.inputs[0], dz,
                                          pass.parameter_gradients[kKernel], dbias);
  if (pass.input_gradients[0])
    pass.backend.conv2d_backward_input(window, options_.groups, dz, parameters_[kKernel].value.view(),
                                       pass.input_gradients[0]);
}

void Conv2D::explain_sum(Terms& terms, Element at) const {
  convolution(terms, options_).sum(at, options_.use_bias);
}

void Conv2D::explain_input_gradient(Terms& terms, Element at, std::size_t) const {
  convolution(terms, options_).input_gradient(at);
}

void Conv2D::explain_parameter_gradient(Terms& terms, std::size_t parameter, std::int64_t index) const {
  if (parameter == kBias) return convolution(terms, options_).bias_gradient(index);
  convolution(terms, options_).kernel_gradient(index);
}

std::int64_t Conv2D::multiply_adds(std::span<const Shape> inputs) const {
  return output_shape(inputs).elements() * options_.kernel_size.height * options_.kernel_size.width *
         (inputs[0][2] / options_.groups);
}

Config Conv2D::config() const {
  Config config;
  config.set("filters", options_.filters);
  detail::put_extent(config, "kernel_size", options_.kernel_size);
  detail::put_extent(config, "strides", options_.strides);
  config.set("padding", std::string(to_string(options_.padding)));
  config.set("groups", options_.groups);
  config.set("activation", std::string(to_string(options_.activation)));
  config.set("use_bias", options_.use_bias);
  config.set("kernel_initializer", to_string(options_.kernel_initializer));
  detail::put_regularizer(config, "kernel_regularizer", options_.kernel_regularizer);
  detail::put_input_shape(config, options_.input_shape);
  return config;
}

std::unique_ptr<Layer> Conv2D::from_config(const Config& config) {
  return std::make_unique<Conv2D>(
      Conv2DOptions{.filters = config.integer("filters"),
                    .kernel_size = detail::get_extent(config, "kernel_size"),
                    .strides = detail::get_extent(config, "strides"),
                    .padding = padding_from_string(config.text("padding")),
                    .groups = config.has("groups") ? config.integer("groups") : 1,
                    .activation = activation_from_string(config.text("activation")),
                    .use_bias = config.boolean("use_bias"),
                    .kernel_initializer = initializer_from_string(config.text("kernel_initializer")),
                    .kernel_regularizer = detail::get_regularizer(config, "kernel_regularizer"),
                    .input_shape = detail::get_input_shape(config)});
}

}  // namespace neurona
