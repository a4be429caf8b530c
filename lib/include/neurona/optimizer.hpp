// How weights follow their gradients.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "neurona/handle.hpp"
#include "neurona/layer.hpp"

namespace neurona {

class Backend;

/// Base of the optimisers. Its state (say, velocities) is made by `build` and lives as long as it does,
/// over several calls of fit, as in Keras.
class Optimizer {
 public:
  virtual ~Optimizer() = default;
  virtual std::string_view name() const = 0;
  /// Makes the state for these parameters. Called again with parameters of the same shapes it keeps its state, with others, or
  /// none, it starts anew.
  virtual void build(std::span<Parameter* const> parameters) = 0;
  /// One step: parameter i moves by its gradient. Allocates nothing. Errors: ValueError when it was built for others.
  virtual void apply(Backend& backend, std::span<Parameter* const> parameters, std::span<const TensorView> gradients) = 0;
  virtual double learning_rate() const = 0;
  /// Takes effect with the next step. Errors: ValueError when not finite or negative.
  virtual void set_learning_rate(double learning_rate) = 0;
  /// The same options as at first (also the learning rate), with fresh state.
  virtual Handle<Optimizer> clone() const = 0;
};

struct SGDOptions {
  double learning_rate = 0.01;
  double momentum = 0.0;  ///< in [0, 1)
  bool nesterov = false;
};

/// Without momentum w -= lr*g. With it v = momentum*v - lr*g, then w += v, or w += momentum*v - lr*g (Nesterov).
/// Errors: ValueError for options out of range.
class SGD : public Optimizer {
 public:
  explicit SGD(SGDOptions options = {});
  std::string_view name() const override { return "SGD"; }
  void build(std::span<Parameter* const> parameters) override;
  void apply(Backend& backend, std::span<Parameter* const> parameters, std::span<const TensorView> gradients) override;
  double learning_rate() const override { return options_.learning_rate; }
  void set_learning_rate(double learning_rate) override;
  Handle<Optimizer> clone() const override;

 private:
  /// Whether there is a velocity for each of these parameters.
  bool fits(std::span<Parameter* const> parameters) const;
  SGDOptions options_;
  double first_learning_rate_;
  std::vector<Tensor> velocities_;
};

}  // namespace neurona
