#include "backend/backend.hpp"
#include "layers/config_regularizer.hpp"
#include "layers/config_shape.hpp"
#include "layers/epilogue.hpp"
#include "neurona/error.hpp"
#include "neurona/layers.hpp"

namespace neurona {

namespace {

// A kernel larger than this is a mistake or an attack, not a network of this library.
constexpr std::int64_t kMaxUnits = std::int64_t{1} << 24;

enum ParameterIndex : std::size_t { kKernel, kBias };

}  // namespace

Dense::Dense(DenseOptions options) : options_(std::move(options)) {
  set_name(options_.name);
  if (options_.units < 1 || options_.units > kMaxUnits)
    throw ValueError(label() + ": units = " + std::to_string(options_.units) + "; it must be from 1 to " +
                     std::to_string(kMaxUnits) + ".");
  check_regularizer(options_.kernel_regularizer, label(), "kernel_regularizer");
}

Shape Dense::output_shape(std::span<const Shape> inputs) const {
  const Shape& in = inputs[0];
  std::string mend;
  if (in.rank() != 1)
    mend = "it takes one axis.\n  Add Flatten() before it.";
  else if (!parameters_.empty() && parameters_[kKernel].value.shape()[0] != in[0])
    mend = "its kernel " + parameters_[kKernel].value.shape().to_string() + " needs a last axis of " +
           std::to_string(parameters_[kKernel].value.shape()[0]) + ".\n  Build the layer on inputs of that size.";
  else if (in[0] < 1)
    mend = "it needs at least one value.";
  if (!mend.empty()) throw ShapeError(label() + " received samples of shape " + in.to_string() + "; " + mend);
  return {options_.units};
}

std::vector<ParameterSpec> Dense::parameter_specs(std::span<const Shape> inputs) const {
  const std::int64_t K = inputs[0][0], F = options_.units;
  std::vector<ParameterSpec> specs{{.name = "kernel",
                                    .shape = {K, F},
                                    .initializer = options_.kernel_initializer,
                                    .fan_in = K,
                                    .fan_out = F,
                                    .regularizer = options_.kernel_regularizer}};
  if (options_.use_bias) specs.push_back({.name = "bias", .shape = {F}});
  return specs;
}

std::int64_t Dense::tape_bytes(std::span<const Shape>, std::int64_t batch, DType dtype) const {
  return detail::epilogue_bytes(options_.activation, {options_.units}, batch, dtype);
}

void Dense::forward(const ForwardPass& pass) const {
  const ConstTensorView bias = options_.use_bias ? parameters_[kBias].value.view() : ConstTensorView();
  pass.backend.dense_forward(pass.inputs[0], parameters_[kKernel].value.view(), bias,
                             detail::fused_activation(options_.activation, pass), pass.output);
  detail::finish_activation(options_.activation, pass);
}

void Dense::backward(const BackwardPass& pass) const {
  const TensorView dz = pass.output_gradient;
  detail::undo_activation(options_.activation, pass);
  const TensorView dbias = options_.use_bias ? pass.parameter_gradients[kBias] : TensorView();
  if (pass.kernel_rate) {
    pass.backend.dense_backward_parameters(pass.inputs[0], dz, {}, dbias);
    return pass.backend.dense_backward_step(pass.inputs[0], dz, *pass.kernel_rate, pass.parameter_gradients[kKernel],
                                            pass.input_gradients[0]);
  }
  pass.backend.dense_backward_parameters(pass.inputs[0], dz, pass.parameter_gradients[kKernel], dbias);
  if (pass.input_gradients[0])
    pass.backend.dense_backward_input(dz, parameters_[kKernel].value.view(), pass.input_gradients[0]);
}

void Dense::explain_sum(Terms& terms, Element at) const {
  const std::int64_t K = terms.input_shape()[1], F = options_.units;
  for (std::int64_t k = 0; k < K; ++k)
    terms.add({terms.parameter(kKernel, k * F + at.index), terms.input({at.sample, k})});
  if (options_.use_bias) terms.add({terms.parameter(kBias, at.index)});
}

void Dense::explain_input_gradient(Terms& terms, Element at, std::size_t) const {
  const std::int64_t F = options_.units;
  for (std::int64_t f = 0; f < F; ++f)
    terms.add({terms.sum_gradient({at.sample, f}), terms.parameter(kKernel, at.index * F + f)});
}

void Dense::explain_parameter_gradient(Terms& terms, std::size_t parameter, std::int64_t index) const {
  const std::int64_t N = terms.output_shape()[0], F = options_.units;
  for (std::int64_t n = 0; n < N; ++n)
    if (parameter == kBias)
      terms.add({terms.sum_gradient({n, index})});
    else
      terms.add({terms.sum_gradient({n, index % F}), terms.input({n, index / F})});
}

std::int64_t Dense::multiply_adds(std::span<const Shape> inputs) const {
  return inputs[0].elements() * options_.units;
}

Config Dense::config() const {
  Config config;
  config.set("units", options_.units);
  config.set("activation", std::string(to_string(options_.activation)));
  config.set("kernel_initializer", std::string(to_string(options_.kernel_initializer)));
  config.set("use_bias", options_.use_bias);
  detail::put_regularizer(config, "kernel_regularizer", options_.kernel_regularizer);
  detail::put_input_shape(config, options_.input_shape);
  return config;
}

std::unique_ptr<Layer> Dense::from_config(const Config& config) {
  return std::make_unique<Dense>(
      DenseOptions{.units = config.integer("units"),
                   .activation = activation_from_string(config.text("activation")),
                   .kernel_initializer = initializer_from_string(config.text("kernel_initializer")),
                   .use_bias = config.boolean("use_bias"),
                   .kernel_regularizer = detail::get_regularizer(config, "kernel_regularizer"),
                   .input_shape = detail::get_input_shape(config)});
}

}  // namespace neurona
