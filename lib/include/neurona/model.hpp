// Networks: layers in order, what they are trained with, and what can be asked of them.
#pragma once

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

/// A network. Not copyable; its layers own their weights.
class Model {
 public:
  Model();
  virtual ~Model();
  Model(Model&&) noexcept;
  Model& operator=(Model&&) noexcept;

  /// Sets what it is trained with. May be called again; optimiser state starts anew.
  void compile(CompileOptions options);
  /// Trains to the end on the calling thread. To train in slices use FitJob.
  /// Errors: ShapeError, ValueError; NotFiniteError when the loss becomes NaN or infinite.
  History fit(const Dataset& data, FitOptions options = {});
  /// Errors: ValueError for an uncompiled model and for no samples; ShapeError.
  Evaluation evaluate(const Dataset& data, std::int64_t batch_size = 32);
  /// x (N, ...) -> predictions (N, ...). With 8-bit images use the Dataset form.
  Tensor predict(const Tensor& x, std::int64_t batch_size = 32);
  Tensor predict(const Dataset& data, std::int64_t batch_size = 32);
  /// Every layer's output for one sample x (1, ...).
  std::vector<LayerActivation> activations(const Tensor& x);

  /// The table that Keras prints, 65 columns, ending in a newline.
  std::string summary() const;
  std::int64_t count_params() const;
  std::int64_t count_trainable_params() const;
  Shape input_shape() const;   ///< of one sample
  Shape output_shape() const;  ///< of one sample
  std::int64_t size() const;   ///< number of layers
  /// Layer `i`, from 0. Errors: ValueError when there is none.
  Layer& layer(std::int64_t i);
  const Layer& layer(std::int64_t i) const;
  /// Errors: ValueError that lists the names there are.
  Layer& layer(std::string_view name);
  /// Shape of one sample behind layer i.
  Shape layer_output_shape(std::int64_t i) const;

  /// All weights in order, with "layer/parameter" as name.
  std::vector<Parameter*> parameters();
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
  struct Impl;
  std::unique_ptr<Impl> impl_;
  friend class Executor;

};

struct SequentialOptions {
  std::string name = "sequential";
  std::uint64_t seed = 0;  ///< of the initial weights
  DType dtype = DType::float32;
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
