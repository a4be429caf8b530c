#include "neurona/terms.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "backend/backend.hpp"
#include "layers/explained_layer.hpp"

namespace neurona {

namespace {

// activation(z) in double.
double activated(Activation activation, double z) {
  double y = 0.0;
  make_reference_backend()->activation_forward(activation, {&z, {1}, DType::float64},
                                               {&y, {1}, DType::float64});
  return y;
}

Place with_kind(Place::Kind kind, const ExplainedLayer& layer, Element at = {}, std::int64_t number = 0) {
  return {.kind = kind, .layer = layer.number, .number = number, .sample = at.sample, .index = at.index};
}

}  // namespace

double activation_slope(Activation activation, double kept) {
  const double one = 1.0;
  double slope = 0.0;
  make_reference_backend()->activation_backward(activation, {&kept, {1}, DType::float64},
                                                {&one, {1}, DType::float64}, {&slope, {1}, DType::float64});
  return slope;
}

double Explanation::result() const {
  switch (combine) {
    case Combine::given:
      return value;
    case Combine::softmax:
      return chosen ? chosen->value / total : std::nan("");
    case Combine::inverse_root:
      return 1.0 / std::sqrt(total);
    case Combine::derivative:
      return activation_slope(activation, total);
    case Combine::copy:
    case Combine::sum:
    case Combine::mean:
    case Combine::maximum:
    case Combine::loss:
      break;
  }
  return activated(activation, total);
}

Terms::Terms(const ExplainedLayer& layer, std::int64_t most) : layer_(&layer), most_(most) {
  told_.combine = Combine::sum;
}

std::size_t Terms::inputs() const { return layer_->inputs.size(); }
const Shape& Terms::input_shape(std::size_t input) const { return layer_->inputs[input].shape; }
const Shape& Terms::output_shape() const { return layer_->output.shape; }
bool Terms::training() const { return layer_->training; }
std::uint64_t Terms::seed() const { return layer_->seed; }

double Terms::on_tape(std::int64_t i) const {
  const DType dtype = layer_->output.dtype;
  return number_at(
      {layer_->tape.data(), {static_cast<std::int64_t>(layer_->tape.size() / size_of(dtype))}, dtype}, i);
}

Factor Terms::input(Element at, std::size_t input) const {
  Place place = layer_->input_places[input];
  place.sample = at.sample;
  place.index = at.index;
  return {number_at(layer_->inputs[input], at), place};
}

Factor Terms::output(Element at) const {
  return {number_at(layer_->output, at), with_kind(Place::Kind::output, *layer_, at)};
}

Factor Terms::parameter(std::size_t parameter, std::int64_t index) const {
  return {number_at(layer_->parameters[parameter], index),
          with_kind(Place::Kind::parameter, *layer_, {0, index}, static_cast<std::int64_t>(parameter))};
}

Factor Terms::sum_gradient(Element at) const {
  const bool is_output = layer_->activation == Activation::linear;
  return {number_at(layer_->sum_gradient, at),
          with_kind(is_output ? Place::Kind::output_gradient : Place::Kind::sum_gradient, *layer_, at)};
}

Factor Terms::parameter_gradient(std::size_t parameter, std::int64_t index) const {
  return {
      number_at(layer_->parameter_gradients[parameter], index),
      with_kind(Place::Kind::parameter_gradient, *layer_, {0, index}, static_cast<std::int64_t>(parameter))};
}

Factor Terms::inner(std::size_t inner, Element at, double value) const {
  return {value, with_kind(Place::Kind::inner, *layer_, at, static_cast<std::int64_t>(inner))};
}

Factor Terms::constant(double value, std::string_view text) {
  return {value, {.kind = Place::Kind::constant, .text = text}};
}

void Terms::add(std::initializer_list<Factor> factors) {
  double product = 1.0;
  for (const Factor& factor : factors) product *= factor.value;
  add(product, factors);
}

void Terms::add(double value, std::initializer_list<Factor> factors) {
  const std::int64_t order = told_.count++;
  factors_ += factors.size();
  if (told_.combine == Combine::maximum) {
    if (!told_.chosen || value > told_.total || (std::isnan(value) && !std::isnan(told_.total))) {
      told_.chosen = Term{value, factors};
      told_.total = value;
    }
  } else {
    told_.total += value;
  }
  if (most_ == 0 || (smallest_ && !(size(value) > *smallest_))) {
    told_.rest += value;
    return;
  }
  kept_.push_back({{value, factors}, order});
  if (static_cast<std::int64_t>(kept_.size() / 2) >= most_) prune();
}

// A NaN is larger than all numbers.
double Terms::size(double value) const {
  if (std::isnan(value)) return std::numeric_limits<double>::infinity();
  return told_.combine == Combine::maximum ? value : std::abs(value);
}

void Terms::prune() {
  if (static_cast<std::int64_t>(kept_.size()) <= most_) return;
  const auto end = kept_.begin() + static_cast<std::ptrdiff_t>(most_);
  std::nth_element(kept_.begin(), end - 1, kept_.end(), [&](const Kept& a, const Kept& b) {
    return std::pair(size(b.term.value), a.order) < std::pair(size(a.term.value), b.order);
  });
  smallest_ = size((end - 1)->term.value);
  for (auto it = end; it != kept_.end(); ++it) told_.rest += it->term.value;
  kept_.erase(end, kept_.end());
}

Explanation Terms::take() {
  prune();
  std::sort(kept_.begin(), kept_.end(), [](const Kept& a, const Kept& b) { return a.order < b.order; });
  for (Kept& kept : kept_) told_.terms.push_back(std::move(kept.term));
  if (told_.combine == Combine::maximum) told_.rest = 0.0;
  if (told_.combine == Combine::sum && told_.count == 1 && factors_ == 1) told_.combine = Combine::copy;
  return std::move(told_);
}

}  // namespace neurona
