// A Conv2D and the layers behind it, run as one operation of the backend. The executor makes it; it owns no weights.
#pragma once

#include <vector>

#include "neurona/layers.hpp"

namespace neurona::detail {

class FusedConvolution final : public Layer {
 public:
  explicit FusedConvolution(const Conv2D& convolution) : convolution_(convolution) {}

  /// Each takes the layer behind and says whether it could. In inference alone: normalisation and addition.
  bool take_normalization(const BatchNormalization& layer);
  /// The second input of the fused layer is what is added.
  bool take_addition();
  bool take_activation(const ActivationLayer& layer);
  /// `image`: the shape that is pooled.
  bool take_pooling(const MaxPooling2D& layer, const Shape& image);

  /// Gives the kernel the form that is best for many images of this shape (H,W,C), until it is called again. Passes then no longer
  /// see how the kernel changes.
  void prepare(Backend& backend, const Shape& image);
  std::size_t prepared_bytes() const { return prepared_.size() * sizeof(float); }

  std::string_view type() const override { return "FusedConvolution"; }
  Shape output_shape(std::span<const Shape> inputs) const override;
  void forward(const ForwardPass& pass) const override;
  void backward(const BackwardPass& pass) const override;
  std::int64_t tape_bytes(std::span<const Shape> inputs, std::int64_t batch, DType dtype) const override;
  Config config() const override { return convolution_.config(); }

 private:
  bool relu() const { return relu_ || convolution_.options().activation == Activation::relu; }
  const Conv2D& convolution_;
  const BatchNormalization* normalization_ = nullptr;
  const MaxPooling2D* pooling_ = nullptr;
  bool adds_ = false;
  bool relu_ = false;
  std::vector<float> prepared_;
  mutable std::vector<float> scale_, bias_;  // of the normalisation, computed in each pass: the weights may have changed
};

}  // namespace neurona::detail
