#include <doctest/doctest.h>

#include <cmath>

#include "neurona/error.hpp"
#include "neurona/layers.hpp"
#include "neurona/model.hpp"
#include "support/layer_check.hpp"
#include "backend/backend.hpp"

using namespace neurona;

TEST_CASE("Dropout keeps the layer contract") {
  for (const double rate : {0.0, 0.3, 0.75})
    test::check_layer([&] { return std::make_unique<Dropout>(DropoutOptions{.rate = rate}); }, {11, 3});
}

TEST_CASE("Dropout drops its share while training, keeps the mean, and is the identity else") {
  constexpr std::int64_t kCount = 100'000;
  constexpr double kRate = 0.3;
  Tensor x({1, kCount}), y({1, kCount});
  for (float& v : x.values()) v = 1.0f;
  const auto backend = make_backend("cpu");
  const Dropout layer({.rate = kRate});
  const ConstTensorView in = x.view();
  const auto dropped = [&](std::uint64_t seed, bool training) {
    layer.forward({.backend = *backend, .inputs = {&in, 1}, .output = y.view(), .training = training, .seed = seed});
    std::int64_t count = 0;
    for (const float v : y.values()) count += v == 0.0f ? 1 : 0;
    return count;
  };
  const double deviation = std::sqrt(kCount * kRate * (1 - kRate));
  CHECK(std::abs(static_cast<double>(dropped(1, true)) - kCount * kRate) < 5 * deviation);
  const Tensor first = y;
  for (const float v : y.values()) REQUIRE((v == 0.0f || v == doctest::Approx(1.0 / (1.0 - kRate))));
  dropped(1, true);
  CHECK(std::equal(first.values().begin(), first.values().end(), y.values().begin()));
  dropped(2, true);
  CHECK_FALSE(std::equal(first.values().begin(), first.values().end(), y.values().begin()));
  CHECK(dropped(1, false) == 0);
}

TEST_CASE("Dropout refuses a rate outside [0, 1)") {
  CHECK_THROWS_AS(Dropout({.rate = 1.0}), ValueError);
  CHECK_THROWS_AS(Dropout({.rate = -0.1}), ValueError);
}
