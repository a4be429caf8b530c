// How far a prediction is from its target.
#pragma once

#include <memory>
#include <string_view>
#include <vector>
#include <string>

#include "neurona/dataset.hpp"
#include "neurona/handle.hpp"
#include "neurona/tensor.hpp"

namespace neurona {

class Backend;

/// Base of the losses. A loss is the mean over the samples of a batch.
class Loss {
 public:
  virtual ~Loss() = default;
  virtual std::string_view name() const = 0;
  /// Wants logits where the network ends in a softmax.
  virtual bool takes_logits() const { return false; }
  /// Errors: ShapeError or ValueError that says what targets the loss needs for predictions of this sample shape.
  virtual void check(const Shape& prediction, const Dataset& data) const = 0;
  /// Sum of the samples' losses. Where `gradient` has data it receives d(mean loss)/d(prediction).
  virtual double evaluate(Backend& backend, ConstTensorView prediction, bool is_logits, const Targets& targets,
                          TensorView gradient) const = 0;
};

/// -log p[label], from logits by log-sum-exp and unclipped: a loss of 516 is reachable. On predictions that
/// are probabilities already (no softmax layer at the end) log(max(p, 1e-7)) is taken, as Keras does.
class SparseCategoricalCrossentropy : public Loss {
 public:
  std::string_view name() const override { return "sparse_categorical_crossentropy"; }
  bool takes_logits() const override { return true; }
  void check(const Shape& prediction, const Dataset& data) const override;
  double evaluate(Backend& backend, ConstTensorView prediction, bool is_logits, const Targets& targets,
                  TensorView gradient) const override;
};

/// mean over a sample's elements of (prediction - target)^2. With class labels the target is their one-hot vector.
class MeanSquaredError : public Loss {
 public:
  std::string_view name() const override { return "mean_squared_error"; }
  void check(const Shape& prediction, const Dataset& data) const override;
  double evaluate(Backend& backend, ConstTensorView prediction, bool is_logits, const Targets& targets,
                  TensorView gradient) const override;
};

/// By Keras name. Errors: ValueError that lists the known names.
Handle<Loss> make_loss(std::string_view name);
std::vector<std::string> loss_names();

}  // namespace neurona
