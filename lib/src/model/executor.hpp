// Runs a model forwards and backwards on batches of up to a given size. All its memory is one arena, planned and made at
// construction: passes allocate nothing.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "neurona/model.hpp"

namespace neurona {

class Executor {
 public:
  enum class Use { inference, training };
  struct Pass {
    bool training = false;
    bool logits = false;  ///< leave out the final softmax
  };

  /// The model must outlive it and keep its layers.
  Executor(Model& model, std::int64_t max_batch, Use use);

  /// Errors: ShapeError when samples of this shape do not fit the model.
  void check_samples(const Shape& sample) const;
  /// Chooses the batch size (1 to max_batch) and gives the place of its samples (n, ...).
  TensorView input(std::int64_t n);
  void forward(Pass pass);
  ConstTensorView output() const { return outputs_.back(); }
  ConstTensorView output_of(std::int64_t layer) const { return outputs_[static_cast<std::size_t>(layer)]; }
  /// Place for dLoss/dOutput, to be filled before `backward`.
  TensorView output_gradient() const;
  /// After a forward pass with the same `pass`: fills gradients(), overwriting output_gradient().
  void backward(Pass pass);

  /// The trainable parameters and, after backward, their gradients, in the same order.
  std::span<Parameter* const> trainable() const { return trainable_; }
  std::span<const TensorView> gradients() const { return gradients_; }
  std::int64_t max_batch() const { return max_batch_; }
  std::size_t arena_bytes() const { return arena_.size_bytes(); }

 private:
  struct NodePlan {
    std::vector<TensorView> parameter_gradients;  // no data for what is not trained
  };
  Model& model_;
  std::int64_t max_batch_;
  std::int64_t batch_ = 0;
  Tensor arena_;
  TensorView input_;
  std::vector<TensorView> outputs_;  // by layer, for the current batch size
  std::vector<NodePlan> nodes_;
  void* gradient_buffers_[2] = {nullptr, nullptr};  // dLoss/d(activation), in turn
  std::vector<Parameter*> trainable_;
  std::vector<TensorView> gradients_;
  std::size_t first_trained_ = 0;  // no gradient is wanted below this layer
};

}  // namespace neurona
