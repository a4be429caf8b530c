#include <doctest/doctest.h>

#include "neurona/layers.hpp"
#include "neurona/model.hpp"
#include "support/layer_check.hpp"

using namespace neurona;

TEST_CASE("Flatten keeps the layer contract") {
  test::check_layer([] { return std::make_unique<Flatten>(); }, {3, 5, 2});
  test::check_layer([] { return std::make_unique<Flatten>(FlattenOptions{.input_shape = {4}}); }, {4});
}

TEST_CASE("Flatten keeps the order y, x, channel") {
  Sequential model;
  model.add(Flatten({.input_shape = {2, 2, 2}}));
  const Tensor y = model.predict(Tensor({1, 2, 2, 2}, std::vector<float>{0, 1, 2, 3, 4, 5, 6, 7}));
  CHECK(y.shape() == Shape({1, 8}));
  for (std::int64_t i = 0; i < 8; ++i) CHECK(y.at(i) == i);
}
