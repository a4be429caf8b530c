#include "model/executor.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>

#include "model/model_impl.hpp"
#include "neurona/error.hpp"

namespace neurona {

namespace {

constexpr std::int64_t kAlignment = 64;

// Hands out places in an arena that does not exist yet; places become pointers once it does.
class Planner {
 public:
  std::int64_t place(const Shape& shape, DType dtype) {
    const std::int64_t offset = size_;
    const std::int64_t bytes = shape.with_trailing(static_cast<std::int64_t>(size_of(dtype))).elements();
    size_ += (bytes + kAlignment - 1) / kAlignment * kAlignment;
    if (size_ > kMostBytes)
      throw ValueError("A pass over tensors of shape " + shape.to_string() + " needs more memory than this machine can address. Use a smaller batch_size.");
    return offset;
  }
  std::int64_t size() const { return size_; }

 private:
  static constexpr std::int64_t kMostBytes = static_cast<std::int64_t>(std::numeric_limits<std::ptrdiff_t>::max() / 2);
  std::int64_t size_ = 0;
};

}  // namespace

Executor::Executor(Model& model, std::int64_t max_batch, Use use) : model_(model), max_batch_(max_batch) {
  const auto& nodes = model.impl_->nodes;
  const DType dtype = model.dtype();
  if (max_batch < 1) throw ValueError("batch_size = " + std::to_string(max_batch) + "; it must be at least 1.");
  if (nodes.empty()) throw ValueError("Model '" + model.name() + "' has no layers. Add some before using it.");

  Planner planner;
  const std::int64_t input_place = planner.place(model.input_shape().with_leading(max_batch), dtype);
  std::vector<std::int64_t> output_places;
  Shape widest;
  for (const auto& node : nodes) {
    const bool shares = node.layer->only_reshapes();
    const Shape output = node.output.with_leading(max_batch);
    if (output.elements() > widest.elements()) widest = output;
    output_places.push_back(!shares                 ? planner.place(output, dtype)
                            : output_places.empty() ? input_place
                                                    : output_places.back());
  }
  std::vector<std::int64_t> gradient_places;
  std::int64_t buffer_places[2] = {0, 0};
  if (use == Use::training) {
    for (const auto& node : nodes)
      for (Parameter& parameter : node.layer->parameters())
        gradient_places.push_back(parameter.trainable ? planner.place(parameter.value.shape(), dtype) : 0);
    for (std::int64_t& place : buffer_places) place = planner.place(widest, dtype);
  }

  arena_ = Tensor({planner.size() / static_cast<std::int64_t>(sizeof(float))});
  auto* base = static_cast<std::byte*>(arena_.view().data);
  input_ = {base + input_place, model.input_shape().with_leading(max_batch), dtype};
  for (std::size_t i = 0; i < nodes.size(); ++i)
    outputs_.push_back({base + output_places[i], nodes[i].output.with_leading(max_batch), dtype});
  nodes_.resize(nodes.size());
  if (use != Use::training) return;
  for (std::size_t b = 0; b < 2; ++b) gradient_buffers_[b] = base + buffer_places[b];
  first_trained_ = nodes.size();
  std::size_t next = 0;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    for (Parameter& parameter : nodes[i].layer->parameters()) {
      TensorView gradient;
      if (parameter.trainable) {
        gradient = {base + gradient_places[next], parameter.value.shape(), dtype};
        trainable_.push_back(&parameter);
        gradients_.push_back(gradient);
        first_trained_ = std::min(first_trained_, i);
      }
      nodes_[i].parameter_gradients.push_back(gradient);
      ++next;
    }
  }
}

void Executor::check_samples(const Shape& sample) const {
  if (!(sample == model_.input_shape()))
    throw ShapeError("Model '" + model_.name() + "' received samples of shape " + sample.to_string() + "; expected " +
                     model_.input_shape().to_string() + ".\n  Give it samples of that shape, or build it with another input_shape.");
}

TensorView Executor::input(std::int64_t n) {
  if (n != batch_) {
    batch_ = n;
    input_.shape = model_.input_shape().with_leading(n);
    for (std::size_t i = 0; i < outputs_.size(); ++i) outputs_[i].shape = model_.impl_->nodes[i].output.with_leading(n);
  }
  return input_;
}

void Executor::forward(Pass pass) {
  ConstTensorView x = input_;
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    const Layer& layer = *model_.impl_->nodes[i].layer;
    const bool last = i + 1 == outputs_.size();
    if (!layer.only_reshapes())
      layer.forward({.backend = model_.backend(),
                     .inputs = {&x, 1},
                     .output = outputs_[i],
                     .training = pass.training,
                     .logits = pass.logits && last});
    x = outputs_[i];
  }
}

TensorView Executor::output_gradient() const { return {gradient_buffers_[0], outputs_.back().shape, outputs_.back().dtype}; }

void Executor::backward(Pass pass) {
  int buffer = 0;
  for (std::size_t i = outputs_.size(); i-- > first_trained_;) {
    const Layer& layer = *model_.impl_->nodes[i].layer;
    if (layer.only_reshapes()) continue;
    const ConstTensorView x = i > 0 ? outputs_[i - 1] : input_;
    TensorView dx;
    if (i > first_trained_) dx = {gradient_buffers_[1 - buffer], x.shape, x.dtype};
    layer.backward({.backend = model_.backend(),
                    .inputs = {&x, 1},
                    .output = outputs_[i],
                    .output_gradient = {gradient_buffers_[buffer], outputs_[i].shape, outputs_[i].dtype},
                    .input_gradients = {&dx, 1},
                    .parameter_gradients = nodes_[i].parameter_gradients,
                    .logits = pass.logits && i + 1 == outputs_.size()});
    buffer = 1 - buffer;
  }
}

}  // namespace neurona
