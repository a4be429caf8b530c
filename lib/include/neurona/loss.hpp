// How far a prediction is from its target.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "neurona/activation.hpp"
#include "neurona/dataset.hpp"
#include "neurona/handle.hpp"
#include "neurona/tensor.hpp"
#include "neurona/terms.hpp"

namespace neurona {

class Backend;

/// Base of the losses. A loss is the mean over the samples of a batch.
class Loss {
 public:
  virtual ~Loss() = default;
  virtual std::string_view name() const = 0;
  /// The activation that this loss would rather have left out at the end of a network: it works on what stands before,
  /// its logits, which loses no digits. `linear`: none.
  virtual Activation logits_of() const { return Activation::linear; }
  /// Errors: ShapeError or ValueError that says what targets the loss needs for predictions of this sample shape.
  virtual void check(const Shape& prediction, const Dataset& data) const = 0;
  /// Sum of the samples' losses. `is_logits`: the activation logits_of() was left out of the prediction. Where
  /// `gradient` has data it receives d(mean loss)/d(prediction).
  virtual double evaluate(Backend& backend, ConstTensorView prediction, bool is_logits, const Targets& targets,
                          TensorView gradient) const = 0;
  /// Where the gradient comes from (explain.hpp): adds the terms of d(mean loss)/d(prediction) at `at`.
  /// `terms` has the numbers of the last layer; its output is the one behind the activation, also with
  /// `is_logits`. Not overridden, the gradient is told without terms.
  virtual void explain_gradient(Terms& terms, Element at, bool is_logits, const Targets& targets) const;
};

/// -log p[label], from logits by log-sum-exp and unclipped: a loss of 516 is reachable. On predictions that
/// are probabilities already (no softmax layer at the end) log(max(p, 1e-7)) is taken, as Keras does.
class SparseCategoricalCrossentropy : public Loss {
 public:
  std::string_view name() const override { return "sparse_categorical_crossentropy"; }
  Activation logits_of() const override { return Activation::softmax; }
  void check(const Shape& prediction, const Dataset& data) const override;
  double evaluate(Backend& backend, ConstTensorView prediction, bool is_logits, const Targets& targets,
                  TensorView gradient) const override;
  void explain_gradient(Terms& terms, Element at, bool is_logits, const Targets& targets) const override;
};

/// -sum over the classes (the last axis) of t * log p; the mean over a sample's positions where there are more axes.
/// With class labels the target t is their one-hot vector. From logits by log-sum-exp, unclipped; else p / sum(p) is
/// clipped to [1e-7, 1 - 1e-7], as in Keras, whose gradient is 0 where it clips. Predictions of nothing but zeros give
/// NaN, as there.
class CategoricalCrossentropy : public Loss {
 public:
  std::string_view name() const override { return "categorical_crossentropy"; }
  Activation logits_of() const override { return Activation::softmax; }
  void check(const Shape& prediction, const Dataset& data) const override;
  double evaluate(Backend& backend, ConstTensorView prediction, bool is_logits, const Targets& targets,
                  TensorView gradient) const override;
  void explain_gradient(Terms& terms, Element at, bool is_logits, const Targets& targets) const override;
};

/// mean over a sample's elements of -t * log p - (1 - t) * log(1 - p), t in [0, 1]. From logits without overflow and
/// unclipped; else p is clipped to [1e-7, 1 - 1e-7], with gradient 0 where it is, as in Keras. With class labels and a
/// single output the label (0 or 1) is the target; with more outputs its one-hot vector.
class BinaryCrossentropy : public Loss {
 public:
  std::string_view name() const override { return "binary_crossentropy"; }
  Activation logits_of() const override { return Activation::sigmoid; }
  void check(const Shape& prediction, const Dataset& data) const override;
  double evaluate(Backend& backend, ConstTensorView prediction, bool is_logits, const Targets& targets,
                  TensorView gradient) const override;
  void explain_gradient(Terms& terms, Element at, bool is_logits, const Targets& targets) const override;
};

/// mean over a sample's elements of (prediction - target)^2. With class labels the target is their one-hot vector.
class MeanSquaredError : public Loss {
 public:
  std::string_view name() const override { return "mean_squared_error"; }
  void check(const Shape& prediction, const Dataset& data) const override;
  double evaluate(Backend& backend, ConstTensorView prediction, bool is_logits, const Targets& targets,
                  TensorView gradient) const override;
  void explain_gradient(Terms& terms, Element at, bool is_logits, const Targets& targets) const override;
};

/// mean over a sample's elements of |prediction - target|, whose gradient at 0 is 0. With class labels the target is
/// their one-hot vector.
class MeanAbsoluteError : public Loss {
 public:
  std::string_view name() const override { return "mean_absolute_error"; }
  void check(const Shape& prediction, const Dataset& data) const override;
  double evaluate(Backend& backend, ConstTensorView prediction, bool is_logits, const Targets& targets,
                  TensorView gradient) const override;
  void explain_gradient(Terms& terms, Element at, bool is_logits, const Targets& targets) const override;
};

/// By Keras name. Errors: ValueError that lists the known names.
Handle<Loss> make_loss(std::string_view name);
std::vector<std::string> loss_names();

}  // namespace neurona
