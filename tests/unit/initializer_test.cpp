#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "neurona/error.hpp"
#include "neurona/initializer.hpp"

using namespace neurona;

namespace {

// Deviation and kurtosis (fourth moment over the squared variance) of a standard normal truncated at two deviations.
constexpr double kTruncatedDeviation = 0.87962566103423978, kTruncatedKurtosis = 2.3655;

struct Expected {
  Initializer initializer;
  double deviation;
  double bound;     // of the absolute value
  double kurtosis;  // of the distribution: how well the samples know their variance
};

}  // namespace

TEST_CASE("Random initializers have mean 0, their deviation, and stay within their bounds") {
  constexpr std::int64_t kIn = 300, kOut = 500;
  const double kCount = kIn * kOut;
  const auto uniform = [](Initializer initializer, double limit) {
    return Expected{initializer, limit / std::sqrt(3.0), limit, 9.0 / 5.0};
  };
  const auto normal = [](Initializer initializer, double variance) {
    const double deviation = std::sqrt(variance);
    return Expected{initializer, deviation, 2.0 * deviation / kTruncatedDeviation, kTruncatedKurtosis};
  };
  const Expected all[] = {
      uniform(Initializer::glorot_uniform, std::sqrt(6.0 / (kIn + kOut))),
      uniform(Initializer::he_uniform, std::sqrt(6.0 / kIn)),
      uniform(Initializer::lecun_uniform, std::sqrt(3.0 / kIn)),
      uniform(Initializer::random_uniform, 0.05),
      normal(Initializer::glorot_normal, 2.0 / (kIn + kOut)),
      normal(Initializer::he_normal, 2.0 / kIn),
      normal(Initializer::lecun_normal, 1.0 / kIn),
      {Initializer::truncated_normal, 0.05 * kTruncatedDeviation, 0.1, kTruncatedKurtosis},
      {Initializer::random_normal, 0.05, 0.05 * 8.0, 3.0},
  };
  for (const Expected& expected : all)
    for (std::uint64_t seed : {1u, 2u}) {
      INFO(to_string(expected.initializer), ", seed ", seed);
      Rng rng(seed);
      Tensor weights({kIn, kOut});
      initialize(expected.initializer, weights.view(), kIn, kOut, rng);
      double sum = 0.0, squares = 0.0, largest = 0.0;
      for (float w : weights.values()) {
        sum += static_cast<double>(w);
        squares += static_cast<double>(w) * static_cast<double>(w);
        largest = std::max(largest, std::abs(static_cast<double>(w)));
      }
      // Five standard errors of the mean and of the variance.
      const double variance = expected.deviation * expected.deviation;
      CHECK(std::abs(sum / kCount) < 5.0 * expected.deviation / std::sqrt(kCount));
      CHECK(std::abs(squares / kCount - variance) < 5.0 * variance * std::sqrt((expected.kurtosis - 1.0) / kCount));
      CHECK(largest <= expected.bound * (1 + 1e-6));
      // Of 150,000 samples some come close to a hard bound, and those of random_normal pass its two deviations.
      CHECK(largest > (expected.initializer == Initializer::random_normal ? 0.1 : 0.99 * expected.bound));
    }
}

TEST_CASE("Constant initializers fill every element, in both types") {
  for (DType dtype : {DType::float32, DType::float64})
    for (const auto& [initializer, value] :
         {std::pair{Initializer::zeros, 0.0}, {Initializer::ones, 1.0}, {Initializer::constant(-0.25), -0.25}}) {
      Rng rng(1);
      Tensor weights({3, 5}, dtype);
      for (std::int64_t i = 0; i < 15; ++i) weights.set(i, 7.0);
      initialize(initializer, weights.view(), 3, 5, rng);
      for (std::int64_t i = 0; i < 15; ++i) CHECK(weights.at(i) == value);
    }
}

TEST_CASE("Weights in float64 are the numbers of float32") {
  for (Initializer initializer : {Initializer::he_normal, Initializer::glorot_uniform, Initializer::random_normal}) {
    Rng a(3), b(3);
    Tensor single({40}), twice({40}, DType::float64);
    initialize(initializer, single.view(), 8, 5, a);
    initialize(initializer, twice.view(), 8, 5, b);
    for (std::int64_t i = 0; i < 40; ++i) CHECK(single.at(i) == twice.at(i));
  }
}

TEST_CASE("Initializers are written and read by name, a constant with its value") {
  for (const char* name : {"zeros", "ones", "random_uniform", "random_normal", "truncated_normal", "glorot_uniform",
                           "glorot_normal", "he_uniform", "he_normal", "lecun_uniform", "lecun_normal", "constant(0.5)",
                           "constant(-1e-07)", "constant(0.1)"})
    CHECK(to_string(initializer_from_string(name)) == name);
  CHECK(initializer_from_string("constant(0.1)").value == 0.1);
  CHECK(initializer_from_string("constant(2)") == Initializer::constant(2.0));
  CHECK_THROWS_WITH_AS(
      initializer_from_string("xavier"),
      "Unknown initializer 'xavier'. Known: zeros, ones, constant(value), random_uniform, random_normal, "
      "truncated_normal, glorot_uniform, glorot_normal, he_uniform, he_normal, lecun_uniform, lecun_normal.",
      ValueError);
  CHECK_THROWS_WITH_AS(initializer_from_string("constant(a)"), "Initializer 'constant(a)': 'a' is not a number.",
                       ValueError);
  CHECK_THROWS_AS(initializer_from_string("constant()"), ValueError);
  CHECK_THROWS_AS(initializer_from_string("constant( 1)"), ValueError);
  CHECK_THROWS_AS(initializer_from_string("constant(1 2)"), ValueError);
  CHECK_THROWS_AS(initializer_from_string("constant"), ValueError);
  CHECK_THROWS_WITH_AS(initializer_from_string("constant(value)"), doctest::Contains("write the value"), ValueError);
  CHECK_THROWS_AS(Initializer::constant(std::numeric_limits<double>::infinity()), ValueError);
}
