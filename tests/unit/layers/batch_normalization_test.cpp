#include <doctest/doctest.h>

#include <cmath>

#include "neurona/error.hpp"
#include "neurona/layers.hpp"
#include "neurona/model.hpp"
#include "support/layer_check.hpp"

using namespace neurona;

TEST_CASE("BatchNormalization keeps the layer contract on vectors and images") {
  for (const Shape& sample : {Shape{7}, Shape{3, 5, 2}, Shape{17, 4, 16}})
    test::check_layer(
        [] {
          return std::make_unique<BatchNormalization>(
              BatchNormalizationOptions{.momentum = 0.7, .epsilon = 0.01});
        },
        sample);
}

TEST_CASE("BatchNormalization uses the batch's biased variance while training and moves its statistics") {
  Sequential model;
  model.add(BatchNormalization({.momentum = 0.75, .epsilon = 1e-3, .input_shape = {1}}));
  model.compile({.loss = MeanSquaredError(), .optimizer = SGD({.learning_rate = 0.0})});
  // Mean 2, biased variance 2 (unbiased would be 8/3).
  const Tensor x({4, 1}, std::vector<float>{0, 2, 2, 4}), y({4, 1}, std::vector<float>{0, 0, 0, 0});
  model.fit(Dataset(x, y), {.batch_size = 4});
  CHECK(model.layer(0).parameters()[2].value.at(0) == doctest::Approx(0.25 * 2));
  CHECK(model.layer(0).parameters()[3].value.at(0) == doctest::Approx(0.75 + 0.25 * 2));
  // Now those are used.
  const Tensor prediction = model.predict(x);
  CHECK(prediction.at(3) == doctest::Approx((4 - 0.5) / std::sqrt(1.25 + 1e-3)));
}

TEST_CASE("A frozen BatchNormalization uses its moving statistics while training and keeps them") {
  Sequential model;
  model.add(BatchNormalization({.input_shape = {2}}));
  model.add(Dense({.units = 1}));
  model.layer(0).set_trainable(false);
  model.compile({.loss = MeanSquaredError(), .optimizer = SGD({.learning_rate = 0.1})});
  CHECK(model.count_trainable_params() == 3);
  const std::vector<Tensor> before = model.get_weights();
  const Tensor x({2, 2}, std::vector<float>{1, 2, 3, 5}), y({2, 1}, std::vector<float>{1, 0});
  model.fit(Dataset(x, y), {.epochs = 3});
  const std::vector<Tensor> after = model.get_weights();
  for (std::size_t i = 0; i < 4; ++i) CHECK(after[i].at(0) == before[i].at(0));
  CHECK(after[4].at(0) != before[4].at(0));
}

TEST_CASE("BatchNormalization refuses options out of range") {
  CHECK_THROWS_AS(BatchNormalization({.momentum = 1.5}), ValueError);
  CHECK_THROWS_AS(BatchNormalization({.epsilon = 0.0}), ValueError);
}
