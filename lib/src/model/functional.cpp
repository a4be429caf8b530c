#include <algorithm>

#include "model/model_impl.hpp"
#include "neurona/error.hpp"
#include "neurona/layers.hpp"

namespace neurona {

namespace {

constexpr int kUnvisited = -1;

}  // namespace

Functional::Functional(SequentialOptions options) {
  impl_->name = std::move(options.name);
  impl_->is_sequential = false;
  impl_->seed = options.seed;
  impl_->dtype = options.dtype;
  if (!impl_->backend->supports(options.dtype)) impl_->backend = make_backend("reference");
}

Node Functional::input(const Shape& shape, std::string name) {
  if (!impl_->outputs.empty())
    throw ValueError("Functional '" + impl_->name + "': its outputs are set; it takes no more layers.");
  const int index = impl_->append(
      std::make_unique<InputLayer>(InputLayerOptions{.shape = shape, .name = std::move(name)}), {});
  impl_->inputs.push_back(index);
  return {index};
}

Node Functional::add(std::unique_ptr<Layer> layer, const std::vector<Node>& inputs) {
  if (!impl_->outputs.empty())
    throw ValueError("Functional '" + impl_->name + "': its outputs are set; it takes no more layers.");
  const std::string label =
      std::string(layer->type()) + (layer->name().empty() ? "" : " '" + layer->name() + "'");
  if (inputs.empty())
    throw ValueError("Functional '" + impl_->name + "': " + label +
                     " received no inputs; name the nodes that it takes from.");
  std::vector<int> from;
  for (const Node& node : inputs) {
    if (node.index < 0 || node.index >= static_cast<int>(impl_->nodes.size()))
      throw ValueError("Functional '" + impl_->name + "': " + label +
                       " takes from a node that is not of this model.");
    from.push_back(node.index);
  }
  return {impl_->append(std::move(layer), std::move(from))};
}

// Keras' order of layers: by depth, the longest way to an output, then as a walk from the outputs meets them.
// The published weights and the summary follow it (keras/engine/functional.py, _map_graph_network).
void Functional::set_outputs(const std::vector<Node>& outputs) {
  auto& nodes = impl_->nodes;
  if (outputs.empty())
    throw ValueError("Functional '" + impl_->name +
                     "': set_outputs received no nodes; it takes one or more.");
  if (!impl_->outputs.empty())
    throw ValueError("Functional '" + impl_->name + "': its outputs are already set.");
  std::vector<int> met(nodes.size(), kUnvisited), depth(nodes.size(), 0), stack;
  int count = 0;
  for (const Node& output : outputs) {
    if (output.index < 0 || output.index >= static_cast<int>(nodes.size()))
      throw ValueError("Functional '" + impl_->name +
                       "': set_outputs received a node that is not of this model.");
    stack.push_back(output.index);
    while (!stack.empty()) {
      const int index = stack.back();
      stack.pop_back();
      if (met[static_cast<std::size_t>(index)] != kUnvisited) continue;
      met[static_cast<std::size_t>(index)] = count++;
      const std::vector<int>& from = nodes[static_cast<std::size_t>(index)].inputs;
      stack.insert(stack.end(), from.rbegin(), from.rend());
    }
  }
  // Nodes stand behind what they take from: backwards, all consumers come first.
  for (std::size_t i = nodes.size(); i-- > 0;) {
    if (met[i] == kUnvisited) continue;
    for (const int from : nodes[i].inputs)
      depth[static_cast<std::size_t>(from)] = std::max(depth[static_cast<std::size_t>(from)], depth[i] + 1);
  }
  std::vector<int> order;
  for (std::size_t i = 0; i < nodes.size(); ++i)
    if (met[i] != kUnvisited) order.push_back(static_cast<int>(i));
  std::sort(order.begin(), order.end(), [&](int a, int b) {
    const auto i = static_cast<std::size_t>(a), j = static_cast<std::size_t>(b);
    return depth[i] != depth[j] ? depth[i] > depth[j] : met[i] < met[j];
  });
  std::vector<int> place(nodes.size(), kUnvisited);
  for (std::size_t i = 0; i < order.size(); ++i)
    place[static_cast<std::size_t>(order[i])] = static_cast<int>(i);
  for (const int input : impl_->inputs)
    if (place[static_cast<std::size_t>(input)] == kUnvisited)
      throw ValueError("Functional '" + impl_->name + "': no output needs its input '" +
                       nodes[static_cast<std::size_t>(input)].layer->name() +
                       "'. Leave it out, or add the output that does.");
  std::vector<Impl::Node> ordered;
  for (const int old : order) {
    Impl::Node& node = ordered.emplace_back(std::move(nodes[static_cast<std::size_t>(old)]));
    for (int& from : node.inputs) from = place[static_cast<std::size_t>(from)];
  }
  nodes = std::move(ordered);
  for (int& input : impl_->inputs) input = place[static_cast<std::size_t>(input)];
  for (const Node& output : outputs) impl_->outputs.push_back(place[static_cast<std::size_t>(output.index)]);
}

}  // namespace neurona
