// The table of keras.Model.summary in TensorFlow 2.0: 65 columns for a chain of layers, 98 with connections
// for other graphs.
#include <algorithm>
#include <string>

#include "model/model_impl.hpp"

namespace neurona {

namespace {

// Where each field ends.
const std::vector<std::size_t> kChain = {29, 55, 65}, kGraph = {32, 53, 65, 98};

std::string row(const std::vector<std::string>& fields, const std::vector<std::size_t>& columns) {
  std::string line;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (i > 0) line.back() = ' ';
    line += fields[i];
    line.resize(columns[i], ' ');
  }
  return line + "\n";
}

std::string grouped(std::int64_t value) {
  std::string digits = std::to_string(value);
  for (auto i = static_cast<std::int64_t>(digits.size()) - 3; i > 0; i -= 3)
    digits.insert(static_cast<std::size_t>(i), ",");
  return digits;
}

// "(None, 28, 28)"; an InputLayer's in brackets, as Keras has a list there.
std::string shape_of(const Layer& layer, const Shape& output) {
  std::string shape = "(None";
  for (const std::int64_t extent : output) shape += ", " + std::to_string(extent);
  shape += ")";
  return layer.type() == "InputLayer" ? "[" + shape + "]" : shape;
}

}  // namespace

std::string Model::summary() const {
  const auto& nodes = impl_->nodes;
  // Keras prints a chain narrow: one node behind the other.
  bool chain = true;
  for (std::size_t i = 0; i < nodes.size(); ++i)
    chain = chain &&
            (impl_->is_sequential || (i == 0 ? nodes[i].inputs.empty()
                                             : nodes[i].inputs == std::vector<int>{static_cast<int>(i) - 1}));
  const std::vector<std::size_t>& columns = chain ? kChain : kGraph;
  const std::string thin = std::string(columns.back(), '_') + "\n",
                    thick = std::string(columns.back(), '=') + "\n";
  std::string text = "Model: \"" + impl_->name + "\"\n" + thin +
                     row({"Layer (type)", "Output Shape", "Param #", "Connected to"}, columns) + thick;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const Layer& layer = *nodes[i].layer;
    const auto connection = [&](std::size_t k) {
      return k < nodes[i].inputs.size() && nodes[i].inputs[k] >= 0
                 ? nodes[static_cast<std::size_t>(nodes[i].inputs[k])].layer->name() + "[0][0]"
                 : std::string();
    };
    text += row({layer.name() + " (" + std::string(layer.type()) + ")", shape_of(layer, nodes[i].output),
                 std::to_string(layer.count_params()), connection(0)},
                columns);
    for (std::size_t k = 1; !chain && k < nodes[i].inputs.size(); ++k)
      text += row({"", "", "", connection(k)}, columns);
    text += i + 1 < nodes.size() ? thin : thick;
  }
  const std::int64_t total = count_params(), trainable = count_trainable_params();
  return text + "Total params: " + grouped(total) + "\nTrainable params: " + grouped(trainable) +
         "\nNon-trainable params: " + grouped(total - trainable) + "\n" + thin;
}

std::vector<LayerCost> Model::costs() const {
  const auto bytes = static_cast<std::int64_t>(size_of(impl_->dtype));
  std::vector<LayerCost> all;
  for (const auto& node : impl_->nodes) {
    const Layer& layer = *node.layer;
    const std::int64_t params = layer.count_params();
    all.push_back({layer.name(), std::string(layer.type()), node.output, params,
                   layer.count_trainable_params(), layer.multiply_adds(node.input_shapes), params * bytes,
                   node.output.elements() * bytes});
  }
  return all;
}

}  // namespace neurona
