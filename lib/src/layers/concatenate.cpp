#include "backend/backend.hpp"
#include "neurona/error.hpp"
#include "neurona/layers.hpp"

namespace neurona {

namespace {

// Axis of the shape with the batch first.
int resolved(int axis, int rank) { return axis < 0 ? axis + rank : axis; }

// A shape as (outer, inner): what lies before the axis, and the axis with all behind it.
std::pair<std::int64_t, std::int64_t> folded(const Shape& shape, int axis) {
  std::int64_t outer = 1;
  for (int i = 0; i < axis; ++i) outer *= shape[i];
  return {outer, outer > 0 ? shape.elements() / outer : 0};
}

}  // namespace

Concatenate::Concatenate(ConcatenateOptions options) : options_(std::move(options)) {
  set_name(options_.name);
  if (options_.axis == 0) throw ValueError(label() + ": axis = 0 is the batch; join along another one.");
}

Shape Concatenate::output_shape(std::span<const Shape> inputs) const {
  if (inputs.size() < 2)
    throw ShapeError(label() + " received " + std::to_string(inputs.size()) +
                     " input; it joins two or more.");
  const int axis = resolved(options_.axis, inputs[0].rank() + 1) - 1;
  if (axis < 0 || axis >= inputs[0].rank())
    throw ShapeError(label() + " received samples of shape " + inputs[0].to_string() +
                     "; they have no axis " + std::to_string(options_.axis) + " (the batch is axis 0).");
  std::int64_t sum = 0;
  for (const Shape& in : inputs) {
    bool fits = in.rank() == inputs[0].rank();
    for (int i = 0; fits && i < in.rank(); ++i) fits = i == axis || in[i] == inputs[0][i];
    if (!fits)
      throw ShapeError(label() + " received inputs of shapes " + inputs[0].to_string() + " and " +
                       in.to_string() + "; all extents but that of axis " + std::to_string(options_.axis) +
                       " must agree.");
    sum += in[axis];
  }
  Shape out;
  for (int i = 0; i < inputs[0].rank(); ++i) out = out.with_trailing(i == axis ? sum : inputs[0][i]);
  return out;
}

void Concatenate::forward(const ForwardPass& pass) const {
  const int axis = resolved(options_.axis, pass.output.shape.rank());
  std::int64_t offset = 0;
  for (const ConstTensorView& x : pass.inputs) {
    const auto [outer, inner] = folded(x.shape, axis);
    pass.backend.copy_columns(
        {x.data, {outer, inner}, x.dtype}, 0,
        {pass.output.data, {outer, folded(pass.output.shape, axis).second}, pass.output.dtype}, offset,
        inner);
    offset += inner;
  }
}

void Concatenate::backward(const BackwardPass& pass) const {
  const int axis = resolved(options_.axis, pass.output.shape.rank());
  const ConstTensorView dy(pass.output_gradient.data,
                           {folded(pass.output.shape, axis).first, folded(pass.output.shape, axis).second},
                           pass.output.dtype);
  std::int64_t offset = 0;
  for (std::size_t i = 0; i < pass.inputs.size(); ++i) {
    const auto [outer, inner] = folded(pass.inputs[i].shape, axis);
    if (const TensorView dx = pass.input_gradients[i])
      pass.backend.copy_columns(dy, offset, {dx.data, {outer, inner}, dx.dtype}, 0, inner);
    offset += inner;
  }
}

void Concatenate::explain_sum(Terms& terms, Element at) const {
  const Shape& y = terms.output_shape();
  const int axis = resolved(options_.axis, y.rank());
  const std::int64_t row = folded(y, axis).second;  // values of one input after another
  std::int64_t within = at.index % row;
  for (std::size_t i = 0; i < terms.inputs(); ++i) {
    const std::int64_t inner = folded(terms.input_shape(i), axis).second;
    if (within < inner) return terms.add({terms.input({at.sample, at.index / row * inner + within}, i)});
    within -= inner;
  }
}

void Concatenate::explain_input_gradient(Terms& terms, Element at, std::size_t input) const {
  const Shape& y = terms.output_shape();
  const int axis = resolved(options_.axis, y.rank());
  std::int64_t before = 0;
  for (std::size_t i = 0; i < input; ++i) before += folded(terms.input_shape(i), axis).second;
  const std::int64_t inner = folded(terms.input_shape(input), axis).second;
  terms.add({terms.sum_gradient(
      {at.sample, at.index / inner * folded(y, axis).second + before + at.index % inner})});
}

Config Concatenate::config() const {
  Config config;
  config.set("axis", std::int64_t{options_.axis});
  return config;
}

std::unique_ptr<Layer> Concatenate::from_config(const Config& config) {
  const std::int64_t axis = config.integer("axis");
  if (axis < -Shape::kMaxRank || axis > Shape::kMaxRank)
    throw FormatError("Config: 'axis' = " + std::to_string(axis) + "; no tensor has it.");
  return std::make_unique<Concatenate>(ConcatenateOptions{.axis = static_cast<int>(axis)});
}

}  // namespace neurona
