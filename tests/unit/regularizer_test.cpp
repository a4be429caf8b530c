#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "neurona/error.hpp"
#include "neurona/formats.hpp"
#include "neurona/layers.hpp"
#include "neurona/train.hpp"
#include "support/samples.hpp"

using namespace neurona;

namespace {

constexpr double kL1 = 0.03, kL2 = 0.02;

// Two layers in float64, of which only the first kernel is regularized; a rate of 1 makes one step tell the gradient.
Sequential small_network(double learning_rate, Regularizer regularizer = L1L2(kL1, kL2)) {
  Sequential model({.seed = 5, .dtype = DType::float64});
  model.add(Dense({.units = 4, .activation = Activation::tanh, .kernel_regularizer = regularizer, .input_shape = {3}}));
  model.add(Dense({.units = 2, .activation = Activation::softmax}));
  model.compile({.optimizer = SGD({.learning_rate = learning_rate})});
  return model;
}

Dataset some_data() {
  Rng rng(2);
  return {test::random_tensor({7, 3}, rng), std::vector<std::int32_t>{0, 1, 1, 0, 1, 0, 0}};
}

double penalty_by_hand(const Tensor& kernel) {
  double sum = 0.0;
  for (std::int64_t i = 0; i < kernel.elements(); ++i)
    sum += kL1 * std::abs(kernel.at(i)) + kL2 * kernel.at(i) * kernel.at(i);
  return sum;
}

}  // namespace

TEST_CASE("The loss of evaluation is that of the data and the penalty of the regularized kernel") {
  Sequential model = small_network(0.0), plain = small_network(0.0, {});
  const double penalty = penalty_by_hand(model.get_weights()[0]);
  CHECK(penalty > 0.1);
  for (std::int64_t batch_size : {1, 3, 32})
    CHECK(model.evaluate(some_data(), batch_size).loss ==
          doctest::Approx(plain.evaluate(some_data()).loss + penalty).epsilon(1e-12));
}

TEST_CASE("fit tells the loss that evaluate tells, in training and in validation, batches of any size") {
  // A rate of 0 keeps the weights, so that the running mean is of one network.
  Sequential model = small_network(0.0);
  const double truth = model.evaluate(some_data()).loss;
  const History history = model.fit(some_data(), {.epochs = 2, .batch_size = 3, .validation_data = some_data()});
  for (const char* name : {"loss", "val_loss"})
    for (double loss : history[name]) CHECK(loss == doctest::Approx(truth).epsilon(1e-12));
  Sequential moving = small_network(0.5);
  const History moved = moving.fit(some_data(), {.epochs = 1, .validation_data = some_data()});
  CHECK(moved["val_loss"][0] == doctest::Approx(moving.evaluate(some_data()).loss).epsilon(1e-12));
}

TEST_CASE("The step of a regularized network follows the gradient of its whole loss, by central differences") {
  constexpr double kStep = 1e-6, kTolerance = 1e-8;
  Sequential model = small_network(1.0);
  const std::vector<Tensor> before = model.get_weights();
  model.fit(some_data(), {.epochs = 1, .batch_size = 7});
  const std::vector<Tensor> after = model.get_weights();
  for (std::size_t p = 0; p < before.size(); ++p)
    for (std::int64_t i = 0; i < before[p].elements(); ++i) {
      std::vector<Tensor> moved = before;
      const auto loss_at = [&](double value) {
        moved[p].set(i, value);
        model.set_weights(moved);
        return model.evaluate(some_data()).loss;
      };
      const double numeric = (loss_at(before[p].at(i) + kStep) - loss_at(before[p].at(i) - kStep)) / (2 * kStep);
      INFO("parameter ", p, ", element ", i);
      CHECK(std::abs(before[p].at(i) - after[p].at(i) - numeric) < kTolerance);
    }
}

TEST_CASE("A kernel that is not trained costs nothing, as in Keras") {
  Sequential model = small_network(0.1), plain = small_network(0.1, {});
  model.parameters()[0]->trainable = plain.parameters()[0]->trainable = false;
  CHECK(model.evaluate(some_data()).loss == plain.evaluate(some_data()).loss);
  CHECK(model.fit(some_data(), {.epochs = 2})["loss"] == plain.fit(some_data(), {.epochs = 2})["loss"]);
}

TEST_CASE("A regularizer goes into the model's file and comes back; without one the file says nothing of it") {
  Sequential model({.seed = 5});
  model.add(Dense({.units = 4, .kernel_regularizer = L2(0.25), .input_shape = {3}}));
  model.add(Dense({.units = 2}));
  const auto again = from_safetensors(to_safetensors(model));
  CHECK(again.layer(0).parameters()[0].regularizer == L2(0.25));
  CHECK(!again.layer(0).parameters()[1].regularizer);
  CHECK(again.layer(0).config().has("kernel_regularizer_l2"));
  CHECK(!again.layer(0).config().has("kernel_regularizer_l1"));
  CHECK(!again.layer(1).config().has("kernel_regularizer_l2"));
}

TEST_CASE("Regularizers have Keras' initial values, and negative ones are refused") {
  CHECK(L1() == Regularizer{0.01, 0.0});
  CHECK(L2() == Regularizer{0.0, 0.01});
  CHECK(!L1L2());
  CHECK_THROWS_WITH_AS(Dense({.units = 1, .kernel_regularizer = L2(-1.0), .name = "hidden"}),
                       "Dense 'hidden': kernel_regularizer has l2 = -1.000000; it must be finite and 0 or more.",
                       ValueError);
  CHECK_THROWS_AS(Dense({.units = 1, .kernel_regularizer = L1(std::numeric_limits<double>::quiet_NaN())}), ValueError);
}
