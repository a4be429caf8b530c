// Where does this number come from? For every value, gradient and parameter of a model, after a pass on real samples.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "neurona/model.hpp"
#include "neurona/terms.hpp"

namespace neurona {

struct ExplainOptions {
  bool training = false;   ///< compute as in training: BatchNormalization by the batch's statistics, Dropout drops
  std::uint64_t seed = 0;  ///< of what is dropped
};

/// Which sample, and how much of the answer.
struct ExplainDetail {
  std::int64_t sample = 0;          ///< its number in the batch
  std::int64_t most = Terms::kAll;  ///< terms to be returned, the largest by magnitude; all are counted and summed
};

/// Does a pass of a model, keeps every number of it, and tells for each the terms that it is made of. Each factor of a term has a place,
/// which can be followed in turn:
///   Explainer explainer(model);
///   explainer.backward(data.slice(0, 32), {.training = true});
///   const Explanation z = explainer.value(2, 7, {.most = 5});  // output 7 of layer 2
///   const Explanation from = explainer.follow(z.terms[0].factors[1].place);
/// The model must outlive it and keep its layers, its backend and, until the next pass, its weights. The pass changes nothing of the
/// model: moving statistics stay. Indices count the values of one sample, or of a parameter, flattened in row-major order.
///
/// Errors of all questions: ValueError that says what is out of range, or that there was no such pass.
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
  /// A forward pass of all samples of `batch`, the model's loss, and a backward pass. Returns the loss, which is the mean over the batch
  /// with the penalties of regularisers, as fit computes it. Where the loss works on logits the last layer's softmax or sigmoid is left
  /// out on the way to it; that layer then has a gradient_of_sum, but no gradient_of_output.
  /// Errors: ValueError for a model that is not compiled, for several inputs or outputs and for no samples; ShapeError.
  double backward(const Dataset& batch, ExplainOptions options = {});

  /// Value `index` that a layer gives. Where the layer ends in an activation the terms add up to z, to which it is applied; those of
  /// softmax are e^(z - shift) of all values of its row, of which sum() tells the terms.
  Explanation value(std::int64_t layer, std::int64_t index, ExplainDetail detail = {}) const;
  /// z, what the layer's activation is applied to; the value itself where there is none.
  Explanation sum(std::int64_t layer, std::int64_t index, ExplainDetail detail = {}) const;

  // After backward(). The terms of a gradient are, for each value that the number reaches, the gradient of that value and what the number
  // is multiplied by on its way there.
  Explanation gradient_of_output(std::int64_t layer, std::int64_t index, ExplainDetail detail = {}) const;
  Explanation gradient_of_sum(std::int64_t layer, std::int64_t index, ExplainDetail detail = {}) const;
  /// Of the model's input.
  Explanation gradient_of_input(std::int64_t index, ExplainDetail detail = {}) const;
  /// Of element `index` of a layer's parameter, over the whole batch; frozen layers have one too, moving statistics do not.
  /// `most`: terms to be returned.
  Explanation gradient_of_parameter(std::int64_t layer, std::int64_t parameter, std::int64_t index,
                                    std::int64_t most = Terms::kAll) const;

  /// The same for any place but a constant, whose value stands in its factor.
  Explanation follow(const Place& place, std::int64_t most = Terms::kAll) const;
  /// The number at a place, as the pass computed it.
  double number(const Place& place) const;
  /// For display: "dense_1[3]", "dense_1.z[3]", "conv2d/kernel[1,2,0,5]", "dLoss/d conv2d/kernel[1,2,0,5]", "input[3,4,0]"; where the
  /// batch has several samples with " of sample 2" behind it. A constant's is its text.
  std::string name(const Place& place) const;
  /// The number's position along each axis of a sample or parameter.
  std::vector<std::int64_t> position(const Place& place) const;
  /// Samples of the last pass; 0 before the first.
  std::int64_t batch_size() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace neurona
