#include <doctest/doctest.h>

#include "neurona/error.hpp"
#include "neurona/layers.hpp"
#include "neurona/model.hpp"
#include "support/layer_check.hpp"

using namespace neurona;

TEST_CASE("Activation keeps the layer contract with every function") {
  for (const Activation activation :
       {Activation::linear, Activation::sigmoid, Activation::tanh, Activation::relu, Activation::leaky_relu,
        Activation::elu, Activation::selu, Activation::gelu, Activation::swish, Activation::softmax}) {
    INFO(to_string(activation));
    test::check_layer(
        [&] { return std::make_unique<ActivationLayer>(ActivationLayerOptions{.activation = activation}); },
        {5, 3, 7});
  }
}
