#include <doctest/doctest.h>

#include "neurona/error.hpp"
#include "neurona/layers.hpp"
#include "neurona/model.hpp"
#include "support/layer_check.hpp"

using namespace neurona;

TEST_CASE("MaxPooling2D keeps the layer contract with every window, stride and padding") {
  for (const Extent2D size : {Extent2D(2), Extent2D(3, 2)})
    for (const Extent2D strides : {Extent2D(0, 0), Extent2D(1), Extent2D(2, 3)})
      for (const Padding padding : {Padding::valid, Padding::same})
        for (const Shape& sample : {Shape{6, 7, 1}, Shape{5, 4, 17}}) {
          INFO(size.height, "x", size.width, ", strides ", strides.height, "x", strides.width, ", ",
               to_string(padding));
          test::check_layer(
              [&] {
                return std::make_unique<MaxPooling2D>(
                    Pooling2DOptions{.pool_size = size, .strides = strides, .padding = padding});
              },
              sample);
        }
}

TEST_CASE("MaxPooling2D refuses windows larger than the image") {
  const Shape in{2, 2, 1};
  CHECK_THROWS_AS(MaxPooling2D({.pool_size = 3}).output_shape({&in, 1}), ShapeError);
  CHECK_THROWS_AS(MaxPooling2D({.pool_size = {0, 2}}), ValueError);
}
