// Answers where a number of a model comes from: a value of a layer, or a gradient.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "neurona/model.hpp"
#include "neurona/terms.hpp"

namespace neurona {

struct ExplainOptions {
  /// Compute as training does: BatchNormalization uses the batch's statistics, Dropout drops.
  bool training = false;
  std::uint64_t seed = 0;  ///< of what Dropout drops
};

struct ExplainDetail {
  std::int64_t sample = 0;  ///< its number in the batch
  /// The number of terms to be returned, at least 0: the largest by magnitude. All are counted and summed.
  std::int64_t most = Terms::kAll;
};

/// Runs a model on samples, keeps every number of the pass, and tells the terms that a number is made of.
/// Each factor of a term has a place, which can be followed in turn:
///   Explainer explainer(model);
///   explainer.backward(data.slice(0, 32), {.training = true});
///   const Explanation z = explainer.value(2, 7, {.most = 5});  // output 7 of layer 2
///   const Explanation from = explainer.follow(z.terms[0].factors[1].place);
/// The model must outlive it and keep its layers and its backend. When its weights change, or which of its
/// layers are frozen, the explanations no longer add up: run the pass again. A pass changes nothing in the
/// model, not even moving statistics. An index counts the values of one sample, or of a parameter, flattened
/// in row-major order.
///
/// Errors of all questions: ValueError that says what is out of range, or which pass is missing.
class Explainer {
 public:
  explicit Explainer(Model& model);
  ~Explainer();
  Explainer(Explainer&&) noexcept;
  Explainer& operator=(Explainer&&) noexcept;

  /// A forward pass of samples x (N, ...), N at least 1. Errors: ShapeError, ValueError.
  void forward(const Tensor& x, ExplainOptions options = {});
  /// Of a model with several inputs: a tensor (N, ...) for each.
  void forward(const std::vector<Tensor>& inputs, ExplainOptions options = {});
  /// A forward pass of all samples of `batch`, the loss that the model was compiled with, and a backward
  /// pass. Returns the loss as fit computes it: the mean over the batch, with the penalties of regularizers.
  /// Where the model ends in the softmax or sigmoid that its loss wants left out (Loss::logits_of), the loss
  /// works on z: the last layer has a gradient_of_sum, but no gradient_of_output.
  /// Errors: ValueError for a model that is not compiled, that has several inputs or outputs, and for no
  /// samples; ShapeError.
  double backward(const Dataset& batch, ExplainOptions options = {});

  /// Value `index` that a layer gives. Where the layer ends in an activation, the terms add up to z, which
  /// the activation is applied to. Softmax is a quotient: its terms are e^(z - shift) of all values of the
  /// row (last axis), and sum() tells the terms of each z.
  Explanation value(std::int64_t layer, std::int64_t index, ExplainDetail detail = {}) const;
  /// z, what the layer's activation is applied to. Without activation it is the value itself.
  Explanation sum(std::int64_t layer, std::int64_t index, ExplainDetail detail = {}) const;

  // Gradients of the loss, after backward(). There is a term for each value that the number goes into: that
  // value's own gradient, times what the number is multiplied by there.
  Explanation gradient_of_output(std::int64_t layer, std::int64_t index, ExplainDetail detail = {}) const;
  Explanation gradient_of_sum(std::int64_t layer, std::int64_t index, ExplainDetail detail = {}) const;
  /// Of the model's input.
  Explanation gradient_of_input(std::int64_t index, ExplainDetail detail = {}) const;
  /// Of element `index` of a layer's parameter. Its terms come from the whole batch. Parameters of frozen
  /// layers have one too, moving statistics do not. `most` as in ExplainDetail.
  Explanation gradient_of_parameter(std::int64_t layer, std::int64_t parameter, std::int64_t index,
                                    std::int64_t most = Terms::kAll) const;

  /// The same for any place. Errors: ValueError for a constant too, which has no place in the pass.
  Explanation follow(const Place& place, std::int64_t most = Terms::kAll) const;
  /// The number at a place, as the pass computed it.
  double number(const Place& place) const;
  /// For display: "dense_1[3]", "dense_1.z[3]", "conv2d/kernel[1,2,0,5]", "dLoss/d conv2d/kernel[1,2,0,5]",
  /// "input[3,4,0]". In a batch of several samples " of sample 2" follows. A constant's name is its text.
  std::string name(const Place& place) const;
  /// `index` along each axis of the sample or parameter; empty for a constant.
  std::vector<std::int64_t> position(const Place& place) const;
  /// Samples of the last pass; 0 before the first.
  std::int64_t batch_size() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace neurona
