#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "backend/backend.hpp"
#include "neurona/backend.hpp"
#include "neurona/error.hpp"
#include "neurona/loss.hpp"
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
  CHECK(test::normalized_error(gradient.view(), numeric.view()) < kTolerance);
}

}  // namespace

TEST_CASE("Gradients of the losses equal central differences, from logits and not, for labels and for values") {
  Rng rng(1);
  const auto drawn = [&](double low, double high, const Shape& shape = {3, 5}) {
    return test::random_tensor(shape, rng, low, high, DType::float64);
  };
  const std::vector<std::int32_t> labels{2, 0, 4}, binary{1, 0, 1};
  const Tensor y = drawn(-1, 1), shares = drawn(0, 1), maps = drawn(0, 1, {3, 2, 2, 5}), ones = drawn(0, 1, {3, 1});
  const Targets by_label{labels, {}}, by_share{{}, shares.view()}, by_map{{}, maps.view()};

  check_gradient(SparseCategoricalCrossentropy(), drawn(-3, 3), true, by_label);
  check_gradient(SparseCategoricalCrossentropy(), drawn(0.1, 0.9), false, by_label);

  // The targets need not add up to 1.
  check_gradient(CategoricalCrossentropy(), drawn(-3, 3), true, by_share);
  check_gradient(CategoricalCrossentropy(), drawn(-3, 3), true, by_label);
  check_gradient(CategoricalCrossentropy(), drawn(0.1, 0.9), false, by_share);
  check_gradient(CategoricalCrossentropy(), drawn(0.1, 0.9), false, by_label);
  check_gradient(CategoricalCrossentropy(), drawn(-3, 3, {3, 2, 2, 5}), true, by_map);
  check_gradient(CategoricalCrossentropy(), drawn(0.1, 0.9, {3, 2, 2, 5}), false, by_map);

  check_gradient(BinaryCrossentropy(), drawn(-3, 3), true, by_share);
  check_gradient(BinaryCrossentropy(), drawn(-3, 3), true, by_label);
  check_gradient(BinaryCrossentropy(), drawn(0.1, 0.9), false, by_share);
  check_gradient(BinaryCrossentropy(), drawn(0.1, 0.9), false, by_label);
  check_gradient(BinaryCrossentropy(), drawn(-3, 3, {3, 1}), true, {binary, {}});
  check_gradient(BinaryCrossentropy(), drawn(0.1, 0.9, {3, 1}), false, {binary, {}});
  check_gradient(BinaryCrossentropy(), drawn(0.1, 0.9, {3, 1}), false, {{}, ones.view()});

  check_gradient(MeanSquaredError(), drawn(-1, 1), false, {{}, y.view()});
  check_gradient(MeanSquaredError(), drawn(0, 1), false, by_label);

  check_gradient(MeanAbsoluteError(), drawn(-1, 1), false, {{}, y.view()});
  check_gradient(MeanAbsoluteError(), drawn(0.1, 0.9), false, by_label);
}

TEST_CASE("Gradients are 0 where Keras clips a probability, and where an absolute error is 0") {
  const auto backend = make_backend("reference");
  const Tensor p({1, 2}, std::vector<float>{0.0f, 1.0f}), t({1, 2}, std::vector<float>{1.0f, 1.0f});
  Tensor gradient({1, 2}, std::vector<float>{7.0f, 7.0f});
  BinaryCrossentropy().evaluate(*backend, p.view(), false, {{}, t.view()}, gradient.view());
  CHECK(gradient.at(0) == 0.0);
  CHECK(gradient.at(1) == 0.0);
  gradient.set(0, 7.0);
  CategoricalCrossentropy().evaluate(*backend, p.view(), false, {{}, t.view()}, gradient.view());
  CHECK(gradient.at(0) == 0.0);
  MeanAbsoluteError().evaluate(*backend, p.view(), false, {{}, t.view()}, gradient.view());
  CHECK(gradient.at(0) == -0.5);
  CHECK(gradient.at(1) == 0.0);
}

TEST_CASE("The losses are those computed by hand") {
  const auto backend = make_backend("reference");
  const Tensor p({2, 2}, std::vector<float>{0.25f, 0.75f, 0.5f, 0.5f}), t({2, 2}, std::vector<float>{0, 1, 1, 0.5f});
  const auto value = [&](const Loss& loss) { return loss.evaluate(*backend, p.view(), false, {{}, t.view()}, {}); };
  CHECK(value(MeanSquaredError()) == doctest::Approx((0.0625 + 0.0625) / 2 + (0.25 + 0.0) / 2));
  CHECK(value(MeanAbsoluteError()) == doctest::Approx((0.25 + 0.25) / 2 + (0.5 + 0.0) / 2));
  CHECK(value(BinaryCrossentropy()) == doctest::Approx(-2 * std::log(0.75) / 2 - 2 * std::log(0.5) / 2));
  CHECK(value(CategoricalCrossentropy()) == doctest::Approx(-std::log(0.75) - 1.5 * std::log(0.5)));
}

TEST_CASE("From probabilities of a softmax or a sigmoid the losses are those from its logits") {
  const auto backend = make_backend("reference");
  Rng rng(4);
  const Tensor z = test::random_tensor({4, 6}, rng, -5, 5, DType::float64),
               t = test::random_tensor({4, 6}, rng, 0, 1, DType::float64);
  Tensor p({4, 6}, DType::float64);
  const Targets targets{{}, t.view()};
  for (const char* name : {"categorical_crossentropy", "binary_crossentropy"}) {
    INFO(name);
    const Handle<Loss> loss = make_loss(name);
    backend->activation_forward(loss->logits_of(), z.view(), p.view());
    const double truth = loss->evaluate(*backend, z.view(), true, targets, {});
    CHECK(loss->evaluate(*backend, p.view(), false, targets, {}) == doctest::Approx(truth).epsilon(1e-12));
  }
}

TEST_CASE("Cross-entropies from extreme logits neither overflow nor are clipped; a NaN stays one") {
  const auto backend = make_backend("reference");
  const Tensor z({1, 2}, std::vector<float>{3e4f, -3e4f}), one({1, 2}, std::vector<float>{0, 1}),
      other({1, 2}, std::vector<float>{1, 0});
  Tensor gradient({1, 2});
  CHECK(CategoricalCrossentropy().evaluate(*backend, z.view(), true, {{}, one.view()}, gradient.view()) ==
        doctest::Approx(6e4));
  CHECK(gradient.at(0) == 1.0);
  CHECK(gradient.at(1) == -1.0);
  CHECK(CategoricalCrossentropy().evaluate(*backend, z.view(), true, {{}, other.view()}, {}) == 0.0);
  CHECK(BinaryCrossentropy().evaluate(*backend, z.view(), true, {{}, one.view()}, gradient.view()) ==
        doctest::Approx(3e4));
  CHECK(gradient.at(0) == 0.5);
  CHECK(gradient.at(1) == -0.5);
  CHECK(BinaryCrossentropy().evaluate(*backend, z.view(), true, {{}, other.view()}, gradient.view()) == 0.0);
  CHECK(gradient.at(0) == 0.0);
  const Tensor broken({1, 2}, std::vector<float>{0, std::numeric_limits<float>::quiet_NaN()});
  for (const std::string& name : loss_names())
    for (bool logits : {false, true}) {
      INFO(name, ", logits ", logits);
      if (name == "sparse_categorical_crossentropy") continue;  // takes no values
      CHECK(std::isnan(make_loss(name)->evaluate(*backend, broken.view(), logits, {{}, one.view()}, {})));
    }
}

TEST_CASE("Cross-entropy of probabilities outside of [0, 1] is clipped as in Keras") {
  const auto backend = make_backend("reference");
  const Tensor p({1, 2}, std::vector<float>{0.0f, 4.0f}), one({1, 2}, std::vector<float>{1, 0});
  CHECK(CategoricalCrossentropy().evaluate(*backend, p.view(), false, {{}, one.view()}, {}) ==
        doctest::Approx(-std::log(1e-7)));
  CHECK(BinaryCrossentropy().evaluate(*backend, p.view(), false, {{}, one.view()}, {}) ==
        doctest::Approx(-std::log(1e-7)));
}

TEST_CASE("Cross-entropy is not clipped: a loss of 516 is reached") {
  Tensor z({1, 10});
  z.set(0, 516.3);
  const std::vector<std::int32_t> label{7};
  for (const std::string& name : backend_names())
    CHECK(SparseCategoricalCrossentropy().evaluate(*make_backend(name), z.view(), true, {label, {}}, {}) ==
          doctest::Approx(516.3).epsilon(1e-6));
}

TEST_CASE("Cross-entropy of probabilities that no softmax made is clipped as in Keras, and normalized") {
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
  CHECK_THROWS_WITH_AS(make_loss("mse?"),
                       "Unknown loss 'mse?'. Known: sparse_categorical_crossentropy, categorical_crossentropy, "
                       "binary_crossentropy, mean_squared_error, mean_absolute_error.",
                       ValueError);
  CHECK_THROWS_WITH_AS(BinaryCrossentropy().check({1}, Dataset(Tensor({2, 3}), std::vector<std::int32_t>{1, 2})),
                       "binary_crossentropy: sample 1 has label 2; with one output labels are 0 or 1.", ValueError);
  CHECK_THROWS_WITH_AS(CategoricalCrossentropy().check({5}, values),
                       "categorical_crossentropy received predictions of shape (5,) a sample; the targets have (4,).",
                       ShapeError);
  CHECK_THROWS_AS(CategoricalCrossentropy().check({2, 10}, labels), ShapeError);
  CHECK_THROWS_AS(CategoricalCrossentropy().check({4}, labels), ValueError);
  CHECK_THROWS_AS(MeanAbsoluteError().check({3}, values), ShapeError);
  for (const std::string& name : loss_names()) CHECK(make_loss(name)->name() == name);
}
