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
  /// inference: a layer's output lives until the last layer that takes it. inspection: all outputs stay. training: outputs stay
  /// for the backward pass.
  enum class Use { inference, inspection, training };
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
  /// A training pass also moves the layers' moving statistics.
  void forward(Pass pass);
  ConstTensorView output(std::size_t i = 0) const { return steps_[outputs_[i]].output; }
  /// What layer `layer` gave. For Use::inspection: otherwise layers may share memory, or be run as one.
  ConstTensorView output_of(std::int64_t layer) const { return steps_[static_cast<std::size_t>(layer)].output; }
  /// Place for dLoss/dOutput, to be filled before `backward`, for each output.
  TensorView output_gradient(std::size_t i = 0) const;
  /// After a forward pass with the same `pass`: fills gradients(), overwriting output_gradient().
  void backward(Pass pass);

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

  void plan(Use use, bool moves_kernels);
  void choose_batch(std::int64_t n);
  void backward(StepPlan& step, Pass pass);
  Model& model_;
  std::int64_t max_batch_;
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
