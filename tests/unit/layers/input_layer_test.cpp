#include <doctest/doctest.h>

#include "neurona/error.hpp"
#include "neurona/layers.hpp"
#include "neurona/model.hpp"
#include "support/layer_check.hpp"

using namespace neurona;

TEST_CASE("InputLayer gives its shape and comes back from its options") {
  const InputLayer layer({.shape = {4, 5, 3}});
  CHECK(layer.output_shape({}) == Shape{4, 5, 3});
  CHECK(make_layer("InputLayer", layer.config())->output_shape({}) == Shape{4, 5, 3});
}
