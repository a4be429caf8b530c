// What a layer is. A layer holds its options and weights; what a pass needs beyond them (activations,
// gradients) belongs to the executor, so one layer may serve several passes and inference keeps nothing.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "neurona/activation.hpp"
#include "neurona/config.hpp"
#include "neurona/random.hpp"
#include "neurona/regularizer.hpp"
#include "neurona/tensor.hpp"

namespace neurona {

class Backend;

/// A weight tensor of a layer.
struct Parameter {
  std::string name;  ///< "kernel", "bias" ...
  Tensor value;
  bool trainable = true;
  Regularizer regularizer = {};  ///< counts while it is trainable
};

/// What `Layer::forward` works on. Shapes have the batch first.
struct ForwardPass {
  Backend& backend;
  std::span<const ConstTensorView> inputs;
  TensorView output;
  bool training = false;
  /// The loss wants what stands before the layer's final softmax (see Layer::ends_in_softmax).
  bool logits = false;
};

/// What `Layer::backward` works on. `output_gradient` is dLoss/dOutput and may be overwritten. Entries of
/// `input_gradients` without data are not wanted. All gradients are overwritten, never added to.
struct BackwardPass {
  Backend& backend;
  std::span<const ConstTensorView> inputs;
  ConstTensorView output;
  TensorView output_gradient;
  std::span<const TensorView> input_gradients;
  std::span<const TensorView> parameter_gradients;  ///< one for each of parameters()
  bool logits = false;
};

/// Base of all layers. Shapes in `output_shape` and `build` are those of one sample (no batch axis).
class Layer {
 public:
  virtual ~Layer() = default;

  /// The class' Keras name: "Dense".
  virtual std::string_view type() const = 0;
  /// Errors: ShapeError that names the layer when it cannot take such inputs.
  virtual Shape output_shape(std::span<const Shape> inputs) const = 0;
  /// Makes and initialises the weights.
  virtual void build(std::span<const Shape> inputs, DType dtype, Rng& rng);
  virtual void forward(const ForwardPass& pass) const = 0;
  virtual void backward(const BackwardPass& pass) const = 0;
  /// The same elements under another shape: the executor then copies nothing and calls neither pass.
  virtual bool only_reshapes() const { return false; }
  /// Whether the last thing that the layer does is a softmax, which `ForwardPass::logits` can leave out.
  virtual bool ends_in_softmax() const { return false; }
  /// Multiply-adds of one sample.
  virtual std::int64_t multiply_adds(std::span<const Shape>) const { return 0; }
  virtual Config config() const = 0;
  /// The shape of one sample given in the options (`input_shape`), empty when not given.
  virtual const Shape* input_shape() const { return nullptr; }

  std::span<Parameter> parameters() { return parameters_; }
  std::span<const Parameter> parameters() const { return parameters_; }
  std::int64_t count_params() const;

  const std::string& name() const { return name_; }
  void set_name(std::string name) { name_ = std::move(name); }

 protected:
  /// "Dense 'hidden1'", for messages.
  std::string label() const;
  std::vector<Parameter> parameters_;

 private:
  std::string name_;
};

/// A layer by the name of its class. Errors: ValueError that lists the known names.
std::unique_ptr<Layer> make_layer(std::string_view type, const Config& config);
/// The names `make_layer` knows.
std::vector<std::string> layer_types();

}  // namespace neurona
