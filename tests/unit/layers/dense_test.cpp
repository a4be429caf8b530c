#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "neurona/error.hpp"
#include "neurona/layers.hpp"
#include "neurona/model.hpp"
#include "support/layer_check.hpp"

using namespace neurona;

TEST_CASE("Dense keeps the layer contract with every activation, on ragged sizes") {
  for (Activation activation : {Activation::linear, Activation::sigmoid, Activation::tanh, Activation::relu, Activation::leaky_relu,
                                Activation::elu, Activation::selu, Activation::gelu, Activation::swish, Activation::softmax})
    for (std::int64_t units : {1, 5, 17}) {
      INFO(to_string(activation), ", units ", units);
      test::check_layer([&] { return std::make_unique<Dense>(DenseOptions{.units = units, .activation = activation}); }, {7});
    }
}

TEST_CASE("Dense without bias keeps the layer contract and has no bias") {
  test::check_layer([] { return std::make_unique<Dense>(DenseOptions{.units = 4, .use_bias = false}); }, {3});
  Sequential model;
  model.add(Dense({.units = 4, .use_bias = false, .input_shape = {3}}));
  CHECK(model.count_params() == 12);
}

TEST_CASE("Dense computes x . kernel + bias, by hand") {
  Sequential model;
  model.add(Dense({.units = 2, .input_shape = {3}}));
  model.set_weights({Tensor({3, 2}, std::vector<float>{1, 2, 3, 4, 5, 6}), Tensor({2}, std::vector<float>{0.5f, -1})});
  const Tensor y = model.predict(Tensor({1, 3}, std::vector<float>{1, 10, 100}));
  CHECK(y.at(0) == 531.5);
  CHECK(y.at(1) == 641.0);
}

TEST_CASE("Dense names itself, what it received and the cure when the shape is wrong") {
  Sequential model;
  CHECK_THROWS_WITH_AS(model.add(Dense({.units = 100, .input_shape = {28, 28}, .name = "hidden1"})),
                       "Dense 'hidden1' received samples of shape (28, 28); it takes one axis.\n  Add Flatten() before it.",
                       ShapeError);
  CHECK_THROWS_WITH_AS(Dense({.units = 0}), "Dense: units = 0; it must be from 1 to 16777216.", ValueError);
}

TEST_CASE("Dense begins with glorot_uniform kernels inside their limit and zero biases") {
  Sequential model({.seed = 3});
  model.add(Dense({.units = 100, .input_shape = {784}}));
  const Tensor& kernel = model.layer(0).parameters()[0].value;
  const double limit = std::sqrt(6.0 / 884.0);
  double smallest = 0.0, largest = 0.0, sum = 0.0;
  for (std::int64_t i = 0; i < kernel.elements(); ++i) {
    smallest = std::min(smallest, kernel.at(i));
    largest = std::max(largest, kernel.at(i));
    sum += kernel.at(i);
  }
  CHECK(largest <= limit);
  CHECK(smallest >= -limit);
  CHECK(largest > 0.99 * limit);
  // The mean of 78,400 uniform values has a deviation of limit / sqrt(3 * 78400); five of them.
  CHECK(std::abs(sum / 78400.0) < 5 * limit / std::sqrt(3.0 * 78400.0));
  for (std::int64_t i = 0; i < 100; ++i) CHECK(model.layer(0).parameters()[1].value.at(i) == 0.0);
}
