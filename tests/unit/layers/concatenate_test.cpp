#include <doctest/doctest.h>

#include "neurona/error.hpp"
#include "neurona/layers.hpp"
#include "neurona/model.hpp"
#include "support/layer_check.hpp"

using namespace neurona;

TEST_CASE("Concatenate keeps the layer contract along every axis") {
  for (const auto& [axis, samples] :
       std::vector<std::pair<int, std::vector<Shape>>>{{1, {{2, 3, 5}, {4, 3, 5}}},
                                                       {2, {{2, 1, 5}, {2, 3, 5}, {2, 2, 5}}},
                                                       {3, {{2, 3, 1}, {2, 3, 7}}},
                                                       {-1, {{3}, {5}}}}) {
    CAPTURE(axis);
    test::check_merging_layer(
        [chosen = axis] { return std::make_unique<Concatenate>(ConcatenateOptions{.axis = chosen}); },
        samples);
  }
}

TEST_CASE("Concatenate says what does not fit") {
  const std::vector<Shape> shapes{{2, 3}, {3, 4}};
  CHECK_THROWS_AS(Concatenate().output_shape(shapes), ShapeError);
  CHECK_THROWS_AS(Concatenate({.axis = 0}), ValueError);
  CHECK_THROWS_AS(Concatenate({.axis = 5}).output_shape(shapes), ShapeError);
}
