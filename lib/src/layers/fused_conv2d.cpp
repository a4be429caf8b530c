#include "layers/fused_conv2d.hpp"

#include <cmath>

#include "backend/backend.hpp"
#include "layers/image_window.hpp"

namespace neurona::detail {

namespace {

enum ConvolutionParameter : std::size_t { kKernel, kBias };
enum NormalizationParameter : std::size_t { kGamma, kBeta, kMovingMean, kMovingVariance };

}  // namespace

bool FusedConvolution::take_normalization(const BatchNormalization& layer) {
  if (convolution_.options().activation != Activation::linear || normalization_ != nullptr || adds_ || relu_ || pooling_ != nullptr)
    return false;
  normalization_ = &layer;
  scale_.resize(static_cast<std::size_t>(convolution_.options().filters));
  bias_.resize(scale_.size());
  return true;
}

bool FusedConvolution::take_addition() {
  if (convolution_.options().activation != Activation::linear || relu_ || adds_ || pooling_ != nullptr) return false;
  return adds_ = true;
}

bool FusedConvolution::take_activation(const ActivationLayer& layer) {
  if (layer.options().activation != Activation::relu || convolution_.options().activation != Activation::linear || relu_ ||
      pooling_ != nullptr)
    return false;
  return relu_ = true;
}

bool FusedConvolution::take_pooling(const MaxPooling2D& layer, const Shape& image) {
  const Pooling2DOptions& o = layer.options();
  const Extent2D size = o.pool_size;
  if (adds_ || pooling_ != nullptr || !(size == o.strides) || size.height * size.width > FusedConv2D::kMostPoolTaps) return false;
  // Windows that reach over the edge are for the pooling alone.
  if (o.padding == Padding::same && (image[0] % size.height != 0 || image[1] % size.width != 0)) return false;
  const Activation activation = convolution_.options().activation;
  if (activation != Activation::linear && activation != Activation::relu) return false;
  pooling_ = &layer;
  return true;
}

Shape FusedConvolution::output_shape(std::span<const Shape> inputs) const {
  const Shape image = convolution_.output_shape(inputs.first(1));
  return pooling_ == nullptr ? image : pooling_->output_shape(std::span(&image, 1));
}

std::int64_t FusedConvolution::tape_bytes(std::span<const Shape> inputs, std::int64_t batch, DType) const {
  return pooling_ == nullptr ? 0 : output_shape(inputs).elements() * batch;  // the pixel that each value comes from
}

namespace {

FusedConv2D operation(const Conv2DOptions& o, const Shape& x, const Shape& image, const MaxPooling2D* pooling) {
  return {.window = window_over(x, o.kernel_size, o.strides, o.padding),
          .positions = {image[0], image[1]},
          .groups = o.groups,
          .pool = pooling != nullptr ? pooling->options().pool_size : Extent2D(1)};
}

}  // namespace

void FusedConvolution::prepare(Backend& backend, const Shape& image) {
  const ConstTensorView kernel = convolution_.parameters()[kKernel].value.view();
  const Shape x = image.with_leading(1);
  const FusedConv2D of =
      operation(convolution_.options(), x, convolution_.output_shape(std::span(&image, 1)), pooling_);
  prepared_.resize(static_cast<std::size_t>(backend.prepared_values(of, x, kernel.shape)));
  if (!prepared_.empty()) backend.prepare_conv2d(of, x, kernel, prepared_.data());
}

void FusedConvolution::forward(const ForwardPass& pass) const {
  const Conv2DOptions& o = convolution_.options();
  const std::span<const Parameter> weights = convolution_.parameters();
  const Shape sample = pass.inputs[0].shape.without_leading();
  FusedConv2D of = operation(o, pass.inputs[0].shape, convolution_.output_shape(std::span(&sample, 1)), pooling_);
  if (o.use_bias) of.bias = weights[kBias].value.view();
  of.relu = relu();
  if (adds_) of.addend = pass.inputs[1];
  if (!prepared_.empty()) of.prepared = prepared_.data();
  if (normalization_ != nullptr) {
    // gamma * (x + bias - mean) / sqrt(variance + epsilon) + beta = x * scale + (bias - mean) * scale + beta
    const std::span<const Parameter> n = normalization_->parameters();
    const auto value = [](const Parameter& parameter, std::size_t i) { return static_cast<double>(parameter.value.values()[i]); };
    for (std::size_t f = 0; f < scale_.size(); ++f) {
      const double scale = value(n[kGamma], f) / std::sqrt(value(n[kMovingVariance], f) + normalization_->options().epsilon);
      const double offset = (o.use_bias ? value(weights[kBias], f) : 0.0) - value(n[kMovingMean], f);
      scale_[f] = static_cast<float>(scale);
      bias_[f] = static_cast<float>(offset * scale + value(n[kBeta], f));
    }
    const Shape channels{o.filters};
    of.scale = {scale_.data(), channels, DType::float32};
    of.bias = {bias_.data(), channels, DType::float32};
  }
  pass.backend.fused_conv2d_forward(of, pass.inputs[0], weights[kKernel].value.view(), pass.output,
                                    reinterpret_cast<std::uint8_t*>(pass.tape.data()));
}

void FusedConvolution::backward(const BackwardPass& pass) const {
  const Conv2DOptions& o = convolution_.options();
  const Shape sample = pass.inputs[0].shape.without_leading();
  FusedConv2D of = operation(o, pass.inputs[0].shape, convolution_.output_shape(std::span(&sample, 1)), pooling_);
  of.relu = relu();
  pass.backend.fused_conv2d_backward_parameters(of, pass.inputs[0], pass.output,
                                                reinterpret_cast<const std::uint8_t*>(pass.tape.data()), pass.output_gradient,
                                                pass.parameter_gradients[kKernel],
                                                o.use_bias ? pass.parameter_gradients[kBias] : TensorView());
}

}  // namespace neurona::detail
