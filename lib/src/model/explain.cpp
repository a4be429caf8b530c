#include "neurona/explain.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "layers/explained_layer.hpp"
#include "model/executor.hpp"
#include "model/model_impl.hpp"
#include "neurona/error.hpp"
#include "train/batches.hpp"
#include "train/penalties.hpp"

namespace neurona {

namespace {

using Kind = Place::Kind;

bool is_gradient(Kind kind) {
  return kind == Kind::input_gradient || kind == Kind::output_gradient || kind == Kind::sum_gradient ||
         kind == Kind::parameter_gradient;
}

std::size_t unsigned_of(std::int64_t i) { return static_cast<std::size_t>(i); }

Element element_of(const Place& place) { return {place.sample, place.index}; }

// Calls visit(j) for the values of a row (last axis) that value `index` lies in.
template <class Visit>
void for_row(const Shape& shape, std::int64_t index, Visit visit) {
  const std::int64_t F = shape.back(), first = index / F * F;
  for (std::int64_t j = first; j < first + F; ++j) visit(j);
}

// "index = 12 of dense (10,); it goes from 0 to 9."
[[noreturn]] void refuse(const std::string& what, std::int64_t received, const std::string& of,
                         std::int64_t count) {
  throw ValueError("Explainer: " + what + " = " + std::to_string(received) + " of " + of + "; " +
                   (count > 0 ? "it goes from 0 to " + std::to_string(count - 1) + "." : "there is none."));
}

void check_range(const std::string& what, std::int64_t received, const std::string& of, std::int64_t count) {
  if (received < 0 || received >= count) refuse(what, received, of, count);
}

}  // namespace

struct Explainer::Impl {
  // Who takes a value: input `input` of a layer.
  struct Taker {
    std::int64_t layer;
    std::size_t input;
  };

  explicit Impl(Model& of, const Model::Impl& parts) : model(of), contents(parts) {}

  // --- passes
  void prepare(std::int64_t n, bool keeps_gradients);
  void forward(ExplainOptions options, bool logits);
  void connect();
  void read_layer(std::int64_t i);
  void find_sum(ExplainedLayer& layer);
  void read_gradients(ExplainedLayer& layer);
  double backward(const Dataset& batch, ExplainOptions options);
  double add_penalties();

  // --- questions
  const ExplainedLayer& layer(const Place& place) const { return layers[unsigned_of(place.layer)]; }
  const Layer& node(const Place& place) const { return *contents.nodes[unsigned_of(place.layer)].layer; }
  bool is_loss_of(const Place& place) const;
  bool works_on_logits(const Place& place) const { return pass.logits && place.layer == output_layer(); }
  std::int64_t output_layer() const { return contents.output_nodes()[0]; }
  Shape shape_of(const Place& place) const;
  std::string subject(const Place& place) const;
  bool is_of_sample(const Place& place) const;
  Place checked(Place place) const;
  void check_layer(const Place& place) const;
  void check_number(const Place& place) const;
  void check_gradient(const Place& place) const;
  double number(const Place& place) const;
  double slope(const Place& place) const;
  Factor factor(const Place& place) const { return {number(place), place}; }

  Explanation explain(const Place& place, std::int64_t most) const;
  Explanation explain_output(const Place& place, std::int64_t most) const;
  Explanation explain_softmax(const Place& place, std::int64_t most) const;
  Explanation explain_gradient(const Place& place, std::int64_t most) const;
  Explanation explain_sum_gradient(const Place& place, std::int64_t most) const;
  Explanation explain_slope(const Place& place) const;
  Explanation explain_parameter_gradient(const Place& place, std::int64_t most) const;

  Model& model;
  const Model::Impl& contents;
  std::optional<Executor> executor;
  Executor::Use use = Executor::Use::inspection;
  std::optional<Batches> batches;  // of the backward pass, as is the loss
  Handle<Loss> loss;
  Executor::Pass pass;
  bool has_gradients = false;
  std::int64_t batch = 0;
  std::vector<ExplainedLayer> layers;
  std::vector<std::vector<Taker>> takers, input_takers;  // by layer, by model input
  std::vector<std::int64_t> input_numbers;  // by layer: which model input an InputLayer is, or -1
  std::vector<Tensor> computed;             // what the executor does not keep
};

// --- passes --------------------------------------------------------------------------------------

void Explainer::Impl::prepare(std::int64_t n, bool keeps_gradients) {
  if (n < 1) throw ValueError("Explainer: there are no samples; give it at least one.");
  const Executor::Use wanted = keeps_gradients ? Executor::Use::explanation : Executor::Use::inspection;
  batch = 0;
  has_gradients = false;
  batches.reset();
  if (!executor || use != wanted || executor->max_batch() != n) executor.emplace(model, n, wanted);
  use = wanted;
}

void Explainer::Impl::forward(ExplainOptions options, bool logits) {
  pass = {.training = options.training, .logits = logits, .seed = options.seed};
  executor->forward(pass);
  connect();
  computed.clear();
  layers.assign(contents.nodes.size(), {});
  for (std::int64_t i = 0; i < model.size(); ++i) read_layer(i);
}

// Finds which layers take the output of a layer, or an input.
void Explainer::Impl::connect() {
  takers.assign(contents.nodes.size(), {});
  input_numbers.assign(contents.nodes.size(), -1);
  input_takers.assign(model.input_shapes().size(), {});
  for (std::size_t i = 0; i < contents.inputs.size(); ++i)
    input_numbers[unsigned_of(contents.inputs[i])] = static_cast<std::int64_t>(i);
  for (std::int64_t i = 0; i < model.size(); ++i) {
    const std::vector<int>& from = contents.nodes[unsigned_of(i)].inputs;
    for (std::size_t k = 0; k < from.size(); ++k) {
      const bool is_input = from[k] == Model::Impl::kSamples || input_numbers[unsigned_of(from[k])] >= 0;
      const std::int64_t number = from[k] == Model::Impl::kSamples ? 0 : input_numbers[unsigned_of(from[k])];
      (is_input ? input_takers[unsigned_of(number)] : takers[unsigned_of(from[k])]).push_back({i, k});
    }
  }
}

void Explainer::Impl::read_layer(std::int64_t i) {
  const Model::Impl::Node& from = contents.nodes[unsigned_of(i)];
  ExplainedLayer& layer = layers[unsigned_of(i)];
  layer.number = i;
  layer.activation = from.layer->final_activation();
  const auto views = executor->inputs_of(i);
  layer.inputs.assign(views.begin(), views.end());
  for (const int input : from.inputs) {
    const bool samples = input == Model::Impl::kSamples;
    const std::int64_t number = samples ? 0 : input_numbers[unsigned_of(input)];
    layer.input_places.push_back(number >= 0 ? Place{.kind = Kind::input, .number = number}
                                             : Place{.kind = Kind::output, .layer = input});
  }
  layer.output = layer.sum = executor->output_of(i);
  for (const Parameter& parameter : std::as_const(*from.layer).parameters())
    layer.parameters.push_back(parameter.value.view());
  layer.tape = executor->tape_of(i);
  layer.training = pass.training;
  layer.seed = Executor::seed_of(pass, unsigned_of(i));
  if (layer.activation != Activation::linear) find_sum(layer);
}

// Computes z, which the pass does not keep. Where the pass left the activation out, z is there: computes y.
void Explainer::Impl::find_sum(ExplainedLayer& layer) {
  Tensor& other = computed.emplace_back(layer.output.shape, layer.output.dtype);
  if (pass.logits && layer.number == output_layer()) {
    model.backend().activation_forward(layer.activation, layer.sum, other.view());
    layer.output = std::as_const(other).view();
    return;
  }
  contents.nodes[unsigned_of(layer.number)].layer->forward({.backend = model.backend(),
                                                            .inputs = layer.inputs,
                                                            .output = other.view(),
                                                            .training = pass.training,
                                                            .logits = true,
                                                            .seed = layer.seed});
  layer.sum = std::as_const(other).view();
}

double Explainer::Impl::backward(const Dataset& data, ExplainOptions options) {
  if (!model.compiled())
    throw ValueError("Explainer: model '" + model.name() +
                     "' is not compiled, so there is no loss. Call compile first.");
  check_one_input_and_output(model);
  prepare(data.size(), true);
  loss = model.compile_options().loss;
  executor->check_samples(data.sample_shape());
  loss->check(model.output_shape(), data);
  batches.emplace(data, *executor);
  batches->start_plain();
  batches->next();
  forward(options, wants_logits(model));
  const double sum = loss->evaluate(model.backend(), executor->output(), pass.logits, batches->targets(),
                                    executor->output_gradient());
  executor->backward(pass);
  const double penalties = add_penalties();
  for (ExplainedLayer& each : layers) read_gradients(each);
  batch = data.size();
  has_gradients = true;
  return sum / static_cast<double>(batch) + penalties;
}

// As in fit: those of frozen layers do not count.
double Explainer::Impl::add_penalties() {
  const std::vector<Parameter*> trained = model.trainable_parameters();
  std::vector<Parameter*> parameters;
  std::vector<TensorView> gradients;
  for (std::size_t i = 0; i < executor->trainable().size(); ++i) {
    Parameter* parameter = executor->trainable()[i];
    if (std::find(trained.begin(), trained.end(), parameter) == trained.end()) continue;
    parameters.push_back(parameter);
    gradients.push_back(executor->gradients()[i]);
  }
  add_penalty_gradients(model.backend(), parameters, gradients);
  return penalty(model.backend(), parameters);
}

void Explainer::Impl::read_gradients(ExplainedLayer& layer) {
  for (const TensorView& gradient : executor->parameter_gradients_of(layer.number))
    layer.parameter_gradients.push_back(gradient);
  const ConstTensorView gradient = executor->gradient_of(layer.number);
  if (pass.logits && layer.number == output_layer()) {
    layer.sum_gradient = gradient;
    return;
  }
  layer.output_gradient = layer.sum_gradient = gradient;
  if (layer.activation == Activation::linear) return;
  Tensor& by_sum = computed.emplace_back(gradient.shape, gradient.dtype);
  model.backend().activation_backward(layer.activation,
                                      differentiates_by_input(layer.activation) ? layer.sum : layer.output,
                                      gradient, by_sum.view());
  layer.sum_gradient = std::as_const(by_sum).view();
}

// --- places --------------------------------------------------------------------------------------

// Of one sample, or of the parameter.
Shape Explainer::Impl::shape_of(const Place& place) const {
  switch (place.kind) {
    case Kind::constant:
      return {};
    case Kind::input:
    case Kind::input_gradient:
      return model.input_shapes()[unsigned_of(place.number)];
    case Kind::parameter:
    case Kind::parameter_gradient:
      return layer(place).parameters[unsigned_of(place.number)].shape;
    case Kind::inner: {
      const Shape output = layer(place).output.shape.without_leading();
      return node(place).inner_values()[unsigned_of(place.number)].of_sample ? output : Shape{output.back()};
    }
    case Kind::output:
    case Kind::output_gradient:
    case Kind::sum:
    case Kind::sum_gradient:
    case Kind::slope:
      break;
  }
  return layer(place).output.shape.without_leading();
}

// What the place is an element of: "dense_1", "dense_1.z", "conv2d/kernel", "input".
std::string Explainer::Impl::subject(const Place& place) const {
  switch (place.kind) {
    case Kind::constant:
      return std::string(place.text);
    case Kind::input:
    case Kind::input_gradient:
      return contents.is_sequential
                 ? "input"
                 : contents.nodes[unsigned_of(contents.inputs[unsigned_of(place.number)])].layer->name();
    case Kind::parameter:
    case Kind::parameter_gradient:
      return node(place).name() + "/" + node(place).parameters()[unsigned_of(place.number)].name;
    case Kind::inner:
      return node(place).name() + "." +
             std::string(node(place).inner_values()[unsigned_of(place.number)].name);
    case Kind::slope:
      return node(place).name() + ".slope";
    case Kind::sum:
    case Kind::sum_gradient:
      return node(place).name() + ".z";
    case Kind::output:
    case Kind::output_gradient:
      break;
  }
  return node(place).name();
}

bool Explainer::Impl::is_of_sample(const Place& place) const {
  if (place.kind == Kind::inner) return node(place).inner_values()[unsigned_of(place.number)].of_sample;
  return place.kind != Kind::parameter && place.kind != Kind::parameter_gradient;
}

// Of several places with the same number the one that terms name: the gradient of an InputLayer's output is
// that of the input, and z is the output where there is no activation. Errors: ValueError.
Place Explainer::Impl::checked(Place place) const {
  if (batch == 0)
    throw ValueError("Explainer: there was no pass yet. Call forward or backward with samples first.");
  if (place.kind == Kind::constant)
    throw ValueError("Explainer: the constant '" + std::string(place.text) +
                     "' stands nowhere; its factor has its value.");
  if (is_gradient(place.kind) && !has_gradients)
    throw ValueError(
        "Explainer: a gradient was asked for, but the last pass had no backward pass. Call backward with "
        "samples and targets.");
  check_layer(place);
  check_number(place);
  if (is_gradient(place.kind) && place.kind != Kind::input_gradient &&
      input_numbers[unsigned_of(place.layer)] >= 0) {
    place.kind = Kind::input_gradient;
    place.number = input_numbers[unsigned_of(place.layer)];
    place.layer = -1;
  }
  if (place.layer >= 0 && layer(place).activation == Activation::linear) {
    if (place.kind == Kind::sum) place.kind = Kind::output;
    if (place.kind == Kind::sum_gradient) place.kind = Kind::output_gradient;
  }
  check_gradient(place);
  const Shape shape = shape_of(place);
  check_range("index", place.index, subject(place) + " " + shape.to_string(), shape.elements());
  check_range("sample", place.sample, "the batch", batch);
  if (place.kind == Kind::slope && layer(place).activation == Activation::softmax)
    check_range("number", place.number, subject(place) + " " + shape.to_string(), shape.elements());
  return place;
}

void Explainer::Impl::check_layer(const Place& place) const {
  if (place.kind == Kind::input || place.kind == Kind::input_gradient) return;
  check_range("layer", place.layer, "model '" + model.name() + "'", model.size());
}

void Explainer::Impl::check_number(const Place& place) const {
  const auto check = [&](const std::string& of, std::size_t count) {
    check_range("number", place.number, of, static_cast<std::int64_t>(count));
  };
  if (place.kind == Kind::input || place.kind == Kind::input_gradient)
    check("the inputs of model '" + model.name() + "'", input_takers.size());
  if (place.kind == Kind::parameter || place.kind == Kind::parameter_gradient)
    check("the parameters of " + node(place).name(), layer(place).parameters.size());
  if (place.kind == Kind::inner)
    check("the inner values of " + node(place).name(), node(place).inner_values().size());
}

void Explainer::Impl::check_gradient(const Place& place) const {
  if (place.kind == Kind::parameter_gradient && !layer(place).parameter_gradients[unsigned_of(place.number)])
    throw ValueError("Explainer: " + subject(place) + " is not moved by a gradient; it has none.");
  if (place.kind == Kind::output_gradient && works_on_logits(place))
    throw ValueError("Explainer: the loss works on what stands before the " +
                     std::string(to_string(layer(place).activation)) + " of " + subject(place) +
                     ", so only that has a gradient. Ask gradient_of_sum.");
}

double Explainer::Impl::slope(const Place& place) const {
  const ExplainedLayer& of = layer(place);
  if (of.activation != Activation::softmax)
    return of.activation == Activation::linear
               ? 1.0
               : activation_slope(of.activation,
                                  number_at(differentiates_by_input(of.activation) ? of.sum : of.output,
                                            element_of(place)));
  const double y = number_at(of.output, element_of(place)),
               by = number_at(of.output, Element{place.sample, place.number});
  const std::int64_t F = of.output.shape.back();
  if (place.index / F != place.number / F) return 0.0;
  return place.index == place.number ? y - y * by : -y * by;
}

// Of a checked place.
double Explainer::Impl::number(const Place& place) const {
  const Element at = element_of(place);
  switch (place.kind) {
    case Kind::input:
      return number_at(executor->input_view(unsigned_of(place.number)), at);
    case Kind::output:
      return number_at(layer(place).output, at);
    case Kind::sum:
      return number_at(layer(place).sum, at);
    case Kind::slope:
      return slope(place);
    case Kind::parameter:
      return number_at(layer(place).parameters[unsigned_of(place.number)], place.index);
    case Kind::input_gradient:
      return number_at(executor->gradient_of_input(unsigned_of(place.number)), at);
    case Kind::output_gradient:
      return number_at(layer(place).output_gradient, at);
    case Kind::sum_gradient:
      return number_at(layer(place).sum_gradient, at);
    case Kind::parameter_gradient:
      return number_at(layer(place).parameter_gradients[unsigned_of(place.number)], place.index);
    case Kind::constant:
    case Kind::inner:
      break;
  }
  return explain(place, 0).value;
}

// --- explanations --------------------------------------------------------------------------------

Explanation Explainer::Impl::explain(const Place& place, std::int64_t most) const {
  Explanation told;
  switch (place.kind) {
    case Kind::constant:
    case Kind::input:
    case Kind::parameter:
      break;
    case Kind::output:
      told = explain_output(place, most);
      break;
    case Kind::sum: {
      Terms terms(layer(place), most);
      node(place).explain_sum(terms, element_of(place));
      told = terms.take();
      break;
    }
    case Kind::inner: {
      Terms terms(layer(place), most);
      node(place).explain_inner(terms, element_of(place), unsigned_of(place.number));
      told = terms.take();
      told.value = told.result();
      break;
    }
    case Kind::slope:
      told = explain_slope(place);
      break;
    case Kind::input_gradient:
    case Kind::output_gradient:
      told = explain_gradient(place, most);
      break;
    case Kind::sum_gradient:
      told = explain_sum_gradient(place, most);
      break;
    case Kind::parameter_gradient:
      told = explain_parameter_gradient(place, most);
      break;
  }
  told.place = place;
  if (place.kind != Kind::inner) told.value = number(place);
  return told;
}

Explanation Explainer::Impl::explain_output(const Place& place, std::int64_t most) const {
  const ExplainedLayer& of = layer(place);
  if (input_numbers[unsigned_of(place.layer)] >= 0) {
    Terms terms(of, most);
    terms.add({factor({.kind = Kind::input,
                       .number = input_numbers[unsigned_of(place.layer)],
                       .sample = place.sample,
                       .index = place.index})});
    return terms.take();
  }
  if (of.activation == Activation::softmax) return explain_softmax(place, most);
  Terms terms(of, most);
  node(place).explain_sum(terms, element_of(place));
  Explanation told = terms.take();
  if (of.activation == Activation::linear) return told;
  told.z = number_at(of.sum, element_of(place));
  told.activation = of.activation;
  return told;
}

Explanation Explainer::Impl::explain_softmax(const Place& place, std::int64_t most) const {
  const ExplainedLayer& of = layer(place);
  const Shape shape = shape_of(place);
  const auto sum_at = [&](std::int64_t j) {
    return factor({.kind = Kind::sum, .layer = place.layer, .sample = place.sample, .index = j});
  };
  double largest = sum_at(place.index).value;
  for_row(shape, place.index, [&](std::int64_t j) { largest = std::max(largest, sum_at(j).value); });
  Terms terms(of, most);
  terms.combine(Combine::softmax);
  for_row(shape, place.index,
          [&](std::int64_t j) { terms.add(std::exp(sum_at(j).value - largest), {sum_at(j)}); });
  Explanation told = terms.take();
  const Factor z = sum_at(place.index);
  told.chosen = Term{std::exp(z.value - largest), {z}};
  told.shift = largest;
  told.z = z.value;
  told.activation = of.activation;
  return told;
}

bool Explainer::Impl::is_loss_of(const Place& place) const {
  const std::int64_t output = output_layer();
  return place.kind == Kind::input_gradient ? input_numbers[unsigned_of(output)] == place.number
                                            : place.layer == output;
}

// The gradient comes from all layers that take the value, or from the loss.
Explanation Explainer::Impl::explain_gradient(const Place& place, std::int64_t most) const {
  const Element at = element_of(place);
  if (is_loss_of(place)) {
    Terms terms(layers[unsigned_of(output_layer())], most);
    terms.combine(Combine::loss);
    loss->explain_gradient(terms, at, pass.logits, batches->targets());
    return terms.take();
  }
  const std::vector<Taker>& from = place.kind == Kind::input_gradient
                                       ? input_takers[unsigned_of(place.number)]
                                       : takers[unsigned_of(place.layer)];
  Terms terms(layers[unsigned_of(from.front().layer)], most);
  for (const Taker& taker : from) {
    terms.turn_to(layers[unsigned_of(taker.layer)]);
    contents.nodes[unsigned_of(taker.layer)].layer->explain_input_gradient(terms, at, taker.input);
  }
  return terms.take();
}

// dLoss/dz = dLoss/dy * slope. In a row of softmax each z moves every y.
Explanation Explainer::Impl::explain_sum_gradient(const Place& place, std::int64_t most) const {
  if (works_on_logits(place)) return explain_gradient(place, most);
  const ExplainedLayer& of = layer(place);
  const bool softmax = of.activation == Activation::softmax;
  Terms terms(of, most);
  const auto add = [&](std::int64_t j) {
    const Place y{.layer = place.layer, .sample = place.sample, .index = j};
    Place gradient = y, by = y;
    gradient.kind = Kind::output_gradient;
    by.kind = Kind::slope;
    by.number = softmax ? place.index : 0;
    terms.add({factor(gradient), factor(by)});
  };
  if (softmax)
    for_row(shape_of(place), place.index, add);
  else
    add(place.index);
  return terms.take();
}

// Of softmax: y_i * (1 - y_i), and -y_j * y_i for the others.
Explanation Explainer::Impl::explain_slope(const Place& place) const {
  const ExplainedLayer& of = layer(place);
  const auto output = [&](std::int64_t j) {
    return factor({.kind = Kind::output, .layer = place.layer, .sample = place.sample, .index = j});
  };
  Terms terms(of, Terms::kAll);
  if (of.activation == Activation::softmax) {
    if (place.index == place.number) terms.add({output(place.index)});
    if (place.index / of.output.shape.back() == place.number / of.output.shape.back())
      terms.add({Terms::constant(-1.0, "-1"), output(place.index), output(place.number)});
    return terms.take();
  }
  terms.combine(Combine::derivative);
  Place kept = place;
  kept.kind = differentiates_by_input(of.activation) ? Kind::sum : Kind::output;
  terms.add({factor(kept)});
  Explanation told = terms.take();
  told.activation = of.activation;
  return told;
}

Explanation Explainer::Impl::explain_parameter_gradient(const Place& place, std::int64_t most) const {
  const Layer& of = node(place);
  const Parameter& parameter = of.parameters()[unsigned_of(place.number)];
  Terms terms(layer(place), most);
  of.explain_parameter_gradient(terms, unsigned_of(place.number), place.index);
  if (!of.trainable() || !parameter.trainable) return terms.take();
  const Factor weight = terms.parameter(unsigned_of(place.number), place.index);
  const Regularizer& penalty = parameter.regularizer;
  const double sign = weight.value > 0.0 ? 1.0 : weight.value < 0.0 ? -1.0 : 0.0;
  if (penalty.l1 != 0.0)
    terms.add({Terms::constant(penalty.l1, "l1"), Terms::constant(sign, "sign of the weight")});
  if (penalty.l2 != 0.0) terms.add({Terms::constant(2.0 * penalty.l2, "2 * l2"), weight});
  return terms.take();
}

// --- the public side -----------------------------------------------------------------------------

Explainer::Explainer(Model& model) : impl_(std::make_unique<Impl>(model, *model.impl_)) {}
Explainer::~Explainer() = default;
Explainer::Explainer(Explainer&&) noexcept = default;
Explainer& Explainer::operator=(Explainer&&) noexcept = default;

void Explainer::forward(const Tensor& x, ExplainOptions options) {
  if (x.shape().rank() == 0)
    throw ShapeError("Explainer: forward received a scalar; expected samples (N, ...).");
  if (impl_->model.input_shapes().size() > 1)
    return forward(std::vector<Tensor>{x}, options);  // which says how many it takes
  impl_->prepare(x.shape()[0], options.training);
  impl_->executor->check_samples(x.shape().without_leading());
  copy(x.view(), impl_->executor->input(x.shape()[0]));
  impl_->forward(options, false);
  impl_->batch = x.shape()[0];
}

void Explainer::forward(const std::vector<Tensor>& inputs, ExplainOptions options) {
  const std::vector<Shape> shapes = impl_->model.input_shapes();
  if (inputs.size() != shapes.size() || inputs.empty())
    throw ValueError("Explainer: model '" + impl_->model.name() + "' has " + std::to_string(shapes.size()) +
                     " inputs, received " + std::to_string(inputs.size()) + " tensors.");
  const std::int64_t n = inputs[0].shape().rank() > 0 ? inputs[0].shape()[0] : 0;
  for (std::size_t i = 0; i < shapes.size(); ++i)
    if (!(inputs[i].shape() == shapes[i].with_leading(n)))
      throw ShapeError("Explainer: input " + std::to_string(i) + " of model '" + impl_->model.name() +
                       "' received shape " + inputs[i].shape().to_string() + ", expected " +
                       shapes[i].with_leading(n).to_string() + ".");
  impl_->prepare(n, options.training);
  for (std::size_t i = 0; i < shapes.size(); ++i) copy(inputs[i].view(), impl_->executor->input(n, i));
  impl_->forward(options, false);
  impl_->batch = n;
}

double Explainer::backward(const Dataset& batch, ExplainOptions options) {
  return impl_->backward(batch, options);
}

Explanation Explainer::follow(const Place& place, std::int64_t most) const {
  if (most < 0) throw ValueError("Explainer: most = " + std::to_string(most) + "; it must be at least 0.");
  return impl_->explain(impl_->checked(place), most);
}

Explanation Explainer::value(std::int64_t layer, std::int64_t index, ExplainDetail detail) const {
  return follow({.kind = Kind::output, .layer = layer, .sample = detail.sample, .index = index}, detail.most);
}

Explanation Explainer::sum(std::int64_t layer, std::int64_t index, ExplainDetail detail) const {
  return follow({.kind = Kind::sum, .layer = layer, .sample = detail.sample, .index = index}, detail.most);
}

Explanation Explainer::gradient_of_output(std::int64_t layer, std::int64_t index,
                                          ExplainDetail detail) const {
  return follow({.kind = Kind::output_gradient, .layer = layer, .sample = detail.sample, .index = index},
                detail.most);
}

Explanation Explainer::gradient_of_sum(std::int64_t layer, std::int64_t index, ExplainDetail detail) const {
  return follow({.kind = Kind::sum_gradient, .layer = layer, .sample = detail.sample, .index = index},
                detail.most);
}

Explanation Explainer::gradient_of_input(std::int64_t index, ExplainDetail detail) const {
  return follow({.kind = Kind::input_gradient, .sample = detail.sample, .index = index}, detail.most);
}

Explanation Explainer::gradient_of_parameter(std::int64_t layer, std::int64_t parameter, std::int64_t index,
                                             std::int64_t most) const {
  return follow({.kind = Kind::parameter_gradient, .layer = layer, .number = parameter, .index = index},
                most);
}

double Explainer::number(const Place& place) const { return impl_->number(impl_->checked(place)); }

std::vector<std::int64_t> Explainer::position(const Place& place) const {
  if (place.kind == Kind::constant) return {};
  const Place at = impl_->checked(place);
  const Shape shape = impl_->shape_of(at);
  std::vector<std::int64_t> along(unsigned_of(shape.rank()));
  std::int64_t rest = at.index;
  for (int axis = shape.rank(); axis-- > 0; rest /= shape[axis])
    along[static_cast<std::size_t>(axis)] = rest % shape[axis];
  return along;
}

std::string Explainer::name(const Place& place) const {
  if (place.kind == Kind::constant) return std::string(place.text);
  const Place at = impl_->checked(place);
  std::string text = (is_gradient(at.kind) ? "dLoss/d " : "") + impl_->subject(at) + "[";
  bool first = true;
  for (const std::int64_t i : position(at)) {
    text += (first ? "" : ",") + std::to_string(i);
    first = false;
  }
  text += "]";
  return impl_->batch > 1 && impl_->is_of_sample(at) ? text + " of sample " + std::to_string(at.sample)
                                                     : text;
}

std::int64_t Explainer::batch_size() const { return impl_->batch; }

}  // namespace neurona
