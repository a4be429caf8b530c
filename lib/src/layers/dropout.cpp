#include "backend/backend.hpp"
#include "backend/moves.hpp"
#include "layers/config_shape.hpp"
#include "neurona/error.hpp"
#include "neurona/layers.hpp"

namespace neurona {

Dropout::Dropout(DropoutOptions options) : options_(std::move(options)) {
  set_name(options_.name);
  if (!(options_.rate >= 0.0 && options_.rate < 1.0))
    throw ValueError(label() + ": rate = " + std::to_string(options_.rate) + "; it must be in [0, 1).");
}

void Dropout::forward(const ForwardPass& pass) const {
  pass.backend.dropout(pass.training ? options_.rate : 0.0, pass.seed, pass.inputs[0], pass.output);
}

// What was dropped is drawn again from the seed: nothing needs to be kept.
void Dropout::backward(const BackwardPass& pass) const {
  if (pass.input_gradients[0])
    pass.backend.dropout(pass.training ? options_.rate : 0.0, pass.seed, pass.output_gradient,
                         pass.input_gradients[0]);
}

namespace {

// value * mask * scale; as it is where nothing is dropped.
void add_masked(Terms& terms, const Factor& value, double rate, Element at) {
  if (!terms.training() || rate == 0.0) return terms.add({value});
  const std::int64_t each = terms.output_shape().without_leading().elements();
  const bool kept = !moves::drops(moves::dropout_threshold(rate), terms.seed(), at.sample * each + at.index);
  terms.add({value, Terms::constant(kept ? 1.0 : 0.0, "mask"),
             Terms::constant(1.0 / (1.0 - rate), "1 / (1 - rate)")});
}

}  // namespace

void Dropout::explain_sum(Terms& terms, Element at) const {
  add_masked(terms, terms.input(at), options_.rate, at);
}

void Dropout::explain_input_gradient(Terms& terms, Element at, std::size_t) const {
  add_masked(terms, terms.sum_gradient(at), options_.rate, at);
}

Config Dropout::config() const {
  Config config;
  config.set("rate", options_.rate);
  detail::put_input_shape(config, options_.input_shape);
  return config;
}

std::unique_ptr<Layer> Dropout::from_config(const Config& config) {
  return std::make_unique<Dropout>(
      DropoutOptions{.rate = config.number("rate"), .input_shape = detail::get_input_shape(config)});
}

}  // namespace neurona
