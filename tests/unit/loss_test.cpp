#include <doctest/doctest.h>

#include <cmath>

#include "neurona/backend.hpp"
#include "neurona/error.hpp"
#include "neurona/loss.hpp"
#include "neurona/metric.hpp"
#include "support/samples.hpp"

using namespace neurona;

namespace {

// Gradient of the mean loss against central differences, in float64.
void check_gradient(const Loss& loss, Tensor prediction, bool logits, const Targets& targets) {
  const auto backend = make_backend("reference");
  constexpr double kStep = 1e-6, kTolerance = 1e-7;
  Tensor gradient(prediction.shape(), DType::float64), numeric(prediction.shape(), DType::float64);
  const double N = static_cast<double>(prediction.shape()[0]);
  const auto value = [&] { return loss.evaluate(*backend, prediction.view(), logits, targets, {}) / N; };
  loss.evaluate(*backend, prediction.view(), logits, targets, gradient.view());
  for (std::int64_t i = 0; i < prediction.elements(); ++i) {
    const double kept = prediction.at(i);
    prediction.set(i, kept + kStep);
    const double above = value();
    prediction.set(i, kept - kStep);
    const double below = value();
    prediction.set(i, kept);
    numeric.set(i, (above - below) / (2 * kStep));
  }
  CHECK(test::normalised_error(gradient.view(), numeric.view()) < kTolerance);
}

}  // namespace

TEST_CASE("Gradients of the losses equal central differences") {
  Rng rng(1);
  const std::vector<std::int32_t> labels{2, 0, 4};
  const Tensor y = test::random_tensor({3, 5}, rng, -1, 1, DType::float64);
  check_gradient(SparseCategoricalCrossentropy(), test::random_tensor({3, 5}, rng, -3, 3, DType::float64), true, {labels, {}});
  check_gradient(SparseCategoricalCrossentropy(), test::random_tensor({3, 5}, rng, 0.1, 0.9, DType::float64), false, {labels, {}});
  check_gradient(MeanSquaredError(), test::random_tensor({3, 5}, rng, -1, 1, DType::float64), false, {{}, y.view()});
  check_gradient(MeanSquaredError(), test::random_tensor({3, 5}, rng, 0, 1, DType::float64), false, {labels, {}});
}

TEST_CASE("Cross-entropy is not clipped: a loss of 516 is reached") {
  Tensor z({1, 10});
  z.set(0, 516.3);
  const std::vector<std::int32_t> label{7};
  for (const std::string& name : backend_names())
    CHECK(SparseCategoricalCrossentropy().evaluate(*make_backend(name), z.view(), true, {label, {}}, {}) ==
          doctest::Approx(516.3).epsilon(1e-6));
}

TEST_CASE("Cross-entropy of probabilities that no softmax made is clipped as in Keras, and normalised") {
  const Tensor p({1, 2}, std::vector<float>{0.0f, 0.5f});
  const std::vector<std::int32_t> label{0};
  CHECK(SparseCategoricalCrossentropy().evaluate(*make_backend("cpu"), p.view(), false, {label, {}}, {}) ==
        doctest::Approx(-std::log(1e-7 / (0.5 + 1e-7))).epsilon(1e-6));
}

TEST_CASE("Losses say which targets they need") {
  const Dataset values(Tensor({2, 3}), Tensor({2, 4})), labels(Tensor({2, 3}), std::vector<std::int32_t>{1, 10});
  CHECK_THROWS_AS(SparseCategoricalCrossentropy().check({4}, values), ValueError);
  CHECK_THROWS_WITH_AS(SparseCategoricalCrossentropy().check({10}, labels),
                       "sparse_categorical_crossentropy: sample 1 has label 10; the network has 10 classes, so labels go from 0 to 9.",
                       ValueError);
  CHECK_THROWS_AS(MeanSquaredError().check({3}, values), ShapeError);
  CHECK_THROWS_WITH_AS(make_loss("mse?"), "Unknown loss 'mse?'. Known: sparse_categorical_crossentropy, mean_squared_error.",
                       ValueError);
}

TEST_CASE("Accuracy counts the first of the largest predictions") {
  const Tensor p({3, 3}, std::vector<float>{0.2f, 0.5f, 0.3f, 0.4f, 0.4f, 0.2f, 0, 0, 1});
  const std::vector<std::int32_t> labels{1, 1, 2};
  CHECK(Accuracy().evaluate(p.view(), {labels, {}}) == 2.0);
}
