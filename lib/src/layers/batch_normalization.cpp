#include <cmath>

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

namespace {

enum InnerIndex : std::size_t { kMeanUsed, kVarianceUsed, kInverseDeviation, kCentered, kNormalized };

constexpr InnerValue kInnerValues[] = {{.name = "mean"},
                                       {.name = "variance"},
                                       {.name = "1/deviation"},
                                       {.name = "centered", .of_sample = true},
                                       {.name = "normalized", .of_sample = true}};

// The numbers of one channel, each with its place.
class ChannelTerms {
 public:
  ChannelTerms(Terms& terms, bool of_batch, double epsilon, std::int64_t channel)
      : terms_(terms), of_batch_(of_batch), epsilon_(epsilon), channel_(channel) {}

  Factor mean() const { return statistic(kMeanUsed, kMean, kMovingMean); }
  Factor variance() const { return statistic(kVarianceUsed, kVariance, kMovingVariance); }
  Factor inverse_deviation() const {
    return terms_.inner(kInverseDeviation, {0, channel_}, 1.0 / std::sqrt(variance().value + epsilon_));
  }
  Factor centered(Element at) const {
    return terms_.inner(kCentered, at, terms_.input(at).value - mean().value);
  }
  Factor normalized(Element at) const {
    return terms_.inner(kNormalized, at, centered(at).value * inverse_deviation().value);
  }

 private:
  Factor statistic(InnerIndex inner, TapeIndex row, ParameterIndex moving) const {
    if (!of_batch_) return terms_.parameter(moving, channel_);
    return terms_.inner(inner, {0, channel_}, terms_.on_tape(row * terms_.input_shape().back() + channel_));
  }

  Terms& terms_;
  bool of_batch_;
  double epsilon_;
  std::int64_t channel_;
};

// Calls visit(at) for all values of a channel.
template <class Visit>
void for_channel(const Shape& batch, std::int64_t channel, Visit visit) {
  const std::int64_t each = batch.without_leading().elements(), C = batch.back();
  for (std::int64_t n = 0; n < batch[0]; ++n)
    for (std::int64_t i = channel; i < each; i += C) visit(Element{n, i});
}

double values_of_channel(const Shape& batch) { return static_cast<double>(batch.elements() / batch.back()); }

}  // namespace

std::span<const InnerValue> BatchNormalization::inner_values() const { return kInnerValues; }

void BatchNormalization::explain_sum(Terms& terms, Element at) const {
  const std::int64_t c = at.index % terms.input_shape().back();
  const ChannelTerms channel(terms, terms.training() && trainable(), options_.epsilon, c);
  terms.add({terms.parameter(kGamma, c), channel.normalized(at)});
  terms.add({terms.parameter(kBeta, c)});
}

// gamma / deviation * (dy - dbeta / M - normalized * dgamma / M): with statistics of the batch each of its M
// values moves them. With moving ones only the first part is there.
void BatchNormalization::explain_input_gradient(Terms& terms, Element at, std::size_t) const {
  const Shape& x = terms.input_shape();
  const std::int64_t c = at.index % x.back();
  const bool of_batch = terms.training() && trainable();
  const ChannelTerms channel(terms, of_batch, options_.epsilon, c);
  const Factor gamma = terms.parameter(kGamma, c), inverse = channel.inverse_deviation();
  terms.add({terms.sum_gradient(at), gamma, inverse});
  if (!of_batch) return;
  const Factor share = Terms::constant(-1.0 / values_of_channel(x), "-1 / values of the channel");
  terms.add({share, terms.parameter_gradient(kBeta, c), gamma, inverse});
  terms.add({share, channel.normalized(at), terms.parameter_gradient(kGamma, c), gamma, inverse});
}

void BatchNormalization::explain_parameter_gradient(Terms& terms, std::size_t parameter,
                                                    std::int64_t index) const {
  const ChannelTerms channel(terms, terms.training() && trainable(), options_.epsilon, index);
  for_channel(terms.input_shape(), index, [&](Element at) {
    if (parameter == kBeta)
      terms.add({terms.sum_gradient(at)});
    else
      terms.add({terms.sum_gradient(at), channel.normalized(at)});
  });
}

void BatchNormalization::explain_inner(Terms& terms, Element at, std::size_t inner) const {
  const Shape& x = terms.input_shape();
  const std::int64_t c = at.index % x.back();
  const bool of_batch = terms.training() && trainable();
  const ChannelTerms channel(terms, of_batch, options_.epsilon, c);
  const Factor share = Terms::constant(1.0 / values_of_channel(x), "1 / values of the channel");
  if (inner <= kVarianceUsed && !of_batch)
    return terms.add({inner == kMeanUsed ? channel.mean() : channel.variance()});
  switch (static_cast<InnerIndex>(inner)) {
    case kMeanUsed:
      terms.combine(Combine::mean);
      return for_channel(x, c, [&](Element of) { terms.add({share, terms.input(of)}); });
    case kVarianceUsed:
      terms.combine(Combine::mean);
      return for_channel(x, c, [&](Element of) {
        terms.add({share, channel.centered(of), channel.centered(of)});
      });
    case kInverseDeviation:
      terms.combine(Combine::inverse_root);
      terms.add({channel.variance()});
      return terms.add({Terms::constant(options_.epsilon, "epsilon")});
    case kCentered:
      terms.add({terms.input(at)});
      return terms.add({Terms::constant(-1.0, "-1"), channel.mean()});
    case kNormalized:
      return terms.add({channel.centered(at), channel.inverse_deviation()});
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
