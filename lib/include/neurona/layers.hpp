// The layers, with Keras' names and initial values.
#pragma once

#include "neurona/initializer.hpp"
#include "neurona/layer.hpp"

namespace neurona {

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
/// Errors: ValueError for units < 1 and for a negative factor of a regulariser; ShapeError for inputs not (N, K).
class Dense : public Layer {
 public:
  explicit Dense(DenseOptions options);
  static std::unique_ptr<Layer> from_config(const Config& config);
  std::string_view type() const override { return "Dense"; }
  Shape output_shape(std::span<const Shape> inputs) const override;
  void build(std::span<const Shape> inputs, DType dtype, Rng& rng) override;
  void forward(const ForwardPass& pass) const override;
  void backward(const BackwardPass& pass) const override;
  bool ends_in_softmax() const override { return options_.activation == Activation::softmax; }
  std::int64_t multiply_adds(std::span<const Shape> inputs) const override;
  Config config() const override;
  const Shape* input_shape() const override { return options_.input_shape.rank() > 0 ? &options_.input_shape : nullptr; }
  Activation activation() const { return options_.activation; }
  std::int64_t units() const { return options_.units; }

 private:
  DenseOptions options_;
};

}  // namespace neurona
