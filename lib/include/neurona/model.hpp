// Networks: layers in order, what they are trained with, and what can be asked of them.
#pragma once

#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "neurona/backend.hpp"
#include "neurona/callback.hpp"
#include "neurona/dataset.hpp"
#include "neurona/layer.hpp"
#include "neurona/loss.hpp"
#include "neurona/metric.hpp"
#include "neurona/optimizer.hpp"

namespace neurona {

struct CompileOptions {
  Handle<Loss> loss = SparseCategoricalCrossentropy();
  Handle<Optimizer> optimizer = SGD();
  std::vector<Handle<Metric>> metrics = {};
};

struct FitOptions {
  std::int64_t epochs = 1;
  std::int64_t batch_size = 32;
  /// Share of the samples, taken from the END before any shuffling, held out for validation; in [0, 1).
  double validation_split = 0.0;
  std::optional<Dataset> validation_data = {};
  std::vector<Handle<Callback>> callbacks = {};
  bool shuffle = true;      ///< anew each epoch
  std::uint64_t seed = 0;   ///< of the shuffling
};

/// The numbers of each epoch, by name: loss, accuracy, val_loss, val_accuracy.
struct History {
  std::vector<Logs> epochs;
  std::vector<double> seconds;  ///< time of each epoch
  /// The values of one number, an entry an epoch. Errors: ValueError that lists the names there are.
  std::vector<double> operator[](std::string_view name) const;
};

/// Loss first, then each metric.
struct Evaluation {
  double loss = 0.0;
  Logs metrics;
  /// The metric "accuracy". Errors: ValueError when the model was not compiled with it.
  double accuracy() const;
};

/// The output of each layer for one sample, in order, for whoever wants to look inside.
struct LayerActivation {
  std::string layer;
  std::string type;
  Tensor output;  ///< shape of one sample
};

/// What one layer costs for one sample.
struct LayerCost {
  std::string layer;
  std::string type;
  Shape output_shape;  ///< of one sample
  std::int64_t params = 0;
  std::int64_t trainable_params = 0;
  std::int64_t multiply_adds = 0;  ///< of the forward pass, of products with weights
  std::int64_t weight_bytes = 0;
  std::int64_t output_bytes = 0;   ///< training keeps all outputs until the backward pass has used them
};

/// A network. Not copyable; its layers own their weights. Whatever is asked of a model that was moved from ends in a ValueError, until
/// another one is moved into it.
class Model {
 public:
  struct Impl;  // the library's own
  Model();
  virtual ~Model();
  Model(Model&&) noexcept;
  Model& operator=(Model&&) noexcept;

  /// Sets what it is trained with. May be called again; optimizer state starts anew.
  void compile(CompileOptions options);
  /// Trains to the end on the calling thread. To train in slices use FitJob.
  /// Errors: ShapeError, ValueError; NotFiniteError when the loss becomes NaN or infinite.
  History fit(const Dataset& data, FitOptions options = {});
  /// Errors: ValueError for an uncompiled model and for no samples; ShapeError.
  Evaluation evaluate(const Dataset& data, std::int64_t batch_size = 32);
  /// x (N, ...) -> predictions (N, ...). With 8-bit images use the Dataset form.
  Tensor predict(const Tensor& x, std::int64_t batch_size = 32);
  Tensor predict(const Dataset& data, std::int64_t batch_size = 32);
  /// Of a model with several inputs or outputs: a tensor (N, ...) for each input -> one for each output.
  /// Errors: ValueError, ShapeError.
  std::vector<Tensor> predict(const std::vector<Tensor>& inputs, std::int64_t batch_size = 32);
  /// The same, as predict({x1, x2}).
  std::vector<Tensor> predict(std::initializer_list<Tensor> inputs, std::int64_t batch_size = 32) {
    return predict(std::vector<Tensor>(inputs), batch_size);
  }
  /// Every layer's output for one sample x (1, ...).
  std::vector<LayerActivation> activations(const Tensor& x);

  /// The table that Keras prints, ending in a newline: 65 columns for a chain of layers, 98 with what each is connected to for
  /// other graphs.
  std::string summary() const;
  /// Each layer's parameters, multiply-adds and memory, in the order of summary().
  std::vector<LayerCost> costs() const;
  std::int64_t count_params() const;
  std::int64_t count_trainable_params() const;
  Shape input_shape() const;   ///< of one sample; of the first input
  Shape output_shape() const;  ///< of one sample; of the first output
  std::vector<Shape> input_shapes() const;
  std::vector<Shape> output_shapes() const;
  /// The layer that gives output `i`.
  const Layer& output_layer(std::int64_t i = 0) const;
  std::int64_t size() const;   ///< number of layers
  /// Layer `i`, from 0. Errors: ValueError when there is none.
  Layer& layer(std::int64_t i);
  const Layer& layer(std::int64_t i) const;
  /// Errors: ValueError that lists the names there are.
  Layer& layer(std::string_view name);
  /// Shape of one sample behind layer i.
  Shape layer_output_shape(std::int64_t i) const;
  /// Shapes of one sample that layer i takes.
  std::vector<Shape> layer_input_shapes(std::int64_t i) const;
  /// The layers that layer i takes from; empty for the first layer of a chain and for an InputLayer.
  std::vector<std::int64_t> layer_inputs(std::int64_t i) const;
  std::vector<std::int64_t> output_layers() const;
  /// Whether it is a chain of layers without InputLayer.
  bool is_sequential() const;

  /// All weights in order, with "layer/parameter" as name.
  std::vector<Parameter*> parameters();
  /// Those that training moves: neither moving statistics nor weights of frozen layers.
  std::vector<Parameter*> trainable_parameters();
  std::vector<std::pair<std::string, Parameter*>> named_parameters();
  std::vector<Tensor> get_weights() const;
  /// Errors: ShapeError that names the parameter and both shapes.
  void set_weights(const std::vector<Tensor>& weights);

  const std::string& name() const;
  bool compiled() const;
  const CompileOptions& compile_options() const;
  /// Draws new initial weights. Adding all layers built the model with the seed given at construction.
  void reset(std::uint64_t seed);
  void set_backend(std::shared_ptr<Backend> backend);
  Backend& backend() const;
  DType dtype() const;

  /// Free text kept in the model's file: provenance, settings.
  std::map<std::string, std::string>& metadata();
  const std::map<std::string, std::string>& metadata() const;

 protected:
  // Owns what a model is made of. Reaching for it throws ValueError where it was moved away.
  class Contents {
   public:
    explicit Contents(std::unique_ptr<Impl> impl);
    ~Contents();
    Contents(Contents&&) noexcept;
    Contents& operator=(Contents&&) noexcept;
    Impl& operator*() const;
    Impl* operator->() const { return &**this; }

   private:
    std::unique_ptr<Impl> impl_;
  };
  Contents impl_;
  friend class Executor;
  friend class Explainer;
};

struct SequentialOptions {
  std::string name = "sequential";
  std::uint64_t seed = 0;  ///< of the initial weights
  DType dtype = DType::float32;
};

/// A place in a Functional model's graph.
struct Node {
  int index = -1;
};

/// Any acyclic graph of layers:
///   Functional model({.name = "two_paths"});
///   const Node in = model.input({28, 28, 1});
///   const Node a = model.add(Conv2D({.filters = 8, .kernel_size = 3, .padding = Padding::same}), {in});
///   const Node b = model.add(Conv2D({.filters = 8, .kernel_size = 1}), {in});
///   model.set_outputs({model.add(Add(), {a, b})});
class Functional : public Model {
 public:
  explicit Functional(SequentialOptions options = {.name = "model"});
  /// Where samples of this shape enter. Errors: ValueError for a name that is taken.
  Node input(const Shape& shape, std::string name = {});
  template <std::derived_from<Layer> L>
  Node add(L layer, const std::vector<Node>& inputs) {
    return add(std::unique_ptr<Layer>(std::make_unique<L>(std::move(layer))), inputs);
  }
  /// Builds the layer on what the nodes give. Errors: ShapeError that names the layer; ValueError for a node that is not of this
  /// model, a name that is taken, and once the outputs are set.
  Node add(std::unique_ptr<Layer> layer, const std::vector<Node>& inputs);
  /// Completes the model: layers that no output needs are dropped, the rest stands in Keras' order. Errors: ValueError.
  void set_outputs(const std::vector<Node>& outputs);
};

/// A chain of layers. The first one needs `input_shape`.
class Sequential : public Model {
 public:
  explicit Sequential(SequentialOptions options = {});
  template <std::derived_from<Layer> L>
  void add(L layer) {
    add(std::unique_ptr<Layer>(std::make_unique<L>(std::move(layer))));
  }
  /// Builds the layer on what stands before it. Errors: ShapeError; ValueError without a known input shape and
  /// for a name that is taken.
  void add(std::unique_ptr<Layer> layer);
};

}  // namespace neurona
