#include <doctest/doctest.h>

#include <limits>

#include "neurona/backend.hpp"
#include "neurona/error.hpp"
#include "neurona/optimizer.hpp"

using namespace neurona;

namespace {

// Weight after three steps with gradients 1, 2, -1 from weight 1.
double three_steps(SGD sgd) {
  Parameter parameter{"w", Tensor({1}, std::vector<float>{1.0f})};
  Parameter* const parameters[] = {&parameter};
  sgd.build(parameters);
  const auto backend = make_backend("reference");
  for (float g : {1.0f, 2.0f, -1.0f}) {
    Tensor gradient({1}, std::vector<float>{g});
    const TensorView view = gradient.view();
    sgd.apply(*backend, parameters, {&view, 1});
  }
  return parameter.value.at(0);
}

}  // namespace

TEST_CASE("SGD takes the steps computed by hand: plain, momentum, Nesterov") {
  // plain: 1 - .1 - .2 + .1
  CHECK(three_steps(SGD({.learning_rate = 0.1})) == doctest::Approx(0.8));
  // momentum .5: v = -.1, -.25, -.025
  CHECK(three_steps(SGD({.learning_rate = 0.1, .momentum = 0.5})) == doctest::Approx(1 - 0.1 - 0.25 - 0.025));
  // Nesterov: w += .5 v - .1 g = -.15, -.325, +.0875
  CHECK(three_steps(SGD({.learning_rate = 0.1, .momentum = 0.5, .nesterov = true})) == doctest::Approx(1 - 0.15 - 0.325 + 0.0875));
}

TEST_CASE("SGD refuses to move parameters that it was not built for") {
  Parameter small{"w", Tensor({2})}, large{"w", Tensor({3})};
  Parameter* const one[] = {&small};
  Parameter* const other[] = {&large};
  SGD sgd({.momentum = 0.9});
  sgd.build(one);
  Tensor gradient({3});
  const TensorView view = gradient.view();
  CHECK_THROWS_WITH_AS(sgd.apply(*make_backend("reference"), other, {&view, 1}), doctest::Contains("Give each model an optimiser of its own"), ValueError);
}

TEST_CASE("SGD refuses options out of range") {
  CHECK_THROWS_AS(SGD({.learning_rate = -0.1}), ValueError);
  CHECK_THROWS_AS(SGD({.learning_rate = std::numeric_limits<double>::quiet_NaN()}), ValueError);
  CHECK_THROWS_AS(SGD({.momentum = 1.0}), ValueError);
}
