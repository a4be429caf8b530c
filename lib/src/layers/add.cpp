#include "backend/backend.hpp"
#include "neurona/error.hpp"
#include "neurona/layers.hpp"

namespace neurona {

Add::Add(AddOptions options) { set_name(std::move(options.name)); }

Shape Add::output_shape(std::span<const Shape> inputs) const {
  if (inputs.size() < 2)
    throw ShapeError(label() + " received " + std::to_string(inputs.size()) + " input; it adds two or more.");
  for (const Shape& in : inputs)
    if (!(in == inputs[0]))
      throw ShapeError(label() + " received inputs of shapes " + inputs[0].to_string() + " and " +
                       in.to_string() + "; they must agree.");
  return inputs[0];
}

void Add::forward(const ForwardPass& pass) const {
  pass.backend.add(pass.inputs[0], pass.inputs[1], pass.output);
  for (std::size_t i = 2; i < pass.inputs.size(); ++i)
    pass.backend.add(pass.output, pass.inputs[i], pass.output);
}

void Add::backward(const BackwardPass& pass) const {
  for (const TensorView& dx : pass.input_gradients)
    if (dx) copy(pass.output_gradient, dx);
}

void Add::explain_sum(Terms& terms, Element at) const {
  for (std::size_t i = 0; i < terms.inputs(); ++i) terms.add({terms.input(at, i)});
}

void Add::explain_input_gradient(Terms& terms, Element at, std::size_t) const {
  terms.add({terms.sum_gradient(at)});
}

std::unique_ptr<Layer> Add::from_config(const Config&) { return std::make_unique<Add>(); }

}  // namespace neurona
