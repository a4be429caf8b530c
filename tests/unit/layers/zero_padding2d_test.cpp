#include <doctest/doctest.h>

#include "neurona/error.hpp"
#include "neurona/layers.hpp"
#include "neurona/model.hpp"
#include "support/layer_check.hpp"

using namespace neurona;

TEST_CASE("ZeroPadding2D keeps the layer contract") {
  test::check_layer([] { return std::make_unique<ZeroPadding2D>(); }, {3, 4, 2});
  test::check_layer(
      [] {
        return std::make_unique<ZeroPadding2D>(
            ZeroPadding2DOptions{.top = 2, .bottom = 0, .left = 0, .right = 3});
      },
      {3, 1, 5});
}

TEST_CASE("ZeroPadding2D refuses negative numbers and what is no image") {
  CHECK_THROWS_AS(ZeroPadding2D({.top = -1}), ValueError);
  const Shape in{28, 28};
  CHECK_THROWS_AS(ZeroPadding2D().output_shape({&in, 1}), ShapeError);
}
