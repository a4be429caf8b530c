#include <doctest/doctest.h>

#include "neurona/error.hpp"
#include "neurona/layers.hpp"
#include "neurona/model.hpp"
#include "support/layer_check.hpp"

using namespace neurona;

TEST_CASE("Reshape keeps the layer contract") {
  test::check_layer(
      [] {
        return std::make_unique<Reshape>(ReshapeOptions{.target_shape = {2, 3, 4}});
      },
      {6, 4});
}

TEST_CASE("Reshape refuses another number of elements") {
  const Shape in{5};
  CHECK_THROWS_WITH_AS(Reshape({.target_shape = {2, 3}, .name = "r"}).output_shape({&in, 1}),
                       "Reshape 'r' received samples of shape (5,), 5 values; its target_shape (2, 3) has 6.",
                       ShapeError);
}
