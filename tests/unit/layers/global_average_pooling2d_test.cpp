#include <doctest/doctest.h>

#include "neurona/error.hpp"
#include "neurona/layers.hpp"
#include "neurona/model.hpp"
#include "support/layer_check.hpp"

using namespace neurona;

TEST_CASE("GlobalAveragePooling2D keeps the layer contract") {
  for (const Shape& sample : {Shape{1, 1, 3}, Shape{5, 3, 17}})
    test::check_layer([] { return std::make_unique<GlobalAveragePooling2D>(); }, sample);
}
