#include "backend/backend.hpp"
#include "layers/config_shape.hpp"
#include "neurona/error.hpp"
#include "neurona/layers.hpp"

namespace neurona {

namespace {

enum ParameterIndex : std::size_t { kGamma, kBeta, kMovingMean, kMovingVariance };

// The batch's statistics on the tape: mean (C), variance (C).
enum TapeIndex : std::int64_t { kMean, kVariance, kTapeRows };

TensorView tape_row(std::span<std::byte> tape, TapeIndex row, std::int64_t C, DType dtype) {
  return {tape.data() + static_cast<std::size_t>(row * C) * size_of(dtype), {C}, dtype};
}

template <class T>
void move_towards(TensorView moving, const T* batch, double momentum) {
  T* values = moving.as<T>();
  for (std::int64_t c = 0; c < moving.elements(); ++c)
    values[c] = static_cast<T>(momentum * static_cast<double>(values[c]) +
                               (1.0 - momentum) * static_cast<double>(batch[c]));
}

}  // namespace

BatchNormalization::BatchNormalization(BatchNormalizationOptions options) : options_(std::move(options)) {
  set_name(options_.name);
  if (!(options_.momentum >= 0.0 && options_.momentum <= 1.0))
    throw ValueError(label() + ": momentum = " + std::to_string(options_.momentum) +
                     "; it must be in [0, 1].");
  if (!(options_.epsilon > 0.0 && options_.epsilon < 1.0))
    throw ValueError(label() + ": epsilon = " + std::to_string(options_.epsilon) +
                     "; it must be above 0 and below 1.");
}

Shape BatchNormalization::output_shape(std::span<const Shape> inputs) const {
  const Shape& in = inputs[0];
  if (in.rank() < 1 || in.elements() < 1)
    throw ShapeError(label() + " received samples of shape " + in.to_string() +
                     "; it normalises over a last axis of at least 1.");
  if (!parameters_.empty() && parameters_[kGamma].value.elements() != in.back())
    throw ShapeError(label() + " received samples of shape " + in.to_string() +
                     "; its gamma needs a last axis of " +
                     std::to_string(parameters_[kGamma].value.elements()) + ".");
  return in;
}

std::vector<ParameterSpec> BatchNormalization::parameter_specs(std::span<const Shape> inputs) const {
  const Shape channels{inputs[0].back()};
  return {
      {.name = "gamma", .shape = channels, .initializer = Initializer::ones},
      {.name = "beta", .shape = channels},
      {.name = "moving_mean", .shape = channels, .trainable = false},
      {.name = "moving_variance", .shape = channels, .initializer = Initializer::ones, .trainable = false}};
}

std::int64_t BatchNormalization::tape_bytes(std::span<const Shape> inputs, std::int64_t, DType dtype) const {
  return kTapeRows * inputs[0].back() * static_cast<std::int64_t>(size_of(dtype));
}

void BatchNormalization::forward(const ForwardPass& pass) const {
  const std::int64_t C = pass.output.shape.back();
  const ConstTensorView gamma = parameters_[kGamma].value.view(), beta = parameters_[kBeta].value.view();
  if (!pass.training || !trainable())
    return pass.backend.batch_normalization(
        pass.inputs[0], gamma, beta, parameters_[kMovingMean].value.view(),
        parameters_[kMovingVariance].value.view(), options_.epsilon, pass.output);
  const TensorView mean = tape_row(pass.tape, kMean, C, pass.output.dtype),
                   variance = tape_row(pass.tape, kVariance, C, pass.output.dtype);
  pass.backend.batch_normalization_of_batch(pass.inputs[0], gamma, beta, options_.epsilon, mean, variance, pass.output);
}

void BatchNormalization::backward(const BackwardPass& pass) const {
  const std::int64_t C = pass.output.shape.back();
  const bool frozen = !trainable() || !pass.training;
  const ConstTensorView mean =
      frozen ? parameters_[kMovingMean].value.view() : tape_row(pass.tape, kMean, C, pass.output.dtype);
  const ConstTensorView variance = frozen ? parameters_[kMovingVariance].value.view()
                                          : tape_row(pass.tape, kVariance, C, pass.output.dtype);
  pass.backend.batch_normalization_backward(
      {.of_batch = !frozen, .epsilon = options_.epsilon}, pass.inputs[0], parameters_[kGamma].value.view(),
      mean, variance, pass.output_gradient, pass.input_gradients[0], pass.parameter_gradients[kGamma],
      pass.parameter_gradients[kBeta]);
}

void BatchNormalization::update_state(std::span<const std::byte> tape) {
  if (!trainable()) return;
  for (const auto& [row, parameter] :
       {std::pair{kMean, kMovingMean}, std::pair{kVariance, kMovingVariance}}) {
    const TensorView moving = parameters_[parameter].value.view();
    const std::byte* batch =
        tape.data() + static_cast<std::size_t>(row * moving.elements()) * size_of(moving.dtype);
    if (moving.dtype == DType::float64)
      move_towards(moving, reinterpret_cast<const double*>(batch), options_.momentum);
    else
      move_towards(moving, reinterpret_cast<const float*>(batch), options_.momentum);
  }
}

Config BatchNormalization::config() const {
  Config config;
  config.set("momentum", options_.momentum);
  config.set("epsilon", options_.epsilon);
  detail::put_input_shape(config, options_.input_shape);
  return config;
}

std::unique_ptr<Layer> BatchNormalization::from_config(const Config& config) {
  return std::make_unique<BatchNormalization>(
      BatchNormalizationOptions{.momentum = config.number("momentum"),
                                .epsilon = config.number("epsilon"),
                                .input_shape = detail::get_input_shape(config)});
}

}  // namespace neurona
