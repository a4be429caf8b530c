#include <doctest/doctest.h>

#include "neurona/error.hpp"
#include "neurona/layers.hpp"
#include "neurona/model.hpp"
#include "support/layer_check.hpp"

using namespace neurona;

TEST_CASE("Softmax keeps the layer contract over the last axis") {
  for (const Shape& sample : {Shape{1}, Shape{7}, Shape{3, 2, 5}})
    test::check_layer([] { return std::make_unique<Softmax>(); }, sample);
}
