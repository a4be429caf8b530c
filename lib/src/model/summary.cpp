// The table of keras.Model.summary in TensorFlow 2.0, for sequential models: 65 columns.
#include <string>

#include "model/model_impl.hpp"

namespace neurona {

namespace {

constexpr std::size_t kColumns[] = {29, 55, 65};  // where each field ends

std::string row(const std::string (&fields)[3]) {
  std::string line;
  for (std::size_t i = 0; i < 3; ++i) {
    if (i > 0) line.back() = ' ';
    line += fields[i];
    line.resize(kColumns[i], ' ');
  }
  return line + "\n";
}

std::string grouped(std::int64_t value) {
  std::string digits = std::to_string(value);
  for (auto i = static_cast<std::int64_t>(digits.size()) - 3; i > 0; i -= 3) digits.insert(static_cast<std::size_t>(i), ",");
  return digits;
}

}  // namespace

std::string Model::summary() const {
  const std::string thin = std::string(kColumns[2], '_') + "\n", thick = std::string(kColumns[2], '=') + "\n";
  std::string text = "Model: \"" + impl_->name + "\"\n" + thin + row({"Layer (type)", "Output Shape", "Param #"}) + thick;
  for (std::size_t i = 0; i < impl_->nodes.size(); ++i) {
    const Impl::Node& node = impl_->nodes[i];
    std::string shape = "(None";
    for (std::int64_t extent : node.output) shape += ", " + std::to_string(extent);
    text += row({node.layer->name() + " (" + std::string(node.layer->type()) + ")", shape + ")",
                 std::to_string(node.layer->count_params())});
    text += i + 1 < impl_->nodes.size() ? thin : thick;
  }
  const std::int64_t total = count_params(), trainable = count_trainable_params();
  return text + "Total params: " + grouped(total) + "\nTrainable params: " + grouped(trainable) +
         "\nNon-trainable params: " + grouped(total - trainable) + "\n" + thin;
}

}  // namespace neurona
