// Runs a model forwards and backwards on batches of up to a given size. All its memory is one arena, planned and made at
// construction: passes allocate nothing.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "model/steps.hpp"
#include "neurona/model.hpp"

namespace neurona {

class Executor {
 public:
  /// inference: a layer's output lives until the last layer that takes it. inspection: all outputs stay.
  /// training: outputs stay for the backward pass. explanation: as training, but all outputs, tapes and
  /// gradients stay, also the gradients of the samples and of frozen layers' parameters; nothing is fused,
  /// and no moving statistics change.
  enum class Use { inference, inspection, training, explanation };
  struct Pass {
    bool training = false;
    bool logits = false;     ///< leave out the final activation
    std::uint64_t seed = 0;  ///< of what is random in the pass
    double learning_rate = 0.0;  ///< backwards, of the kernels that are moved at once
  };

  /// The model must outlive it and keep its layers, its backend, and which of them are trainable. `moves_kernels`: backward
  /// takes a step of plain SGD on the kernels of layers that can, for which it then gives no gradients.
  Executor(Model& model, std::int64_t max_batch, Use use, bool moves_kernels = false);

  /// Grey images may come as (H, W) or (H, W, 1), whichever the model takes.
  /// Errors: ShapeError when samples of this shape do not fit the model's (first) input.
  void check_samples(const Shape& sample) const;
  /// Chooses the batch size (1 to max_batch) and gives the place of its samples (n, ...).
  TensorView input(std::int64_t n, std::size_t i = 0);
  /// A training pass also moves the layers' moving statistics, except for Use::explanation.
  void forward(Pass pass);
  ConstTensorView output(std::size_t i = 0) const { return steps_[outputs_[i]].output; }
  /// What layer `layer` gave. For Use::inspection and Use::explanation: otherwise layers may share memory, or
  /// be run as one.
  ConstTensorView output_of(std::int64_t layer) const { return step_at(layer).output; }
  /// The same of what a layer took, of model input `i`, and of what the layer's forward pass kept for its
  /// backward pass.
  std::span<const ConstTensorView> inputs_of(std::int64_t layer) const { return step_at(layer).input_views; }
  ConstTensorView input_view(std::size_t i) const { return inputs_[i]; }
  std::span<const std::byte> tape_of(std::int64_t layer) const { return step_at(layer).tape; }
  /// The seed that a layer is given in a pass.
  static std::uint64_t seed_of(const Pass& pass, std::size_t layer);
  /// Place for dLoss/dOutput, to be filled before `backward`, for each output.
  TensorView output_gradient(std::size_t i = 0) const;
  /// After a forward pass with the same `pass`: fills gradients(), overwriting output_gradient().
  void backward(Pass pass);

  /// After backward, for Use::explanation: dLoss/d(output of a layer), dLoss/d(model input `i`), and the
  /// gradients of a layer's parameters, without data for those that no gradient moves. (gradients() has the
  /// same ones.)
  ConstTensorView gradient_of(std::int64_t layer) const;
  ConstTensorView gradient_of_input(std::size_t i) const;
  std::span<const TensorView> parameter_gradients_of(std::int64_t layer) const {
    return step_at(layer).parameter_gradients;
  }

  /// The trainable parameters, without kernels that are moved at once, and, after backward, their gradients, in the same order.
  std::span<Parameter* const> trainable() const { return trainable_; }
  std::span<const TensorView> gradients() const { return gradients_; }
  /// Called behind the forward or backward pass of each layer, or of those that are run as one: for whoever measures.
  using Observer = std::function<void(std::span<const std::size_t> layers, bool backward)>;
  void set_observer(Observer observer) { observer_ = std::move(observer); }
  std::int64_t max_batch() const { return max_batch_; }
  std::size_t arena_bytes() const { return arena_.size_bytes(); }
  /// For Use::inference: gives kernels the form that is best for many passes. Changes of them are seen after the next call only.
  void prepare_kernels();
  std::size_t prepared_bytes() const;

 private:
  // A tensor that flows between layers. Layers that only reshape share that of their input.
  struct Value {
    void* data = nullptr;
    void* gradient = nullptr;  // none where no gradient is wanted
    void* kept = nullptr;  // for Use::explanation: a copy of the gradient, which the layer's backward pass
                           // may overwrite
    bool wants_gradient = false;
    bool written = false;  // while going backwards: the gradient holds a term already
  };
  struct StepPlan : Step {
    explicit StepPlan(Step step) : Step(std::move(step)) {}
    std::size_t value = 0;
    TensorView output;
    std::vector<std::size_t> input_values;
    std::vector<ConstTensorView> input_views;
    std::vector<TensorView> input_gradients;
    std::vector<void*> scratch;  // for the terms of a gradient behind the first
    std::vector<TensorView> parameter_gradients;  // no data for what is not trained
    std::span<std::byte> tape;
    bool goes_backward = false;
    bool is_output = false;
    bool moves_kernel = false;
    Shape output_shape;  // of one sample
  };
  class Planner;

  const StepPlan& step_at(std::int64_t layer) const { return steps_[static_cast<std::size_t>(layer)]; }
  // Whether the step has passes of its own. Explained, a layer that only reshapes copies: its gradient is not
  // that of its input, which other layers may take too.
  bool runs(const StepPlan& step) const {
    return !step.inputs.empty() && (explains_ || !step.layer->only_reshapes());
  }
  bool trains(const StepPlan& step, std::size_t parameter) const;
  void plan(Use use, bool moves_kernels);
  void choose_batch(std::int64_t n);
  void backward(StepPlan& step, Pass pass);
  void run_backward(const StepPlan& step, TensorView output_gradient, Pass pass);
  Model& model_;
  std::int64_t max_batch_;
  bool explains_;
  std::int64_t batch_ = 0;
  Tensor arena_;
  std::vector<Value> values_;
  std::vector<StepPlan> steps_;
  std::vector<std::size_t> input_values_, outputs_;
  std::vector<Shape> samples_;  // of the inputs
  std::vector<TensorView> inputs_;
  std::vector<Parameter*> trainable_;
  std::vector<TensorView> gradients_;
  Observer observer_;
};

}  // namespace neurona
