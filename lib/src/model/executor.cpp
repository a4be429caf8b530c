#include "model/executor.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>

#include "model/model_impl.hpp"
#include "neurona/error.hpp"

namespace neurona {

namespace {

constexpr std::int64_t kAlignment = 64;
constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();

std::int64_t bytes_of(const Shape& shape, DType dtype) {
  return shape.with_trailing(static_cast<std::int64_t>(size_of(dtype))).elements();
}

}  // namespace

// Places blocks, each alive from one step of a pass to another, in an arena that does not exist yet: those
// that are alive together must not overlap. The largest first, each at the lowest place that is free
// (Pisarchyk and Lee 2020, greedy by size).
class Executor::Planner {
 public:
  std::size_t add(std::int64_t bytes, std::int64_t first_step, std::int64_t last_step) {
    if (bytes > kMostBytes)
      throw ValueError("A pass needs a tensor of " + std::to_string(bytes) +
                       " bytes, more than this machine can address. Use a smaller batch_size.");
    blocks_.push_back({(bytes + kAlignment - 1) / kAlignment * kAlignment, first_step, last_step, 0});
    return blocks_.size() - 1;
  }
  void extend(std::size_t block, std::int64_t first_step, std::int64_t last_step) {
    blocks_[block].first = std::min(blocks_[block].first, first_step);
    blocks_[block].last = std::max(blocks_[block].last, last_step);
  }

  /// Returns the bytes of the arena.
  std::int64_t place() {
    std::vector<Block*> order, placed;
    for (Block& block : blocks_) order.push_back(&block);
    std::stable_sort(order.begin(), order.end(),
                     [](const Block* a, const Block* b) { return a->bytes > b->bytes; });
    std::int64_t total = 0;
    for (Block* block : order) {
      for (const Block* other : placed) {  // by place
        if (other->last < block->first || block->last < other->first) continue;
        if (block->place + block->bytes <= other->place) break;
        block->place = std::max(block->place, other->place + other->bytes);
      }
      placed.insert(std::upper_bound(placed.begin(), placed.end(), block,
                                     [](const Block* a, const Block* b) { return a->place < b->place; }),
                    block);
      total = std::max(total, block->place + block->bytes);
      if (total > kMostBytes)
        throw ValueError("A pass needs more memory than this machine can address. Use a smaller batch_size.");
    }
    return total;
  }
  void* address(std::byte* arena, std::size_t block) const {
    return block == kNone ? nullptr : arena + blocks_[block].place;
  }

 private:
  static constexpr std::int64_t kMostBytes =
      static_cast<std::int64_t>(std::numeric_limits<std::ptrdiff_t>::max() / 2);
  struct Block {
    std::int64_t bytes, first, last, place;
  };
  std::vector<Block> blocks_;
};

Executor::Executor(Model& model, std::int64_t max_batch, Use use) : model_(model), max_batch_(max_batch) {
  if (max_batch < 1)
    throw ValueError("batch_size = " + std::to_string(max_batch) + "; it must be at least 1.");
  model.impl_->check_complete();
  samples_ = model.input_shapes();
  inputs_.resize(samples_.size());
  plan(use);
  choose_batch(max_batch);
}

void Executor::plan(Use use) {
  const auto& nodes = model_.impl_->nodes;
  const DType dtype = model_.dtype();
  const bool training = use == Use::training;
  // Steps of a pass: 0 the samples are there, i + 1 node i goes forward, `loss` the loss, then node after
  // node backwards.
  const auto count = static_cast<std::int64_t>(nodes.size());
  const std::int64_t loss = count + 1, end = 2 * count + 2;
  const auto forward_step = [](std::size_t i) { return static_cast<std::int64_t>(i) + 1; };
  const auto backward_step = [&](std::size_t i) { return loss + count - static_cast<std::int64_t>(i); };

  Planner planner;
  std::vector<std::size_t> value_blocks, gradient_blocks, tape_blocks(nodes.size(), kNone), parameter_blocks;
  std::vector<std::vector<std::size_t>> scratch_blocks(nodes.size());
  const auto new_value = [&](const Shape& sample, std::int64_t first, std::int64_t last) {
    values_.emplace_back();
    value_blocks.push_back(planner.add(bytes_of(sample.with_leading(max_batch_), dtype), first, last));
    gradient_blocks.push_back(kNone);
    return values_.size() - 1;
  };

  // Values and what they live for.
  nodes_.resize(nodes.size());
  if (model_.impl_->is_sequential)
    input_values_.push_back(new_value(nodes[0].input_shapes[0], 0, training ? end : loss));
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    NodePlan& plan = nodes_[i];
    for (const int input : nodes[i].inputs) {
      plan.input_values.push_back(
          input == Model::Impl::kSamples ? input_values_[0] : nodes_[static_cast<std::size_t>(input)].value);
      planner.extend(value_blocks[plan.input_values.back()], loss, forward_step(i));
    }
    if (nodes[i].inputs.empty()) {  // an InputLayer
      plan.value = new_value(nodes[i].output, 0, training ? end : loss);
      continue;
    }
    plan.value = nodes[i].layer->only_reshapes() ? plan.input_values[0]
                                                 : new_value(nodes[i].output, forward_step(i),
                                                             training                 ? backward_step(i)
                                                             : use == Use::inspection ? loss
                                                                                      : forward_step(i));
  }
  if (!model_.impl_->is_sequential)
    for (const int input : model_.impl_->inputs)
      input_values_.push_back(nodes_[static_cast<std::size_t>(input)].value);
  for (const int output : model_.impl_->output_nodes()) {
    outputs_.push_back(static_cast<std::size_t>(output));
    nodes_[outputs_.back()].is_output = true;
    planner.extend(value_blocks[nodes_[outputs_.back()].value], loss, loss);
  }

  // Gradients: of what lies between the loss and a parameter that is trained.
  for (std::size_t i = 0; training && i < nodes.size(); ++i) {
    NodePlan& plan = nodes_[i];
    if (nodes[i].inputs.empty() || nodes[i].layer->only_reshapes()) continue;
    tape_blocks[i] = planner.add(nodes[i].layer->tape_bytes(nodes[i].input_shapes, max_batch_, dtype),
                                 forward_step(i), backward_step(i));
    for (const std::size_t value : plan.input_values)
      plan.goes_backward = plan.goes_backward || values_[value].wants_gradient;
    for (Parameter& parameter : nodes[i].layer->parameters()) {
      const bool trained = nodes[i].layer->trainable() && parameter.trainable;
      plan.goes_backward = plan.goes_backward || trained;
      parameter_blocks.push_back(
          trained ? planner.add(bytes_of(parameter.value.shape(), dtype), backward_step(i), end) : kNone);
    }
    if (!plan.goes_backward) continue;
    values_[plan.value].wants_gradient = true;
    gradient_blocks[plan.value] = planner.add(bytes_of(nodes[i].output.with_leading(max_batch_), dtype),
                                              backward_step(i), backward_step(i));
  }
  std::vector<bool> written(values_.size());
  for (std::size_t o = 0; training && o < outputs_.size(); ++o) {
    const std::size_t value = nodes_[outputs_[o]].value;
    if (gradient_blocks[value] == kNone)  // nothing is trained, yet the loss has a gradient
      gradient_blocks[value] =
          planner.add(bytes_of(nodes[outputs_[o]].output.with_leading(max_batch_), dtype), loss, loss);
    planner.extend(gradient_blocks[value], loss, loss);
    written[value] = true;
  }
  for (std::size_t i = nodes.size(); training && i-- > 0;) {
    if (!nodes_[i].goes_backward) continue;
    for (std::size_t k = 0; k < nodes_[i].input_values.size(); ++k) {
      const std::size_t value = nodes_[i].input_values[k];
      scratch_blocks[i].push_back(kNone);
      if (!values_[value].wants_gradient) continue;
      planner.extend(gradient_blocks[value], backward_step(i), backward_step(i));
      if (written[value])
        scratch_blocks[i].back() =
            planner.add(bytes_of(nodes[i].input_shapes[k].with_leading(max_batch_), dtype), backward_step(i),
                        backward_step(i));
      written[value] = true;
    }
  }

  arena_ = Tensor({planner.place() / static_cast<std::int64_t>(sizeof(float))});
  auto* base = static_cast<std::byte*>(arena_.view().data);
  for (std::size_t v = 0; v < values_.size(); ++v) {
    values_[v].data = planner.address(base, value_blocks[v]);
    values_[v].gradient = planner.address(base, gradient_blocks[v]);
  }
  std::size_t next = 0;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    NodePlan& plan = nodes_[i];
    plan.inputs.resize(plan.input_values.size());
    plan.input_gradients.resize(plan.input_values.size());
    if (tape_blocks[i] != kNone)
      plan.tape = {
          static_cast<std::byte*>(planner.address(base, tape_blocks[i])),
          static_cast<std::size_t>(nodes[i].layer->tape_bytes(nodes[i].input_shapes, max_batch_, dtype))};
    for (const std::size_t block : scratch_blocks[i]) plan.scratch.push_back(planner.address(base, block));
    if (!training || nodes[i].inputs.empty() || nodes[i].layer->only_reshapes()) continue;
    for (Parameter& parameter : nodes[i].layer->parameters()) {
      const std::size_t block = parameter_blocks[next++];
      const TensorView gradient =
          block == kNone ? TensorView()
                         : TensorView{planner.address(base, block), parameter.value.shape(), dtype};
      plan.parameter_gradients.push_back(gradient);
      if (!gradient) continue;
      trainable_.push_back(&parameter);
      gradients_.push_back(gradient);
    }
  }
}

void Executor::choose_batch(std::int64_t n) {
  if (n == batch_) return;
  batch_ = n;
  const auto& nodes = model_.impl_->nodes;
  const DType dtype = model_.dtype();
  for (std::size_t i = 0; i < samples_.size(); ++i)
    inputs_[i] = {values_[input_values_[i]].data, samples_[i].with_leading(n), dtype};
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    NodePlan& plan = nodes_[i];
    plan.output = {values_[plan.value].data, nodes[i].output.with_leading(n), dtype};
    for (std::size_t k = 0; k < plan.inputs.size(); ++k)
      plan.inputs[k] = {values_[plan.input_values[k]].data, nodes[i].input_shapes[k].with_leading(n), dtype};
  }
}

void Executor::check_samples(const Shape& sample) const {
  // Grey images come with their one channel or without it.
  const auto with_channel = [](const Shape& shape) {
    return shape.rank() == 2 ? Shape{shape[0], shape[1], 1} : shape;
  };
  if (!(with_channel(sample) == with_channel(model_.input_shape())))
    throw ShapeError("Model '" + model_.name() + "' received samples of shape " + sample.to_string() +
                     "; expected " + model_.input_shape().to_string() +
                     ".\n  Give it samples of that shape, or build it with another input_shape.");
}

TensorView Executor::input(std::int64_t n, std::size_t i) {
  choose_batch(n);
  return inputs_[i];
}

namespace {

// Each node has a stream of its own in each pass.
std::uint64_t seed_of(std::uint64_t pass, std::size_t node) {
  return pass ^ ((static_cast<std::uint64_t>(node) + 1) * 0xd1342543de82ef95u);
}

}  // namespace

void Executor::forward(Pass pass) {
  const auto& nodes = model_.impl_->nodes;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const NodePlan& plan = nodes_[i];
    Layer& layer = *nodes[i].layer;
    if (layer.only_reshapes()) continue;
    layer.forward({.backend = model_.backend(),
                   .inputs = plan.inputs,
                   .output = plan.output,
                   .tape = plan.tape,
                   .training = pass.training,
                   .logits = pass.logits && plan.is_output,
                   .seed = seed_of(pass.seed, i)});
    if (pass.training) layer.update_state(plan.tape);
    if (observer_) observer_(i, false);
  }
}

TensorView Executor::output_gradient(std::size_t i) const {
  const NodePlan& plan = nodes_[outputs_[i]];
  return {values_[plan.value].gradient, plan.output.shape, plan.output.dtype};
}

void Executor::backward(Pass pass) {
  for (Value& value : values_) value.written = false;
  for (const std::size_t output : outputs_) values_[nodes_[output].value].written = true;
  for (std::size_t i = nodes_.size(); i-- > 0;)
    if (nodes_[i].goes_backward) backward(i, pass);
}

void Executor::backward(std::size_t i, Pass pass) {
  NodePlan& plan = nodes_[i];
  for (std::size_t k = 0; k < plan.inputs.size(); ++k) {
    Value& value = values_[plan.input_values[k]];
    plan.input_gradients[k] = {!value.wants_gradient ? nullptr
                               : value.written       ? plan.scratch[k]
                                                     : value.gradient,
                               plan.inputs[k].shape, plan.inputs[k].dtype};
    value.written = true;
  }
  model_.impl_->nodes[i].layer->backward(
      {.backend = model_.backend(),
       .inputs = plan.inputs,
       .output = plan.output,
       .output_gradient = {values_[plan.value].gradient, plan.output.shape, plan.output.dtype},
       .input_gradients = plan.input_gradients,
       .parameter_gradients = plan.parameter_gradients,
       .tape = plan.tape,
       .training = pass.training,
       .logits = pass.logits && plan.is_output,
       .seed = seed_of(pass.seed, i)});
  for (std::size_t k = 0; k < plan.inputs.size(); ++k) {
    if (plan.scratch[k] == nullptr) continue;
    const TensorView sum{values_[plan.input_values[k]].gradient, plan.inputs[k].shape, plan.inputs[k].dtype};
    model_.backend().add(sum, plan.input_gradients[k], sum);
  }
  if (observer_) observer_(i, true);
}

}  // namespace neurona
