#include "neurona/model.hpp"

#include <algorithm>
#include <cctype>
#include <type_traits>

#include "core/letter_case.hpp"
#include "model/executor.hpp"
#include "model/model_impl.hpp"
#include "neurona/error.hpp"
#include "neurona/train.hpp"

namespace neurona {

namespace {

// "BatchNormalization" -> "batch_normalization", "Conv2D" -> "conv2d", as Keras names its layers.
std::string snake_case(std::string_view type) {
  std::string name;
  for (std::size_t i = 0; i < type.size(); ++i) {
    const auto c = static_cast<unsigned char>(type[i]);
    if (i > 0 && std::isupper(c) && std::islower(static_cast<unsigned char>(type[i - 1]))) name += '_';
    name += detail::lower(type[i]);
  }
  return name;
}

}  // namespace

Model::Contents::Contents(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Model::Contents::~Contents() = default;
Model::Contents::Contents(Contents&&) noexcept = default;
Model::Contents& Model::Contents::operator=(Contents&&) noexcept = default;

Model::Impl& Model::Contents::operator*() const {
  if (!impl_) throw ValueError("Model: it was moved from (std::move) and holds no layers any more. Use the model that it was moved to.");
  return *impl_;
}

Model::Model() : impl_(std::make_unique<Impl>()) { impl_->backend = make_backend("cpu"); }
Model::~Model() = default;
Model::Model(Model&&) noexcept = default;
Model& Model::operator=(Model&&) noexcept = default;

void Model::compile(CompileOptions options) {
  if (!options.loss || !options.optimizer) throw ValueError("compile: a loss and an optimizer are needed.");
  if (!std::all_of(options.metrics.begin(), options.metrics.end(), [](const auto& metric) { return bool(metric); }))
    throw ValueError("compile: one of the metrics is empty.");
  impl_->compiled = std::move(options);
  impl_->is_compiled = true;
}

std::int64_t Model::count_params() const {
  std::int64_t count = 0;
  for (const Impl::Node& node : impl_->nodes) count += node.layer->count_params();
  return count;
}

std::int64_t Model::count_trainable_params() const {
  std::int64_t count = 0;
  for (const Impl::Node& node : impl_->nodes) count += node.layer->count_trainable_params();
  return count;
}

Shape Model::input_shape() const {
  const std::vector<Shape> shapes = impl_->input_shapes();
  return shapes.empty() ? Shape() : shapes.front();
}

Shape Model::output_shape() const {
  const std::vector<Shape> shapes = output_shapes();
  return shapes.empty() ? Shape() : shapes.front();
}

std::vector<Shape> Model::input_shapes() const { return impl_->input_shapes(); }

std::vector<Shape> Model::output_shapes() const {
  std::vector<Shape> shapes;
  for (const int node : impl_->output_nodes()) shapes.push_back(impl_->nodes[static_cast<std::size_t>(node)].output);
  return shapes;
}

const Layer& Model::output_layer(std::int64_t i) const {
  impl_->check_complete();
  return *impl_->node(output_layers().at(static_cast<std::size_t>(i))).layer;
}

std::vector<std::int64_t> Model::output_layers() const {
  const std::vector<int> nodes = impl_->output_nodes();
  return {nodes.begin(), nodes.end()};
}

std::vector<Shape> Model::layer_input_shapes(std::int64_t i) const { return impl_->node(i).input_shapes; }

std::vector<std::int64_t> Model::layer_inputs(std::int64_t i) const {
  std::vector<std::int64_t> layers;
  for (const int input : impl_->node(i).inputs)
    if (input != Impl::kSamples) layers.push_back(input);
  return layers;
}

bool Model::is_sequential() const { return impl_->is_sequential; }

std::vector<int> Model::Impl::output_nodes() const {
  if (!is_sequential) return outputs;
  return nodes.empty() ? std::vector<int>() : std::vector<int>{static_cast<int>(nodes.size()) - 1};
}

std::vector<Shape> Model::Impl::input_shapes() const {
  std::vector<Shape> shapes;
  if (is_sequential) {
    if (!nodes.empty()) shapes.push_back(nodes.front().input_shapes[0]);
  } else {
    for (const int input : inputs) shapes.push_back(nodes[static_cast<std::size_t>(input)].output);
  }
  return shapes;
}

void Model::Impl::check_complete() const {
  if (nodes.empty()) throw ValueError("Model '" + name + "' has no layers. Add some before using it.");
  if (!is_sequential && outputs.empty()) throw ValueError("Model '" + name + "' has no outputs yet. Call set_outputs before using it.");
}

void Model::Impl::name_layer(Layer& layer) const {
  const auto taken = [&](const std::string& wanted) {
    return std::any_of(nodes.begin(), nodes.end(), [&](const Node& node) { return node.layer->name() == wanted; });
  };
  const char* kind = is_sequential ? "Sequential" : "Functional";
  if (!layer.name().empty()) {
    if (taken(layer.name())) throw ValueError(std::string(kind) + " '" + name + "' already has a layer '" + layer.name() + "'. Give it another name.");
    return;
  }
  const bool is_input = layer.type() == "InputLayer";  // Keras: input_1, input_2; dense, dense_1
  const std::string base = is_input ? "input" : snake_case(layer.type());
  std::string free = is_input ? "input_1" : base;
  for (int i = is_input ? 2 : 1; taken(free); ++i) free = base + "_" + std::to_string(i);
  layer.set_name(free);
}

int Model::Impl::append(std::unique_ptr<Layer> layer, std::vector<int> from) {
  name_layer(*layer);
  Node node;
  for (const int input : from)
    node.input_shapes.push_back(input == kSamples ? *layer->input_shape() : nodes[static_cast<std::size_t>(input)].output);
  node.output = layer->output_shape(node.input_shapes);
  Rng rng = rng_of(nodes.size());
  layer->build(node.input_shapes, dtype, rng);
  node.layer = std::move(layer);
  node.inputs = std::move(from);
  nodes.push_back(std::move(node));
  return static_cast<int>(nodes.size()) - 1;
}

std::int64_t Model::size() const { return static_cast<std::int64_t>(impl_->nodes.size()); }
const Model::Impl::Node& Model::Impl::node(std::int64_t i) const {
  if (i < 0 || i >= std::ssize(nodes))
    throw ValueError("Model '" + name + "' has no layer " + std::to_string(i) + "; it has " + std::to_string(nodes.size()) + ", counted from 0.");
  return nodes[static_cast<std::size_t>(i)];
}

Layer& Model::layer(std::int64_t i) { return *impl_->node(i).layer; }
const Layer& Model::layer(std::int64_t i) const { return *impl_->node(i).layer; }
Shape Model::layer_output_shape(std::int64_t i) const { return impl_->node(i).output; }

Layer& Model::layer(std::string_view name) {
  std::string known;
  for (Impl::Node& node : impl_->nodes) {
    if (node.layer->name() == name) return *node.layer;
    known += (known.empty() ? "" : ", ") + node.layer->name();
  }
  throw ValueError("Model '" + impl_->name + "' has no layer '" + std::string(name) + "'. It has: " + known + ".");
}

std::vector<Parameter*> Model::parameters() {
  std::vector<Parameter*> all;
  for (Impl::Node& node : impl_->nodes)
    for (Parameter& parameter : node.layer->parameters()) all.push_back(&parameter);
  return all;
}

std::vector<Parameter*> Model::trainable_parameters() {
  std::vector<Parameter*> all;
  for (Impl::Node& node : impl_->nodes)
    for (Parameter& parameter : node.layer->parameters())
      if (node.layer->trainable() && parameter.trainable) all.push_back(&parameter);
  return all;
}

std::vector<std::pair<std::string, Parameter*>> Model::named_parameters() {
  std::vector<std::pair<std::string, Parameter*>> all;
  for (Impl::Node& node : impl_->nodes)
    for (Parameter& parameter : node.layer->parameters())
      all.emplace_back(node.layer->name() + "/" + parameter.name, &parameter);
  return all;
}

std::vector<Tensor> Model::get_weights() const {
  std::vector<Tensor> weights;
  for (const Impl::Node& node : impl_->nodes)
    for (const Parameter& parameter : std::as_const(*node.layer).parameters()) weights.push_back(parameter.value);
  return weights;
}

void Model::set_weights(const std::vector<Tensor>& weights) {
  const auto named = named_parameters();
  if (weights.size() != named.size())
    throw ShapeError("set_weights: " + std::to_string(weights.size()) + " tensors for a model of " +
                     std::to_string(named.size()) + ".");
  for (std::size_t i = 0; i < named.size(); ++i)
    if (!(weights[i].shape() == named[i].second->value.shape()))
      throw ShapeError("set_weights: '" + named[i].first + "' received shape " + weights[i].shape().to_string() +
                       ", expected " + named[i].second->value.shape().to_string() + ".");
  for (std::size_t i = 0; i < named.size(); ++i) copy(weights[i].view(), named[i].second->value.view());
}

const std::string& Model::name() const { return impl_->name; }
bool Model::compiled() const { return impl_->is_compiled; }
const CompileOptions& Model::compile_options() const { return impl_->compiled; }

void Model::reset(std::uint64_t seed) {
  impl_->seed = seed;
  for (std::size_t i = 0; i < impl_->nodes.size(); ++i) {
    Rng rng = impl_->rng_of(i);
    impl_->nodes[i].layer->build(impl_->nodes[i].input_shapes, impl_->dtype, rng);
  }
  if (impl_->is_compiled) impl_->compiled.optimizer = impl_->compiled.optimizer->clone();
}

void Model::set_backend(std::shared_ptr<Backend> backend) {
  if (!backend) throw ValueError("set_backend: there is no backend. Make one: make_backend(\"cpu\").");
  if (!backend->supports(impl_->dtype))
    throw BackendError("Model '" + impl_->name + "' is " + std::string(to_string(impl_->dtype)) + ", which the backend " +
                       backend->describe() + " does not compute. Use \"reference\".");
  impl_->backend = std::move(backend);
}

Backend& Model::backend() const { return *impl_->backend; }
DType Model::dtype() const { return impl_->dtype; }
std::map<std::string, std::string>& Model::metadata() { return impl_->metadata; }
const std::map<std::string, std::string>& Model::metadata() const { return impl_->metadata; }

History Model::fit(const Dataset& data, FitOptions options) {
  FitJob job(*this, data, std::move(options));
  run_inline(job);
  return job.history();
}

Evaluation Model::evaluate(const Dataset& data, std::int64_t batch_size) {
  EvaluateJob job(*this, data, batch_size);
  run_inline(job);
  return job.result();
}

Tensor Model::predict(const Tensor& x, std::int64_t batch_size) {
  if (x.shape().rank() == 0) throw ShapeError("predict received a scalar; expected samples (N, ...).");
  return predict(Dataset(x, std::vector<std::int32_t>(static_cast<std::size_t>(x.shape()[0]))), batch_size);
}

Tensor Model::predict(const Dataset& data, std::int64_t batch_size) {
  PredictJob job(*this, data, batch_size);
  run_inline(job);
  return job.take_result();
}

std::vector<LayerActivation> Model::activations(const Tensor& x) {
  if (x.shape().rank() == 0 || x.shape()[0] != 1)
    throw ShapeError("activations received shape " + x.shape().to_string() + "; it takes one sample, (1, ...).");
  Executor executor(*this, 1, Executor::Use::inspection);
  executor.check_samples(x.shape().without_leading());
  copy(x.view(), executor.input(1));
  executor.forward({.training = false, .logits = false});
  std::vector<LayerActivation> all;
  for (std::int64_t i = 0; i < size(); ++i) {
    Tensor output(layer_output_shape(i), impl_->dtype);
    copy(executor.output_of(i), output.view());
    all.push_back({layer(i).name(), std::string(layer(i).type()), std::move(output)});
  }
  return all;
}

std::vector<Tensor> Model::predict(const std::vector<Tensor>& inputs, std::int64_t batch_size) {
  impl_->check_complete();
  const std::vector<Shape> shapes = input_shapes();
  if (inputs.size() != shapes.size())
    throw ValueError("predict: model '" + name() + "' has " + std::to_string(shapes.size()) + " inputs, received " + std::to_string(inputs.size()) + " tensors.");
  const std::int64_t samples = inputs[0].shape().rank() > 0 ? inputs[0].shape()[0] : 0;
  for (std::size_t i = 0; i < shapes.size(); ++i)
    if (!(inputs[i].shape() == shapes[i].with_leading(samples)))
      throw ShapeError("predict: input " + std::to_string(i) + " of model '" + name() + "' received shape " + inputs[i].shape().to_string() +
                       ", expected " + shapes[i].with_leading(samples).to_string() + ".");
  std::vector<Tensor> results;
  for (const Shape& shape : output_shapes()) results.emplace_back(shape.with_leading(samples), impl_->dtype);
  Executor executor(*this, std::clamp<std::int64_t>(samples, 1, batch_size), Executor::Use::inference);
  // Rows [begin, begin + n) of a tensor of whole samples.
  const auto rows = [](auto view, std::int64_t begin, std::int64_t n) {
    const std::int64_t each = view.shape.without_leading().elements();
    using Bytes = std::conditional_t<std::is_const_v<std::remove_pointer_t<decltype(view.data)>>, const std::byte, std::byte>;
    view.data = static_cast<Bytes*>(view.data) + static_cast<std::size_t>(begin * each) * size_of(view.dtype);
    view.shape = view.shape.without_leading().with_leading(n);
    return view;
  };
  for (std::int64_t begin = 0; begin < samples; begin += executor.max_batch()) {
    const std::int64_t n = std::min(executor.max_batch(), samples - begin);
    for (std::size_t i = 0; i < inputs.size(); ++i) copy(rows(inputs[i].view(), begin, n), executor.input(n, i));
    executor.forward({.training = false});
    for (std::size_t i = 0; i < results.size(); ++i) copy(executor.output(i), rows(results[i].view(), begin, n));
  }
  return results;
}

Sequential::Sequential(SequentialOptions options) {
  impl_->name = std::move(options.name);
  impl_->seed = options.seed;
  impl_->dtype = options.dtype;
  if (!impl_->backend->supports(options.dtype)) impl_->backend = make_backend("reference");
}

void Sequential::add(std::unique_ptr<Layer> layer) {
  if (impl_->nodes.empty() && layer->input_shape() == nullptr)
    throw ValueError("Sequential '" + impl_->name + "': the first layer, " + std::string(layer->type()) +
                     ", needs input_shape, the shape of one sample. For MNIST: {.input_shape = {28, 28}}.");
  const int before = impl_->nodes.empty() ? Impl::kSamples : static_cast<int>(impl_->nodes.size()) - 1;
  impl_->append(std::move(layer), {before});
}

}  // namespace neurona
