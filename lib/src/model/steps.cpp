#include "model/steps.hpp"

#include <algorithm>

#include "layers/fused_conv2d.hpp"

namespace neurona {

namespace {

constexpr std::size_t kNone = static_cast<std::size_t>(-1);

// Finds, convolution by convolution, the layers behind it that become one step with it.
class Fuser {
 public:
  Fuser(const Model::Impl& model, Fusion fusion) : model_(model), fusion_(fusion), taken_(model.nodes.size()), next_(model.nodes.size(), kNone) {
    std::vector<int> takers(model.nodes.size());
    for (std::size_t i = 0; i < model.nodes.size(); ++i)
      for (const int input : model.nodes[i].inputs)
        if (input != Model::Impl::kSamples) {
          ++takers[static_cast<std::size_t>(input)];
          next_[static_cast<std::size_t>(input)] = i;
        }
    for (std::size_t i = 0; i < takers.size(); ++i)
      if (takers[i] != 1) next_[i] = kNone;
    for (const int output : model.output_nodes()) next_[static_cast<std::size_t>(output)] = kNone;
  }

  std::vector<Step> steps() {
    const std::size_t count = model_.nodes.size();
    std::vector<Step> at(count);  // by the node that a step ends in
    for (std::size_t i = 0; i < count; ++i) {
      if (taken_[i]) continue;
      const Model::Impl::Node& node = model_.nodes[i];
      Step step{.layer = node.layer.get(), .fused = nullptr, .owner = node.layer.get(), .nodes = {i}, .inputs = node.inputs, .input_shapes = node.input_shapes};
      if (const auto* convolution = dynamic_cast<const Conv2D*>(node.layer.get())) fuse(*convolution, step);
      const std::size_t last = step.last_node();
      at[last] = std::move(step);
    }
    std::vector<Step> steps;
    for (Step& step : at)
      if (step.layer != nullptr) steps.push_back(std::move(step));
    return steps;
  }

 private:
  void fuse(const Conv2D& convolution, Step& step) {
    // Backwards the fused layer gives no gradient for its input.
    if (fusion_ == Fusion::training && !takes_samples(step)) return;
    auto fused = std::make_unique<detail::FusedConvolution>(convolution);
    while (next_[step.last_node()] != kNone && take(*fused, step)) {
      step.nodes.push_back(next_[step.last_node()]);
      taken_[step.last_node()] = true;
    }
    if (step.nodes.size() == 1) return;
    step.layer = fused.get();
    step.fused = std::move(fused);
  }

  bool takes_samples(const Step& step) const {
    const int input = step.inputs[0];
    return input == Model::Impl::kSamples || model_.nodes[static_cast<std::size_t>(input)].inputs.empty();
  }

  // Whether the layer behind the step's last one becomes part of it.
  bool take(detail::FusedConvolution& fused, Step& step) const {
    const Model::Impl::Node& node = model_.nodes[next_[step.last_node()]];
    if (taken_[next_[step.last_node()]]) return false;
    const Layer* layer = node.layer.get();
    if (const auto* pooling = dynamic_cast<const MaxPooling2D*>(layer)) return fused.take_pooling(*pooling, node.input_shapes[0]);
    if (fusion_ != Fusion::inference) return false;
    if (const auto* normalization = dynamic_cast<const BatchNormalization*>(layer)) return fused.take_normalization(*normalization);
    if (const auto* activation = dynamic_cast<const ActivationLayer*>(layer)) return fused.take_activation(*activation);
    if (dynamic_cast<const Add*>(layer) == nullptr || node.inputs.size() != 2 || !fused.take_addition()) return false;
    const std::size_t other = node.inputs[0] == static_cast<int>(step.last_node()) ? 1 : 0;
    step.inputs.push_back(node.inputs[other]);
    step.input_shapes.push_back(node.input_shapes[other]);
    return true;
  }

  const Model::Impl& model_;
  Fusion fusion_;
  std::vector<bool> taken_;
  std::vector<std::size_t> next_;  // the only layer that takes from a node; kNone where there are several, or it is an output
};

}  // namespace

std::vector<Step> steps_of(const Model::Impl& model, Fusion fusion) {
  if (fusion != Fusion::none) return Fuser(model, fusion).steps();
  std::vector<Step> steps;
  for (std::size_t i = 0; i < model.nodes.size(); ++i) {
    const Model::Impl::Node& node = model.nodes[i];
    steps.push_back({.layer = node.layer.get(), .fused = nullptr, .owner = node.layer.get(), .nodes = {i}, .inputs = node.inputs, .input_shapes = node.input_shapes});
  }
  return steps;
}

}  // namespace neurona
