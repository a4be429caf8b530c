#include "neurona/layer.hpp"

#include "neurona/error.hpp"
#include "neurona/layers.hpp"

namespace neurona {

std::vector<ParameterSpec> Layer::parameter_specs(std::span<const Shape>) const { return {}; }

void Layer::build(std::span<const Shape> inputs, DType dtype, Rng& rng) {
  parameters_.clear();
  output_shape(inputs);
  for (const ParameterSpec& spec : parameter_specs(inputs)) {
    parameters_.push_back({spec.name, Tensor(spec.shape, dtype), spec.trainable, spec.regularizer});
    initialize(spec.initializer, parameters_.back().value.view(), spec.fan_in, spec.fan_out, rng);
  }
}

std::int64_t Layer::count_params() const {
  std::int64_t count = 0;
  for (const Parameter& parameter : parameters_) count += parameter.value.elements();
  return count;
}

std::int64_t Layer::count_trainable_params() const {
  std::int64_t count = 0;
  for (const Parameter& parameter : parameters_)
    if (trainable_ && parameter.trainable) count += parameter.value.elements();
  return count;
}

std::string Layer::label() const { return std::string(type()) + (name_.empty() ? "" : " '" + name_ + "'"); }

namespace {

[[noreturn]] void refuse_to_explain(const std::string& label, const char* function) {
  throw ValueError(label + " does not tell where its numbers come from. Override Layer::" + function +
                   " in its class.");
}

}  // namespace

void Layer::explain_sum(Terms& terms, Element at) const {
  if (!only_reshapes()) refuse_to_explain(label(), "explain_sum");
  terms.add({terms.input(at)});
}

void Layer::explain_input_gradient(Terms& terms, Element at, std::size_t) const {
  if (!only_reshapes()) refuse_to_explain(label(), "explain_input_gradient");
  terms.add({terms.sum_gradient(at)});
}

void Layer::explain_parameter_gradient(Terms&, std::size_t, std::int64_t) const {
  refuse_to_explain(label(), "explain_parameter_gradient");
}

void Layer::explain_inner(Terms&, Element, std::size_t) const { refuse_to_explain(label(), "explain_inner"); }

namespace {

struct Entry {
  std::string_view type;
  std::unique_ptr<Layer> (*from_config)(const Config&);
};

constexpr Entry kLayers[] = {
#define NEURONA_LAYER(Class, type) {type, Class::from_config},
#include "layers/layers.def"
#undef NEURONA_LAYER
};

}  // namespace

std::unique_ptr<Layer> make_layer(std::string_view type, const Config& config) {
  std::string known;
  for (const Entry& entry : kLayers) {
    if (entry.type == type) return entry.from_config(config);
    known += (known.empty() ? "" : ", ") + std::string(entry.type);
  }
  throw ValueError("Unknown layer '" + std::string(type) + "'. Known: " + known + ".");
}

std::vector<std::string> layer_types() {
  std::vector<std::string> types;
  for (const Entry& entry : kLayers) types.emplace_back(entry.type);
  return types;
}

}  // namespace neurona
