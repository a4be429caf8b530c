// How weights follow their gradients.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "neurona/config.hpp"
#include "neurona/handle.hpp"
#include "neurona/layer.hpp"

namespace neurona {

class Backend;

/// What training has made of an optimizer: what files and snapshots keep of it.
struct OptimizerState {
  double learning_rate = 0.0;
  std::int64_t iterations = 0;
  std::vector<Tensor> slots = {};  ///< those of the first parameter, of the second ...; none before the first fit
};

/// Base of the optimizers. It keeps what all have: a learning rate, and for each parameter some tensors of its shape
/// (its slots: say, a velocity), zero at first, which live as long as it does, over several calls of fit, as in Keras.
/// A derived class moves one parameter.
class Optimizer {
 public:
  virtual ~Optimizer() = default;
  /// Keras' name of its class: "Adam".
  std::string_view name() const { return name_; }
  /// Makes the slots for these parameters. Called again with parameters of the same shapes it keeps them, with others,
  /// or none, it starts anew.
  void build(std::span<Parameter* const> parameters);
  /// One step: parameter i moves by its gradient. Allocates nothing. Errors: ValueError when it was built for others.
  void apply(Backend& backend, std::span<Parameter* const> parameters, std::span<const TensorView> gradients);
  double learning_rate() const { return learning_rate_; }
  /// Takes effect with the next step. Errors: ValueError when not finite or negative.
  void set_learning_rate(double learning_rate);
  /// Steps since the slots were made.
  std::int64_t iterations() const { return iterations_; }
  /// Whether a step is w -= learning_rate * gradient and nothing else: layers may then take it as they go backwards.
  virtual bool descends_plainly() const { return false; }
  /// The same options as at first (also the learning rate), with fresh state.
  virtual Handle<Optimizer> clone() const = 0;
  /// Its options, the learning rate as at first. One that gives none cannot be kept in a model's file.
  virtual Config config() const { return {}; }
  std::size_t slots_per_parameter() const { return slots_per_parameter_; }
  OptimizerState state() const { return {learning_rate_, iterations_, slots_}; }
  /// Takes up another's state. Errors: ValueError, and nothing changes, for values out of range and for a number of slots that is no
  /// multiple of slots_per_parameter().
  void set_state(OptimizerState state);

 protected:
  /// `name` must be a literal. `slots` is the number of tensors kept for each parameter.
  /// Errors: ValueError for a learning rate that is not finite or negative.
  Optimizer(std::string_view name, double learning_rate, std::size_t slots);
  Optimizer(const Optimizer&) = default;
  Optimizer(Optimizer&&) noexcept = default;
  Optimizer& operator=(const Optimizer&) = default;
  Optimizer& operator=(Optimizer&&) noexcept = default;
  /// Moves the weights of one parameter; iterations() counts this step already.
  virtual void step(Backend& backend, ConstTensorView gradient, std::span<Tensor> slots, TensorView weights) = 0;
  /// Errors: ValueError "Adam: beta_1 = 1.5; it must be in [0, 1)."
  void check_share(std::string_view option, double value) const;
  /// Errors: ValueError when not finite or negative.
  void check_not_negative(std::string_view option, double value) const;

 private:
  bool fits(std::span<Parameter* const> parameters) const;
  std::string_view name_;
  double learning_rate_;
  std::size_t slots_per_parameter_;
  std::vector<Tensor> slots_;  // those of the first parameter, of the second ...
  std::int64_t iterations_ = 0;
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
  bool descends_plainly() const override { return options_.momentum == 0.0; }
  Handle<Optimizer> clone() const override { return SGD(options_); }
  Config config() const override;

 private:
  void step(Backend& backend, ConstTensorView gradient, std::span<Tensor> slots, TensorView weights) override;
  SGDOptions options_;
};

struct RMSpropOptions {
  double learning_rate = 0.001;
  double rho = 0.9;       ///< in [0, 1): share of the old mean of squares
  double momentum = 0.0;  ///< in [0, 1)
  double epsilon = 1e-7;
  bool centered = false;
};

/// s = rho*s + (1-rho)*g^2; w -= lr*g / sqrt(s + epsilon) (Tieleman and Hinton 2012), epsilon under the root as in
/// today's Keras. Centered: s less the square of the gradient's own running mean (Graves 2013, eq. 38 to 41), at least
/// 0. With momentum v = momentum*v + the step, w -= v. Errors: ValueError for options out of range.
class RMSprop : public Optimizer {
 public:
  explicit RMSprop(RMSpropOptions options = {});
  Handle<Optimizer> clone() const override { return RMSprop(options_); }
  Config config() const override;

 private:
  void step(Backend& backend, ConstTensorView gradient, std::span<Tensor> slots, TensorView weights) override;
  RMSpropOptions options_;
};

struct AdamOptions {
  double learning_rate = 0.001;
  double beta_1 = 0.9;    ///< in [0, 1): share of the old mean of gradients
  double beta_2 = 0.999;  ///< in [0, 1): share of the old mean of squares
  double epsilon = 1e-7;
  bool amsgrad = false;  ///< divide by the largest mean of squares so far (Reddi et al. 2018)
};

/// m += (1-beta_1)*(g-m); v += (1-beta_2)*(g^2-v); w -= lr_t * m / (sqrt(v) + epsilon), where in step t
/// lr_t = lr * sqrt(1-beta_2^t) / (1-beta_1^t) (Kingma and Ba 2015; epsilon is the "epsilon hat" of the end of their
/// section 2, as in Keras). Errors: ValueError for options out of range.
class Adam : public Optimizer {
 public:
  explicit Adam(AdamOptions options = {}) : Adam("Adam", options, 0.0) {}
  Handle<Optimizer> clone() const override { return Adam(options_); }
  Config config() const override;

 protected:
  Adam(std::string_view name, AdamOptions options, double weight_decay);

 private:
  void step(Backend& backend, ConstTensorView gradient, std::span<Tensor> slots, TensorView weights) override;
  AdamOptions options_;
  double weight_decay_;
};

struct AdamWOptions {
  double learning_rate = 0.001;
  double weight_decay = 0.004;
  double beta_1 = 0.9;
  double beta_2 = 0.999;
  double epsilon = 1e-7;
  bool amsgrad = false;
};

/// Adam whose weights first shrink by w -= lr * weight_decay * w, biases too, as in Keras (Loshchilov and Hutter 2019).
/// Errors: ValueError for options out of range.
class AdamW : public Adam {
 public:
  explicit AdamW(AdamWOptions options = {});
  Handle<Optimizer> clone() const override { return AdamW(options_); }
  Config config() const override;

 private:
  AdamWOptions options_;
};

/// By Keras name, in small letters or not: make_optimizer("adam", 0.001). Without a learning rate Keras' initial one.
/// Errors: ValueError that lists the known names, or for the learning rate.
Handle<Optimizer> make_optimizer(std::string_view name, std::optional<double> learning_rate = {});
/// By Keras name, with the options that config() gave; those that are missing are Keras' initial ones.
/// Errors: ValueError as above; FormatError for an option of another kind.
Handle<Optimizer> optimizer_from_config(std::string_view name, const Config& config);
/// "sgd", "rmsprop", "adam", "adamw".
std::vector<std::string> optimizer_names();

}  // namespace neurona
