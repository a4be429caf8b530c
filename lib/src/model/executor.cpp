#include "model/executor.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>

#include "layers/fused_conv2d.hpp"
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
  /// `keeps_until`: every block is alive from the beginning until that step.
  explicit Planner(std::optional<std::int64_t> keeps_until = {}) : keeps_until_(keeps_until) {}
  std::size_t add(std::int64_t bytes, std::int64_t first_step, std::int64_t last_step) {
    if (bytes > kMostBytes)
      throw ValueError("A pass needs a tensor of " + std::to_string(bytes) +
                       " bytes, more than this machine can address. Use a smaller batch_size.");
    blocks_.push_back({(bytes + kAlignment - 1) / kAlignment * kAlignment, keeps_until_ ? 0 : first_step,
                       keeps_until_.value_or(last_step), 0});
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
    // Equal ones as they were added. (libstdc++'s stable_sort uses what C++17 deprecates, of which clang warns.)
    std::sort(order.begin(), order.end(),
              [](const Block* a, const Block* b) { return a->bytes != b->bytes ? a->bytes > b->bytes : a < b; });
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
  std::optional<std::int64_t> keeps_until_;
  std::vector<Block> blocks_;
};

Executor::Executor(Model& model, std::int64_t max_batch, Use use, bool moves_kernels)
    : model_(model), max_batch_(max_batch), explains_(use == Use::explanation) {
  if (max_batch < 1)
    throw ValueError("batch_size = " + std::to_string(max_batch) + "; it must be at least 1.");
  model.impl_->check_complete();
  samples_ = model.input_shapes();
  inputs_.resize(samples_.size());
  const bool fuses = model.backend().fuses();
  const Fusion fusion = !fuses || use == Use::inspection || explains_ ? Fusion::none
                        : use == Use::training                        ? Fusion::training
                                                                      : Fusion::inference;
  for (Step& step : steps_of(*model.impl_, fusion)) steps_.emplace_back(std::move(step));
  for (StepPlan& step : steps_) step.output_shape = model.impl_->nodes[step.last_node()].output;
  plan(use, moves_kernels && fuses);
  choose_batch(max_batch);
}

// Explained, the gradients of frozen layers are wanted too; moving statistics have none.
bool Executor::trains(const StepPlan& step, std::size_t parameter) const {
  if (!explains_) return step.owner->trainable() && step.owner->parameters()[parameter].trainable;
  return step.layer->parameter_specs(step.input_shapes)[parameter].trainable;
}

void Executor::plan(Use use, bool moves_kernels) {
  const DType dtype = model_.dtype();
  const bool training = use == Use::training || explains_;
  // Moments of a pass: 0 the samples are there, i + 1 step i goes forward, `loss` the loss, then step after
  // step backwards.
  const auto count = static_cast<std::int64_t>(steps_.size());
  const std::int64_t loss = count + 1, end = 2 * count + 2;
  const auto forward_moment = [](std::size_t i) { return static_cast<std::int64_t>(i) + 1; };
  const auto backward_moment = [&](std::size_t i) { return loss + count - static_cast<std::int64_t>(i); };

  Planner planner(explains_ ? std::optional(end) : std::nullopt);
  std::vector<std::size_t> value_blocks, gradient_blocks, kept_blocks, tape_blocks(steps_.size(), kNone),
      parameter_blocks;
  std::vector<std::vector<std::size_t>> scratch_blocks(steps_.size());
  const auto new_value = [&](const Shape& sample, std::int64_t first, std::int64_t last) {
    values_.emplace_back();
    value_blocks.push_back(planner.add(bytes_of(sample.with_leading(max_batch_), dtype), first, last));
    gradient_blocks.push_back(kNone);
    kept_blocks.push_back(kNone);
    return values_.size() - 1;
  };

  // Values and what they live for.
  std::vector<std::size_t> step_of(model_.impl_->nodes.size(), kNone);  // the step that gives a node's output
  if (model_.impl_->is_sequential)
    input_values_.push_back(new_value(steps_[0].input_shapes[0], 0, training ? end : loss));
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    StepPlan& step = steps_[i];
    step_of[step.last_node()] = i;
    for (const int input : step.inputs) {
      step.input_values.push_back(input == Model::Impl::kSamples
                                      ? input_values_[0]
                                      : steps_[step_of[static_cast<std::size_t>(input)]].value);
      planner.extend(value_blocks[step.input_values.back()], loss, forward_moment(i));
    }
    if (step.inputs.empty()) {  // an InputLayer
      step.value = new_value(step.output_shape, 0, training ? end : loss);
      continue;
    }
    step.value = !runs(step) ? step.input_values[0]
                             : new_value(step.output_shape, forward_moment(i),
                                         training                 ? backward_moment(i)
                                         : use == Use::inspection ? loss
                                                                  : forward_moment(i));
  }
  if (!model_.impl_->is_sequential)
    for (const int input : model_.impl_->inputs)
      input_values_.push_back(steps_[step_of[static_cast<std::size_t>(input)]].value);
  for (const int output : model_.impl_->output_nodes()) {
    outputs_.push_back(step_of[static_cast<std::size_t>(output)]);
    steps_[outputs_.back()].is_output = true;
    planner.extend(value_blocks[steps_[outputs_.back()].value], loss, loss);
  }

  // Gradients: of what lies between the loss and a parameter that is trained; explained, of the samples too.
  for (std::size_t i = 0; explains_ && i < input_values_.size(); ++i) {
    values_[input_values_[i]].wants_gradient = true;
    gradient_blocks[input_values_[i]] =
        planner.add(bytes_of(samples_[i].with_leading(max_batch_), dtype), loss, end);
  }
  for (std::size_t i = 0; training && i < steps_.size(); ++i) {
    StepPlan& step = steps_[i];
    if (!runs(step)) continue;
    tape_blocks[i] = planner.add(step.layer->tape_bytes(step.input_shapes, max_batch_, dtype), forward_moment(i),
                                 backward_moment(i));
    for (const std::size_t value : step.input_values)
      step.goes_backward = step.goes_backward || values_[value].wants_gradient;
    for (std::size_t p = 0; p < step.owner->parameters().size(); ++p) {
      const Parameter& parameter = step.owner->parameters()[p];
      const bool trained = trains(step, p);
      step.goes_backward = step.goes_backward || trained;
      if (p == 0 && trained && moves_kernels && step.layer->can_move_kernel() && !parameter.regularizer)
        step.moves_kernel = true;
      parameter_blocks.push_back(
          trained && !(p == 0 && step.moves_kernel)
              ? planner.add(bytes_of(parameter.value.shape(), dtype), backward_moment(i), end)
              : kNone);
    }
    if (!step.goes_backward) continue;
    values_[step.value].wants_gradient = true;
    const std::int64_t bytes = bytes_of(step.output_shape.with_leading(max_batch_), dtype);
    gradient_blocks[step.value] = planner.add(bytes, backward_moment(i), backward_moment(i));
    if (explains_) kept_blocks[step.value] = planner.add(bytes, backward_moment(i), end);
  }
  std::vector<bool> written(values_.size());
  for (std::size_t o = 0; training && o < outputs_.size(); ++o) {
    const std::size_t value = steps_[outputs_[o]].value;
    if (gradient_blocks[value] == kNone)  // nothing is trained, yet the loss has a gradient
      gradient_blocks[value] =
          planner.add(bytes_of(steps_[outputs_[o]].output_shape.with_leading(max_batch_), dtype), loss, loss);
    planner.extend(gradient_blocks[value], loss, loss);
    written[value] = true;
  }
  for (std::size_t i = steps_.size(); training && i-- > 0;) {
    if (!steps_[i].goes_backward) continue;
    for (std::size_t k = 0; k < steps_[i].input_values.size(); ++k) {
      const std::size_t value = steps_[i].input_values[k];
      scratch_blocks[i].push_back(kNone);
      if (!values_[value].wants_gradient) continue;
      planner.extend(gradient_blocks[value], backward_moment(i), backward_moment(i));
      if (written[value])
        scratch_blocks[i].back() = planner.add(bytes_of(steps_[i].input_shapes[k].with_leading(max_batch_), dtype),
                                               backward_moment(i), backward_moment(i));
      written[value] = true;
    }
  }

  arena_ = Tensor({planner.place() / static_cast<std::int64_t>(sizeof(float))});
  auto* base = static_cast<std::byte*>(arena_.view().data);
  for (std::size_t v = 0; v < values_.size(); ++v) {
    values_[v].data = planner.address(base, value_blocks[v]);
    values_[v].gradient = planner.address(base, gradient_blocks[v]);
    values_[v].kept = planner.address(base, kept_blocks[v]);
  }
  std::size_t next = 0;
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    StepPlan& step = steps_[i];
    step.input_views.resize(step.input_values.size());
    step.input_gradients.resize(step.input_values.size());
    if (tape_blocks[i] != kNone)
      step.tape = {static_cast<std::byte*>(planner.address(base, tape_blocks[i])),
                   static_cast<std::size_t>(step.layer->tape_bytes(step.input_shapes, max_batch_, dtype))};
    for (const std::size_t block : scratch_blocks[i]) step.scratch.push_back(planner.address(base, block));
    if (!training || !runs(step)) continue;
    for (Parameter& parameter : step.owner->parameters()) {
      const std::size_t block = parameter_blocks[next++];
      const bool moved = step.moves_kernel && &parameter == step.owner->parameters().data();
      const TensorView gradient =
          moved            ? parameter.value.view()
          : block == kNone ? TensorView()
                           : TensorView{planner.address(base, block), parameter.value.shape(), dtype};
      step.parameter_gradients.push_back(gradient);
      if (!gradient || moved) continue;
      trainable_.push_back(&parameter);
      gradients_.push_back(gradient);
    }
  }
}

void Executor::choose_batch(std::int64_t n) {
  if (n == batch_) return;
  batch_ = n;
  const DType dtype = model_.dtype();
  for (std::size_t i = 0; i < samples_.size(); ++i)
    inputs_[i] = {values_[input_values_[i]].data, samples_[i].with_leading(n), dtype};
  for (StepPlan& step : steps_) {
    step.output = {values_[step.value].data, step.output_shape.with_leading(n), dtype};
    for (std::size_t k = 0; k < step.input_views.size(); ++k)
      step.input_views[k] = {values_[step.input_values[k]].data, step.input_shapes[k].with_leading(n), dtype};
  }
}

void Executor::prepare_kernels() {
  for (const StepPlan& step : steps_)
    if (auto* convolution = dynamic_cast<detail::FusedConvolution*>(step.fused.get()))
      convolution->prepare(model_.backend(), step.input_shapes[0]);
}

std::size_t Executor::prepared_bytes() const {
  std::size_t bytes = 0;
  for (const StepPlan& step : steps_)
    if (const auto* convolution = dynamic_cast<const detail::FusedConvolution*>(step.fused.get()))
      bytes += convolution->prepared_bytes();
  return bytes;
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

// Each layer has a stream of its own in each pass.
std::uint64_t Executor::seed_of(const Pass& pass, std::size_t layer) {
  return pass.seed ^ ((static_cast<std::uint64_t>(layer) + 1) * 0xd1342543de82ef95u);
}

void Executor::forward(Pass pass) {
  for (const StepPlan& step : steps_) {
    if (step.layer->only_reshapes()) {
      if (runs(step)) copy(step.input_views[0], step.output);
      continue;
    }
    step.layer->forward({.backend = model_.backend(),
                         .inputs = step.input_views,
                         .output = step.output,
                         .tape = step.tape,
                         .training = pass.training,
                         .logits = pass.logits && step.is_output,
                         .seed = seed_of(pass, step.last_node())});
    if (pass.training && !explains_) step.layer->update_state(step.tape);
    if (observer_) observer_(step.nodes, false);
  }
}

TensorView Executor::output_gradient(std::size_t i) const {
  const StepPlan& step = steps_[outputs_[i]];
  return {values_[step.value].gradient, step.output.shape, step.output.dtype};
}

ConstTensorView Executor::gradient_of(std::int64_t layer) const {
  const StepPlan& step = step_at(layer);
  const Value& value = values_[step.value];
  return {value.kept != nullptr ? value.kept : value.gradient, step.output.shape, step.output.dtype};
}

ConstTensorView Executor::gradient_of_input(std::size_t i) const {
  return {values_[input_values_[i]].gradient, inputs_[i].shape, inputs_[i].dtype};
}

void Executor::backward(Pass pass) {
  for (Value& value : values_) value.written = false;
  for (const std::size_t output : outputs_) values_[steps_[output].value].written = true;
  for (std::size_t i = steps_.size(); i-- > 0;)
    if (steps_[i].goes_backward) backward(steps_[i], pass);
}

void Executor::backward(StepPlan& step, Pass pass) {
  for (std::size_t k = 0; k < step.input_views.size(); ++k) {
    Value& value = values_[step.input_values[k]];
    step.input_gradients[k] = {!value.wants_gradient ? nullptr
                               : value.written       ? step.scratch[k]
                                                     : value.gradient,
                               step.input_views[k].shape, step.input_views[k].dtype};
    value.written = true;
  }
  const TensorView output_gradient{values_[step.value].gradient, step.output.shape, step.output.dtype};
  if (explains_) copy(output_gradient, {values_[step.value].kept, step.output.shape, step.output.dtype});
  if (step.layer->only_reshapes())
    copy(output_gradient, step.input_gradients[0]);
  else
    run_backward(step, output_gradient, pass);
  for (std::size_t k = 0; k < step.input_views.size(); ++k) {
    if (step.scratch[k] == nullptr) continue;
    const TensorView sum{values_[step.input_values[k]].gradient, step.input_views[k].shape,
                         step.input_views[k].dtype};
    model_.backend().add(sum, step.input_gradients[k], sum);
  }
  if (observer_) observer_(step.nodes, true);
}

void Executor::run_backward(const StepPlan& step, TensorView output_gradient, Pass pass) {
  step.layer->backward({.backend = model_.backend(),
                        .inputs = step.input_views,
                        .output = step.output,
                        .output_gradient = output_gradient,
                        .input_gradients = step.input_gradients,
                        .parameter_gradients = step.parameter_gradients,
                        .kernel_rate = step.moves_kernel ? std::optional(pass.learning_rate) : std::nullopt,
                        .tape = step.tape,
                        .training = pass.training,
                        .logits = pass.logits && step.is_output,
                        .seed = seed_of(pass, step.last_node())});
}

}  // namespace neurona
