#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "neurona/backend.hpp"
#include "neurona/error.hpp"
#include "neurona/layers.hpp"
#include "neurona/model.hpp"
#include "neurona/optimizer.hpp"
#include "support/samples.hpp"

using namespace neurona;

namespace {

// Weight after three steps with gradients 1, 2, -1 from weight 1.
double three_steps(SGD sgd) {
  Parameter parameter{"w", Tensor({1}, std::vector<float>{1.0f})};
  Parameter* const parameters[] = {&parameter};
  sgd.build(parameters);
  const auto backend = make_backend("reference");
  for (float g : {1.0f, 2.0f, -1.0f}) {
    Tensor gradient({1}, std::vector<float>{g});
    const TensorView view = gradient.view();
    sgd.apply(*backend, parameters, {&view, 1});
  }
  return parameter.value.at(0);
}

}  // namespace

TEST_CASE("SGD takes the steps computed by hand: plain, momentum, Nesterov") {
  // plain: 1 - .1 - .2 + .1
  CHECK(three_steps(SGD({.learning_rate = 0.1})) == doctest::Approx(0.8));
  // momentum .5: v = -.1, -.25, -.025
  CHECK(three_steps(SGD({.learning_rate = 0.1, .momentum = 0.5})) == doctest::Approx(1 - 0.1 - 0.25 - 0.025));
  // Nesterov: w += .5 v - .1 g = -.15, -.325, +.0875
  CHECK(three_steps(SGD({.learning_rate = 0.1, .momentum = 0.5, .nesterov = true})) == doctest::Approx(1 - 0.15 - 0.325 + 0.0875));
}

namespace {

constexpr int kSteps = 5;
constexpr std::int64_t kWeights = 3;

// Gradients of each step, among them zeros: element 2 has none at first.
double gradient_at(int step, std::int64_t i) {
  constexpr double kGradients[kSteps][kWeights] = {
      {1, -0.3, 0}, {2, 0.01, 0}, {-1, 0.4, 5}, {0, -0.2, -5}, {0.5, 1e-3, 0.1}};
  return kGradients[step][i];
}

double start_at(std::int64_t i) { return 1.0 - 0.7 * static_cast<double>(i); }

// Weights after each step, kSteps x kWeights, in float64 or in float32.
Tensor walk(Optimizer& optimizer, DType dtype) {
  const auto backend = make_backend(dtype == DType::float64 ? "reference" : "cpu");
  Parameter parameter{"w", Tensor({kWeights}, dtype)};
  Parameter* const parameters[] = {&parameter};
  for (std::int64_t i = 0; i < kWeights; ++i) parameter.value.set(i, start_at(i));
  optimizer.build(parameters);
  Tensor path({kSteps, kWeights}, DType::float64), gradient({kWeights}, dtype);
  const TensorView view = gradient.view();
  for (int step = 0; step < kSteps; ++step) {
    for (std::int64_t i = 0; i < kWeights; ++i) gradient.set(i, gradient_at(step, i));
    optimizer.apply(*backend, parameters, {&view, 1});
    for (std::int64_t i = 0; i < kWeights; ++i) path.set(step * kWeights + i, parameter.value.at(i));
  }
  return path;
}

// Mean of power(gradient) up to `step` in closed form: (1 - share) * sum over s of share^(step - s) * power(g_s).
template <class Power>
double mean_of(int step, std::int64_t i, double share, Power power) {
  double sum = 0.0;
  for (int s = 0; s <= step; ++s) sum += std::pow(share, step - s) * power(gradient_at(s, i));
  return (1.0 - share) * sum;
}

double square(double g) { return g * g; }
double same(double g) { return g; }

// `move(step, i)` is what weight i loses in that step, after it lost `decay` of itself.
template <class Move>
void check_walk(Optimizer&& optimizer, double decay, Move move) {
  Tensor truth({kSteps, kWeights}, DType::float64);
  for (std::int64_t i = 0; i < kWeights; ++i) {
    double w = start_at(i);
    for (int step = 0; step < kSteps; ++step) {
      w = (1.0 - decay) * w - move(step, i);
      truth.set(step * kWeights + i, w);
    }
  }
  const auto again = optimizer.clone();
  CHECK(test::normalized_error(walk(optimizer, DType::float64).view(), truth.view()) < 1e-14);
  // A few units in the last place of float32, five steps long.
  CHECK(test::normalized_error(walk(*again, DType::float32).view(), truth.view()) < 1e-6);
}

// Kingma and Ba 2015, algorithm 1, from the means in closed form; epsilon is that of the end of their section 2, as in
// Keras, so that algorithm 1 has epsilon / sqrt(1 - beta_2^t).
double adam_move(int step, std::int64_t i, const AdamOptions& o) {
  const double t = step + 1;
  double v = mean_of(step, i, o.beta_2, square);
  for (int s = 0; o.amsgrad && s < step; ++s) v = std::max(v, mean_of(s, i, o.beta_2, square));
  const double m_hat = mean_of(step, i, o.beta_1, same) / (1.0 - std::pow(o.beta_1, t)),
               v_hat = v / (1.0 - std::pow(o.beta_2, t));
  return o.learning_rate * m_hat / (std::sqrt(v_hat) + o.epsilon / std::sqrt(1.0 - std::pow(o.beta_2, t)));
}

}  // namespace

TEST_CASE("Adam and AMSGrad take the steps of the paper's algorithm") {
  for (bool amsgrad : {false, true})
    for (double epsilon : {1e-7, 0.1}) {
      INFO("amsgrad ", amsgrad, " epsilon ", epsilon);
      // A small beta_2, so that the largest mean of squares is not always the last.
      const AdamOptions options{
          .learning_rate = 0.01, .beta_2 = amsgrad ? 0.5 : 0.999, .epsilon = epsilon, .amsgrad = amsgrad};
      check_walk(Adam(options), 0.0, [&](int step, std::int64_t i) { return adam_move(step, i, options); });
    }
}

TEST_CASE("Adam's first step is its learning rate against the gradient's sign, by hand") {
  Adam adam({.learning_rate = 0.25});
  const Tensor path = walk(adam, DType::float64);
  CHECK(path.at(0) == doctest::Approx(0.75).epsilon(1e-5));
  CHECK(path.at(1) == doctest::Approx(0.3 + 0.25).epsilon(1e-5));
  CHECK(path.at(2) == start_at(2));  // without a gradient nothing moves
}

TEST_CASE("AdamW takes the weights' decay off before Adam's step") {
  const AdamOptions adam{.learning_rate = 0.01};
  check_walk(AdamW({.learning_rate = 0.01, .weight_decay = 0.5}), 0.01 * 0.5,
             [&](int step, std::int64_t i) { return adam_move(step, i, adam); });
}

TEST_CASE("RMSprop takes the steps of its formula: plain, centered, with momentum") {
  // Keras' update, from the means in closed form: root of (mean of squares [- square of the mean] + epsilon).
  for (bool centered : {false, true})
    for (double momentum : {0.0, 0.7}) {
      INFO("centered ", centered, " momentum ", momentum);
      const RMSpropOptions o{.learning_rate = 0.01, .momentum = momentum, .epsilon = 1e-3, .centered = centered};
      const auto plain = [&](int step, std::int64_t i) {
        const double mean = centered ? mean_of(step, i, o.rho, same) : 0.0;
        return o.learning_rate * gradient_at(step, i) /
               std::sqrt(mean_of(step, i, o.rho, square) - mean * mean + o.epsilon);
      };
      check_walk(RMSprop(o), 0.0, [&](int step, std::int64_t i) {
        double velocity = 0.0;
        for (int s = 0; s <= step; ++s) velocity += std::pow(momentum, step - s) * plain(s, i);
        return velocity;
      });
    }
}

TEST_CASE("Optimizers keep their state over builds for the same shapes, and start anew for others or none") {
  Parameter parameter{"w", Tensor({kWeights})}, larger{"w", Tensor({kWeights + 1})};
  Parameter* const parameters[] = {&parameter};
  Parameter* const others[] = {&larger};
  Adam adam;
  walk(adam, DType::float32);
  CHECK(adam.iterations() == kSteps);
  adam.build(parameters);
  CHECK(adam.iterations() == kSteps);
  adam.build(others);
  CHECK(adam.iterations() == 0);
  adam.build(parameters);
  walk(adam, DType::float32);
  adam.build({});
  adam.build(parameters);
  CHECK(adam.iterations() == 0);
}

TEST_CASE("Optimizers are made by name, in Keras' spelling or in small letters, and cloned with their first options") {
  for (const std::string& name : optimizer_names()) {
    INFO(name);
    const Handle<Optimizer> optimizer = make_optimizer(name, 0.125);
    CHECK(optimizer->learning_rate() == 0.125);
    CHECK(make_optimizer(optimizer->name())->name() == optimizer->name());
    CHECK(make_optimizer(name)->learning_rate() == (name == "sgd" ? 0.01 : 0.001));
    optimizer->set_learning_rate(0.5);
    CHECK(optimizer->clone()->learning_rate() == 0.125);
    CHECK(optimizer->clone()->name() == optimizer->name());
    CHECK_THROWS_AS(make_optimizer(name, -1.0), ValueError);
    CHECK_THROWS_AS(optimizer->set_learning_rate(std::numeric_limits<double>::infinity()), ValueError);
  }
  CHECK(make_optimizer("RMSprop")->name() == "RMSprop");
  CHECK_THROWS_WITH_AS(make_optimizer("adagrad"), "Unknown optimizer 'adagrad'. Known: sgd, rmsprop, adam, adamw.",
                       ValueError);
}

TEST_CASE("Every optimizer trains a network: the loss falls, the same seed gives the same weights") {
  const Dataset data(test::easy_images(200, 3));
  for (const std::string& name : optimizer_names()) {
    INFO(name);
    const auto train = [&](std::vector<Tensor>& weights) {
      Sequential model({.seed = 1});
      model.add(Flatten({.input_shape = {28, 28}}));
      model.add(Dense({.units = 10, .activation = Activation::softmax}));
      model.compile({.optimizer = make_optimizer(name, name == "sgd" ? 0.1 : 0.005)});
      const History history = model.fit(data, {.epochs = 5});
      weights = model.get_weights();
      return history["loss"].back() / history["loss"].front();
    };
    std::vector<Tensor> once, twice;
    CHECK(train(once) < 0.6);
    train(twice);
    CHECK(test::normalized_error(once[0].view(), twice[0].view()) == 0.0);
  }
}

TEST_CASE("SGD refuses to move parameters that it was not built for") {
  Parameter small{"w", Tensor({2})}, large{"w", Tensor({3})};
  Parameter* const one[] = {&small};
  Parameter* const other[] = {&large};
  SGD sgd({.momentum = 0.9});
  sgd.build(one);
  Tensor gradient({3});
  const TensorView view = gradient.view();
  CHECK_THROWS_WITH_AS(sgd.apply(*make_backend("reference"), other, {&view, 1}), doctest::Contains("Give each model an optimiser of its own"), ValueError);
}

TEST_CASE("SGD refuses options out of range") {
  CHECK_THROWS_AS(SGD({.learning_rate = -0.1}), ValueError);
  CHECK_THROWS_AS(SGD({.learning_rate = std::numeric_limits<double>::quiet_NaN()}), ValueError);
  CHECK_THROWS_AS(SGD({.momentum = 1.0}), ValueError);
}

TEST_CASE("RMSprop, Adam and AdamW refuse options out of range") {
  CHECK_THROWS_WITH_AS(Adam({.beta_1 = 1.5}), "Adam: beta_1 = 1.500000; it must be in [0, 1).", ValueError);
  CHECK_THROWS_AS(Adam({.beta_2 = -0.1}), ValueError);
  CHECK_THROWS_AS(Adam({.epsilon = -1e-7}), ValueError);
  CHECK_THROWS_WITH_AS(AdamW({.weight_decay = -1.0}),
                       "AdamW: weight_decay = -1.000000; it must be finite and 0 or more.", ValueError);
  CHECK_THROWS_AS(RMSprop({.rho = 1.0}), ValueError);
  CHECK_THROWS_AS(RMSprop({.momentum = std::numeric_limits<double>::quiet_NaN()}), ValueError);
  CHECK_THROWS_AS(RMSprop({.learning_rate = -1.0}), ValueError);
}
