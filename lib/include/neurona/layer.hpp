// What a layer is. A layer holds its options and weights; what a pass needs beyond them (activations,
// gradients) belongs to the executor, so one layer may serve several passes and inference keeps nothing.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "neurona/activation.hpp"
#include "neurona/config.hpp"
#include "neurona/initializer.hpp"
#include "neurona/random.hpp"
#include "neurona/regularizer.hpp"
#include "neurona/tensor.hpp"
#include "neurona/terms.hpp"

namespace neurona {

class Backend;

/// A weight tensor of a layer.
struct Parameter {
  std::string name;  ///< "kernel", "bias" ...
  Tensor value;
  bool trainable = true;
  Regularizer regularizer = {};  ///< counts while it is trainable
};

/// A weight tensor that a layer asks for.
struct ParameterSpec {
  std::string name;
  Shape shape;
  Initializer initializer = Initializer::zeros;
  std::int64_t fan_in = 1, fan_out = 1;
  bool trainable = true;
  Regularizer regularizer = {};
};

/// What `Layer::forward` works on. Shapes have the batch first.
struct ForwardPass {
  Backend& backend;
  std::span<const ConstTensorView> inputs;
  TensorView output;
  /// What backward will need beyond inputs and output: tape_bytes() of them, aligned to 64. Empty where no backward pass follows.
  std::span<std::byte> tape = {};
  bool training = false;
  /// The loss wants what stands before the layer's final activation (see Layer::final_activation).
  bool logits = false;
  /// Of what is random in this pass; the backward pass has the same one.
  std::uint64_t seed = 0;
};

/// What `Layer::backward` works on. `output_gradient` is dLoss/dOutput and may be overwritten. Entries of
/// `input_gradients` without data are not wanted. All gradients are overwritten, never added to.
struct BackwardPass {
  Backend& backend;
  std::span<const ConstTensorView> inputs;
  ConstTensorView output;
  TensorView output_gradient;
  std::span<const TensorView> input_gradients;
  std::span<const TensorView> parameter_gradients;  ///< one for each of parameters(); without data: not wanted
  /// Where it is set (see Layer::can_move_kernel), parameter_gradients[0] is the kernel itself: kernel -= rate * its gradient.
  std::optional<double> kernel_rate = {};
  std::span<std::byte> tape = {};
  bool training = true;
  bool logits = false;
  std::uint64_t seed = 0;
};

/// Base of all layers. Shapes in `output_shape` and `build` are those of one sample (no batch axis).
class Layer {
 public:
  virtual ~Layer() = default;

  /// The class' Keras name: "Dense".
  virtual std::string_view type() const = 0;
  /// Errors: ShapeError that names the layer when it cannot take such inputs.
  virtual Shape output_shape(std::span<const Shape> inputs) const = 0;
  /// The weights for such inputs, in Keras' order. Errors: as output_shape.
  virtual std::vector<ParameterSpec> parameter_specs(std::span<const Shape> inputs) const;
  /// Makes and initializes the weights. Errors: as output_shape.
  void build(std::span<const Shape> inputs, DType dtype, Rng& rng);
  virtual void forward(const ForwardPass& pass) const = 0;
  virtual void backward(const BackwardPass& pass) const = 0;
  /// Follows a training pass: what the layer learns without a gradient (moving statistics) is updated from the tape.
  virtual void update_state(std::span<const std::byte> /*tape*/) {}
  /// Bytes that forward keeps for backward.
  virtual std::int64_t tape_bytes(std::span<const Shape> /*inputs*/, std::int64_t /*batch*/, DType) const { return 0; }
  /// The same elements under another shape: the executor then copies nothing and calls neither pass.
  virtual bool only_reshapes() const { return false; }
  /// Whether `backward` can take a step of plain SGD on the layer's first parameter in place of giving its gradient.
  virtual bool can_move_kernel() const { return false; }
  /// The last thing that the layer does, which `ForwardPass::logits` can leave out.
  virtual Activation final_activation() const { return Activation::linear; }
  /// Multiply-adds of one sample.
  virtual std::int64_t multiply_adds(std::span<const Shape>) const { return 0; }

  // Where a number of the layer comes from (explain.hpp): each function adds the terms of one number. A layer
  // that only reshapes needs none of them. Errors of those not overridden: ValueError that names the layer.
  /// The terms of z at `at`, z being what final_activation() is applied to.
  virtual void explain_sum(Terms& terms, Element at) const;
  /// The terms of dLoss/d(input `input`) at `at` that come through this layer: one for each z that the value
  /// goes into, dLoss/dz times what the value is multiplied by.
  virtual void explain_input_gradient(Terms& terms, Element at, std::size_t input) const;
  /// The terms of dLoss/d(parameter) at `index`, for parameters that training moves.
  virtual void explain_parameter_gradient(Terms& terms, std::size_t parameter, std::int64_t index) const;
  /// What the layer computes between input and output, where terms name it.
  virtual std::span<const InnerValue> inner_values() const { return {}; }
  /// The terms of inner value `inner` at `at`. Where there is one for each channel, at.index is the channel.
  virtual void explain_inner(Terms& terms, Element at, std::size_t inner) const;

  virtual Config config() const = 0;
  /// The shape of one sample given in the options (`input_shape`), empty when not given.
  virtual const Shape* input_shape() const { return nullptr; }

  std::span<Parameter> parameters() { return parameters_; }
  std::span<const Parameter> parameters() const { return parameters_; }
  std::int64_t count_params() const;
  /// Those that training moves: none of a frozen layer.
  std::int64_t count_trainable_params() const;

  /// Whether training moves its weights. A frozen BatchNormalization also uses its moving statistics while training.
  bool trainable() const { return trainable_; }
  void set_trainable(bool trainable) { trainable_ = trainable; }

  const std::string& name() const { return name_; }
  void set_name(std::string name) { name_ = std::move(name); }

 protected:
  /// "Dense 'hidden1'", for messages.
  std::string label() const;
  std::vector<Parameter> parameters_;

 private:
  std::string name_;
  bool trainable_ = true;
};

/// A layer by the name of its class. Errors: ValueError that lists the known names.
std::unique_ptr<Layer> make_layer(std::string_view type, const Config& config);
/// The names `make_layer` knows.
std::vector<std::string> layer_types();

}  // namespace neurona
