#include <doctest/doctest.h>

#include "neurona/error.hpp"
#include "neurona/layers.hpp"
#include "neurona/model.hpp"
#include "support/layer_check.hpp"

using namespace neurona;

TEST_CASE("Add keeps the layer contract with two and three inputs") {
  for (const std::size_t count : {2, 3})
    test::check_merging_layer([] { return std::make_unique<Add>(); },
                              std::vector<Shape>(count, Shape{3, 5, 2}));
}

TEST_CASE("Add refuses inputs whose shapes differ, and names itself") {
  Functional model;
  const Node a = model.input({3}), b = model.input({4});
  CHECK_THROWS_WITH_AS(model.add(Add({.name = "sum"}), {a, b}),
                       "Add 'sum' received inputs of shapes (3,) and (4,); they must agree.", ShapeError);
  CHECK_THROWS_AS(model.add(Add(), {a}), ShapeError);
}
