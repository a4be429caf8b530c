// The layers, with Keras' names and initial values. Images are (N, H, W, C).
#pragma once

#include <vector>

#include "neurona/initializer.hpp"
#include "neurona/layer.hpp"
#include "neurona/window.hpp"

namespace neurona {

struct InputLayerOptions {
  Shape shape;  ///< of one sample
  std::string name = {};
};

/// Where samples enter a Functional model, which makes it itself.
class InputLayer : public Layer {
 public:
  explicit InputLayer(InputLayerOptions options);
  static std::unique_ptr<Layer> from_config(const Config& config);
  std::string_view type() const override { return "InputLayer"; }
  Shape output_shape(std::span<const Shape> inputs) const override;
  void forward(const ForwardPass&) const override {}
  void backward(const BackwardPass&) const override {}
  bool only_reshapes() const override { return true; }
  Config config() const override;
  const Shape* input_shape() const override { return &options_.shape; }

 private:
  InputLayerOptions options_;
};

struct FlattenOptions {
  Shape input_shape = {};  ///< shape of one sample, when this is the first layer
  std::string name = {};
};

/// (N, a, b, ...) -> (N, a*b*...), elements in row-major order (y, x, channel). Copies nothing.
class Flatten : public Layer {
 public:
  explicit Flatten(FlattenOptions options = {});
  static std::unique_ptr<Layer> from_config(const Config& config);
  std::string_view type() const override { return "Flatten"; }
  Shape output_shape(std::span<const Shape> inputs) const override;
  void forward(const ForwardPass&) const override {}
  void backward(const BackwardPass&) const override {}
  bool only_reshapes() const override { return true; }
  Config config() const override;
  const Shape* input_shape() const override { return options_.input_shape.rank() > 0 ? &options_.input_shape : nullptr; }

 private:
  FlattenOptions options_;
};

struct ReshapeOptions {
  Shape target_shape;      ///< of one sample
  Shape input_shape = {};  ///< shape of one sample, when this is the first layer
  std::string name = {};
};

/// (N, ...) -> (N, target_shape), the same elements in row-major order. Copies nothing.
/// Errors: ShapeError when the numbers of elements differ. Departs from Keras: no extent of -1.
class Reshape : public Layer {
 public:
  explicit Reshape(ReshapeOptions options);
  static std::unique_ptr<Layer> from_config(const Config& config);
  std::string_view type() const override { return "Reshape"; }
  Shape output_shape(std::span<const Shape> inputs) const override;
  void forward(const ForwardPass&) const override {}
  void backward(const BackwardPass&) const override {}
  bool only_reshapes() const override { return true; }
  Config config() const override;
  const Shape* input_shape() const override { return options_.input_shape.rank() > 0 ? &options_.input_shape : nullptr; }

 private:
  ReshapeOptions options_;
};

struct DenseOptions {
  std::int64_t units = 0;  ///< length of the output, at least 1
  Activation activation = Activation::linear;
  Initializer kernel_initializer = Initializer::glorot_uniform;
  bool use_bias = true;
  Regularizer kernel_regularizer = {};
  Shape input_shape = {};  ///< shape of one sample, when this is the first layer
  std::string name = {};
};

/// activation(x . kernel + bias): (N, K) -> (N, units); kernel (K, units), bias (units), bias zero at first.
/// Errors: ValueError for units < 1 and for a negative factor of a regularizer; ShapeError for inputs not (N, K).
class Dense : public Layer {
 public:
  explicit Dense(DenseOptions options);
  static std::unique_ptr<Layer> from_config(const Config& config);
  std::string_view type() const override { return "Dense"; }
  Shape output_shape(std::span<const Shape> inputs) const override;
  std::vector<ParameterSpec> parameter_specs(std::span<const Shape> inputs) const override;
  void forward(const ForwardPass& pass) const override;
  void backward(const BackwardPass& pass) const override;
  void explain_sum(Terms& terms, Element at) const override;
  void explain_input_gradient(Terms& terms, Element at, std::size_t input) const override;
  void explain_parameter_gradient(Terms& terms, std::size_t parameter, std::int64_t index) const override;
  std::int64_t tape_bytes(std::span<const Shape> inputs, std::int64_t batch, DType dtype) const override;
  Activation final_activation() const override { return options_.activation; }
  std::int64_t multiply_adds(std::span<const Shape> inputs) const override;
  bool can_move_kernel() const override { return true; }
  Config config() const override;
  const Shape* input_shape() const override { return options_.input_shape.rank() > 0 ? &options_.input_shape : nullptr; }
  Activation activation() const { return options_.activation; }
  std::int64_t units() const { return options_.units; }

 private:
  DenseOptions options_;
};

struct Conv2DOptions {
  std::int64_t filters = 0;  ///< F, at least 1
  Extent2D kernel_size = 1;
  Extent2D strides = 1;
  Padding padding = Padding::valid;
  std::int64_t groups = 1;  ///< divides C and F; each group of filters sees its own C / groups channels
  Activation activation = Activation::linear;
  bool use_bias = true;
  Initializer kernel_initializer = Initializer::glorot_uniform;
  Regularizer kernel_regularizer = {};
  Shape input_shape = {};  ///< (H, W, C), when this is the first layer
  std::string name = {};
};

/// Cross-correlation, as all frameworks call convolution: (N, H, W, C) -> (N, OH, OW, F); kernel (KH, KW, C / groups, F), bias (F),
/// zero at first. valid: OH = (H - KH) / stride + 1; same: OH = ceil(H / stride).
/// Errors: ValueError for options out of range; ShapeError for inputs that are not (H, W, C), or smaller than the kernel.
class Conv2D : public Layer {
 public:
  explicit Conv2D(Conv2DOptions options);
  static std::unique_ptr<Layer> from_config(const Config& config);
  std::string_view type() const override { return "Conv2D"; }
  Shape output_shape(std::span<const Shape> inputs) const override;
  std::vector<ParameterSpec> parameter_specs(std::span<const Shape> inputs) const override;
  void forward(const ForwardPass& pass) const override;
  void backward(const BackwardPass& pass) const override;
  void explain_sum(Terms& terms, Element at) const override;
  void explain_input_gradient(Terms& terms, Element at, std::size_t input) const override;
  void explain_parameter_gradient(Terms& terms, std::size_t parameter, std::int64_t index) const override;
  std::int64_t tape_bytes(std::span<const Shape> inputs, std::int64_t batch, DType dtype) const override;
  Activation final_activation() const override { return options_.activation; }
  std::int64_t multiply_adds(std::span<const Shape> inputs) const override;
  Config config() const override;
  const Shape* input_shape() const override { return options_.input_shape.rank() > 0 ? &options_.input_shape : nullptr; }
  const Conv2DOptions& options() const { return options_; }

 private:
  Conv2DOptions options_;
};

struct DepthwiseConv2DOptions {
  Extent2D kernel_size = 1;
  Extent2D strides = 1;
  Padding padding = Padding::valid;
  std::int64_t depth_multiplier = 1;  ///< M, filters for each channel
  Activation activation = Activation::linear;
  bool use_bias = true;
  Initializer depthwise_initializer = Initializer::glorot_uniform;
  Regularizer depthwise_regularizer = {};
  Shape input_shape = {};  ///< (H, W, C), when this is the first layer
  std::string name = {};
};

/// Each channel with filters of its own: (N, H, W, C) -> (N, OH, OW, C * M), output channel c * M + m; depthwise_kernel
/// (KH, KW, C, M), bias (C * M), zero at first. Errors: as Conv2D. Departs from Keras: the two strides may differ.
class DepthwiseConv2D : public Layer {
 public:
  explicit DepthwiseConv2D(DepthwiseConv2DOptions options);
  static std::unique_ptr<Layer> from_config(const Config& config);
  std::string_view type() const override { return "DepthwiseConv2D"; }
  Shape output_shape(std::span<const Shape> inputs) const override;
  std::vector<ParameterSpec> parameter_specs(std::span<const Shape> inputs) const override;
  void forward(const ForwardPass& pass) const override;
  void backward(const BackwardPass& pass) const override;
  void explain_sum(Terms& terms, Element at) const override;
  void explain_input_gradient(Terms& terms, Element at, std::size_t input) const override;
  void explain_parameter_gradient(Terms& terms, std::size_t parameter, std::int64_t index) const override;
  std::int64_t tape_bytes(std::span<const Shape> inputs, std::int64_t batch, DType dtype) const override;
  Activation final_activation() const override { return options_.activation; }
  std::int64_t multiply_adds(std::span<const Shape> inputs) const override;
  Config config() const override;
  const Shape* input_shape() const override { return options_.input_shape.rank() > 0 ? &options_.input_shape : nullptr; }

 private:
  DepthwiseConv2DOptions options_;
};

struct Pooling2DOptions {
  Extent2D pool_size = 2;
  Extent2D strides = {0, 0};  ///< 0: as pool_size
  Padding padding = Padding::valid;
  Shape input_shape = {};  ///< (H, W, C), when this is the first layer
  std::string name = {};
};

/// What the two poolings share: (N, H, W, C) -> (N, OH, OW, C), each channel by itself.
/// Errors: ValueError for options out of range; ShapeError for inputs that are not (H, W, C), or smaller than the window.
class Pooling2D : public Layer {
 public:
  Shape output_shape(std::span<const Shape> inputs) const override;
  Config config() const override;
  const Shape* input_shape() const override { return options_.input_shape.rank() > 0 ? &options_.input_shape : nullptr; }
  const Pooling2DOptions& options() const { return options_; }

 protected:
  Pooling2D(Pooling2DOptions options, std::string_view type);
  static Pooling2DOptions options_from(const Config& config);
  Pooling2DOptions options_;
};

/// The largest value of each window; of equal ones the first gets the gradient.
class MaxPooling2D : public Pooling2D {
 public:
  explicit MaxPooling2D(Pooling2DOptions options = {}) : Pooling2D(std::move(options), "MaxPooling2D") {}
  static std::unique_ptr<Layer> from_config(const Config& config);
  std::string_view type() const override { return "MaxPooling2D"; }
  void forward(const ForwardPass& pass) const override;
  void backward(const BackwardPass& pass) const override;
  void explain_sum(Terms& terms, Element at) const override;
  void explain_input_gradient(Terms& terms, Element at, std::size_t input) const override;
};

/// The mean of each window; of what padding adds nothing counts.
class AveragePooling2D : public Pooling2D {
 public:
  explicit AveragePooling2D(Pooling2DOptions options = {}) : Pooling2D(std::move(options), "AveragePooling2D") {}
  static std::unique_ptr<Layer> from_config(const Config& config);
  std::string_view type() const override { return "AveragePooling2D"; }
  void forward(const ForwardPass& pass) const override;
  void backward(const BackwardPass& pass) const override;
  void explain_sum(Terms& terms, Element at) const override;
  void explain_input_gradient(Terms& terms, Element at, std::size_t input) const override;
};

struct GlobalAveragePooling2DOptions {
  Shape input_shape = {};  ///< (H, W, C), when this is the first layer
  std::string name = {};
};

/// (N, H, W, C) -> (N, C), the mean of each channel. Errors: ShapeError.
class GlobalAveragePooling2D : public Layer {
 public:
  explicit GlobalAveragePooling2D(GlobalAveragePooling2DOptions options = {});
  static std::unique_ptr<Layer> from_config(const Config& config);
  std::string_view type() const override { return "GlobalAveragePooling2D"; }
  Shape output_shape(std::span<const Shape> inputs) const override;
  void forward(const ForwardPass& pass) const override;
  void backward(const BackwardPass& pass) const override;
  void explain_sum(Terms& terms, Element at) const override;
  void explain_input_gradient(Terms& terms, Element at, std::size_t input) const override;
  Config config() const override;
  const Shape* input_shape() const override { return options_.input_shape.rank() > 0 ? &options_.input_shape : nullptr; }

 private:
  GlobalAveragePooling2DOptions options_;
};

struct ZeroPadding2DOptions {
  std::int64_t top = 1, bottom = 1, left = 1, right = 1;  ///< rows and columns of zeros
  Shape input_shape = {};                                 ///< (H, W, C), when this is the first layer
  std::string name = {};
};

/// (N, H, W, C) -> (N, top + H + bottom, left + W + right, C). Errors: ValueError for a negative number; ShapeError.
class ZeroPadding2D : public Layer {
 public:
  explicit ZeroPadding2D(ZeroPadding2DOptions options = {});
  static std::unique_ptr<Layer> from_config(const Config& config);
  std::string_view type() const override { return "ZeroPadding2D"; }
  Shape output_shape(std::span<const Shape> inputs) const override;
  void forward(const ForwardPass& pass) const override;
  void backward(const BackwardPass& pass) const override;
  void explain_sum(Terms& terms, Element at) const override;
  void explain_input_gradient(Terms& terms, Element at, std::size_t input) const override;
  Config config() const override;
  const Shape* input_shape() const override { return options_.input_shape.rank() > 0 ? &options_.input_shape : nullptr; }

 private:
  ZeroPadding2DOptions options_;
};

struct BatchNormalizationOptions {
  double momentum = 0.99;  ///< share of the OLD value in the moving statistics; in [0, 1]
  double epsilon = 1e-3;   ///< added to the variance; above 0
  Shape input_shape = {};  ///< shape of one sample, when this is the first layer
  std::string name = {};
};

/// Over the last axis: gamma * (x - mean) / sqrt(variance + epsilon) + beta (Ioffe and Szegedy 2015). Training uses the batch's mean
/// and biased variance and moves moving_mean and moving_variance toward them; otherwise, and when frozen, those two are used.
/// gamma and moving_variance are 1 at first, beta and moving_mean 0; the moving ones count as not trainable.
/// Departs from Keras: the moving variance is the biased one for images too. Errors: ValueError, ShapeError.
class BatchNormalization : public Layer {
 public:
  explicit BatchNormalization(BatchNormalizationOptions options = {});
  static std::unique_ptr<Layer> from_config(const Config& config);
  std::string_view type() const override { return "BatchNormalization"; }
  Shape output_shape(std::span<const Shape> inputs) const override;
  std::vector<ParameterSpec> parameter_specs(std::span<const Shape> inputs) const override;
  void forward(const ForwardPass& pass) const override;
  void backward(const BackwardPass& pass) const override;
  void explain_sum(Terms& terms, Element at) const override;
  void explain_input_gradient(Terms& terms, Element at, std::size_t input) const override;
  void explain_parameter_gradient(Terms& terms, std::size_t parameter, std::int64_t index) const override;
  std::span<const InnerValue> inner_values() const override;
  void explain_inner(Terms& terms, Element at, std::size_t inner) const override;
  void update_state(std::span<const std::byte> tape) override;
  std::int64_t tape_bytes(std::span<const Shape> inputs, std::int64_t batch, DType dtype) const override;
  Config config() const override;
  const Shape* input_shape() const override { return options_.input_shape.rank() > 0 ? &options_.input_shape : nullptr; }
  const BatchNormalizationOptions& options() const { return options_; }

 private:
  BatchNormalizationOptions options_;
};

struct DropoutOptions {
  double rate = 0.5;       ///< share of the values that training drops; in [0, 1)
  Shape input_shape = {};  ///< shape of one sample, when this is the first layer
  std::string name = {};
};

/// While training each value becomes 0 with probability `rate`, else x / (1 - rate) (Srivastava et al. 2014); otherwise x.
/// Errors: ValueError.
class Dropout : public Layer {
 public:
  explicit Dropout(DropoutOptions options = {});
  static std::unique_ptr<Layer> from_config(const Config& config);
  std::string_view type() const override { return "Dropout"; }
  Shape output_shape(std::span<const Shape> inputs) const override { return inputs[0]; }
  void forward(const ForwardPass& pass) const override;
  void backward(const BackwardPass& pass) const override;
  void explain_sum(Terms& terms, Element at) const override;
  void explain_input_gradient(Terms& terms, Element at, std::size_t input) const override;
  Config config() const override;
  const Shape* input_shape() const override { return options_.input_shape.rank() > 0 ? &options_.input_shape : nullptr; }

 private:
  DropoutOptions options_;
};

struct AddOptions {
  std::string name = {};
};

/// The sum of two or more inputs of one shape. Errors: ShapeError.
class Add : public Layer {
 public:
  explicit Add(AddOptions options = {});
  static std::unique_ptr<Layer> from_config(const Config& config);
  std::string_view type() const override { return "Add"; }
  Shape output_shape(std::span<const Shape> inputs) const override;
  void forward(const ForwardPass& pass) const override;
  void backward(const BackwardPass& pass) const override;
  void explain_sum(Terms& terms, Element at) const override;
  void explain_input_gradient(Terms& terms, Element at, std::size_t input) const override;
  Config config() const override { return {}; }
};

struct ConcatenateOptions {
  int axis = -1;  ///< counts the batch, as in Keras: 1 is a sample's first axis, -1 the last one
  std::string name = {};
};

/// Joins two or more inputs along an axis; their other extents agree. Errors: ValueError for axis 0; ShapeError.
class Concatenate : public Layer {
 public:
  explicit Concatenate(ConcatenateOptions options = {});
  static std::unique_ptr<Layer> from_config(const Config& config);
  std::string_view type() const override { return "Concatenate"; }
  Shape output_shape(std::span<const Shape> inputs) const override;
  void forward(const ForwardPass& pass) const override;
  void backward(const BackwardPass& pass) const override;
  void explain_sum(Terms& terms, Element at) const override;
  void explain_input_gradient(Terms& terms, Element at, std::size_t input) const override;
  Config config() const override;

 private:
  ConcatenateOptions options_;
};

struct ActivationLayerOptions {
  Activation activation = Activation::linear;
  Shape input_shape = {};  ///< shape of one sample, when this is the first layer
  std::string name = {};
};

/// Keras' layer "Activation": applies the function to each value (softmax: over the last axis).
class ActivationLayer : public Layer {
 public:
  explicit ActivationLayer(ActivationLayerOptions options);
  static std::unique_ptr<Layer> from_config(const Config& config);
  std::string_view type() const override { return "Activation"; }
  Shape output_shape(std::span<const Shape> inputs) const override { return inputs[0]; }
  void forward(const ForwardPass& pass) const override;
  void backward(const BackwardPass& pass) const override;
  void explain_sum(Terms& terms, Element at) const override;
  void explain_input_gradient(Terms& terms, Element at, std::size_t input) const override;
  Activation final_activation() const override { return options_.activation; }
  Config config() const override;
  const Shape* input_shape() const override { return options_.input_shape.rank() > 0 ? &options_.input_shape : nullptr; }
  const ActivationLayerOptions& options() const { return options_; }

 private:
  ActivationLayerOptions options_;
};

struct SoftmaxOptions {
  Shape input_shape = {};  ///< shape of one sample, when this is the first layer
  std::string name = {};
};

/// Softmax over the last axis.
class Softmax : public ActivationLayer {
 public:
  explicit Softmax(SoftmaxOptions options = {});
  static std::unique_ptr<Layer> from_config(const Config& config);
  std::string_view type() const override { return "Softmax"; }
  Config config() const override;
};

}  // namespace neurona
