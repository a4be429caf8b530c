#include <doctest/doctest.h>

#include "neurona/error.hpp"
#include "neurona/layers.hpp"
#include "neurona/model.hpp"
#include "support/layer_check.hpp"

using namespace neurona;

TEST_CASE("DepthwiseConv2D keeps the layer contract") {
  for (const std::int64_t multiplier : {1, 2})
    for (const Extent2D strides : {Extent2D(1), Extent2D(2)})
      for (const Padding padding : {Padding::valid, Padding::same})
        for (const Shape& sample : {Shape{5, 7, 3}, Shape{4, 5, 17}}) {
          INFO("multiplier ", multiplier, ", stride ", strides.height, ", ", to_string(padding));
          test::check_layer(
              [&] {
                return std::make_unique<DepthwiseConv2D>(
                    DepthwiseConv2DOptions{.kernel_size = 3,
                                           .strides = strides,
                                           .padding = padding,
                                           .depth_multiplier = multiplier,
                                           .activation = Activation::elu});
              },
              sample);
        }
}

TEST_CASE("DepthwiseConv2D refuses options out of range") {
  CHECK_THROWS_AS(DepthwiseConv2D({.kernel_size = 3, .depth_multiplier = 0}), ValueError);
}
