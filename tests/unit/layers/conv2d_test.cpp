#include <doctest/doctest.h>

#include "neurona/error.hpp"
#include "neurona/layers.hpp"
#include "neurona/model.hpp"
#include "support/layer_check.hpp"

using namespace neurona;

TEST_CASE("Conv2D keeps the layer contract with every kernel, stride, padding and group, on ragged sizes") {
  for (const Extent2D size : {Extent2D(1), Extent2D(3), Extent2D(2, 5)})
    for (const Extent2D strides : {Extent2D(1), Extent2D(2, 1)})
      for (const Padding padding : {Padding::valid, Padding::same})
        for (const std::int64_t groups : {1, 3}) {
          INFO(size.height, "x", size.width, ", strides ", strides.height, "x", strides.width, ", ",
               to_string(padding), ", groups ", groups);
          test::check_layer(
              [&] {
                return std::make_unique<Conv2D>(Conv2DOptions{.filters = 6,
                                                              .kernel_size = size,
                                                              .strides = strides,
                                                              .padding = padding,
                                                              .groups = groups,
                                                              .activation = Activation::tanh});
              },
              {5, 7, 3});
        }
}

TEST_CASE(
    "Conv2D keeps the layer contract with one channel, many filters, and activations that keep their input") {
  for (const Activation activation :
       {Activation::relu, Activation::gelu, Activation::swish, Activation::softmax})
    test::check_layer(
        [&] {
          return std::make_unique<Conv2D>(
              Conv2DOptions{.filters = 17, .kernel_size = 3, .activation = activation, .use_bias = false});
        },
        {6, 5, 1});
}

TEST_CASE("Conv2D says what it cannot take") {
  const Shape flat{28, 28}, small{2, 2, 3}, odd{5, 5, 3};
  CHECK_THROWS_WITH_AS(Conv2D({.filters = 2, .name = "c"}).output_shape({&flat, 1}),
                       "Conv2D 'c' received samples of shape (28, 28); it takes images (height, width, "
                       "channels).\n  A grey image of "
                       "28x28 has shape (28, 28, 1): put Reshape({.target_shape = {28, 28, 1}}) before it.",
                       ShapeError);
  CHECK_THROWS_AS(Conv2D({.filters = 2, .kernel_size = 3}).output_shape({&small, 1}), ShapeError);
  CHECK_THROWS_AS(Conv2D({.filters = 2, .groups = 2}).output_shape({&odd, 1}), ShapeError);
  CHECK_THROWS_AS(Conv2D({.filters = 0}), ValueError);
  CHECK_THROWS_AS(Conv2D({.filters = 3, .groups = 2}), ValueError);
  CHECK_THROWS_AS(Conv2D({.filters = 1, .strides = {0, 1}}), ValueError);
}
