#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "neurona/activation.hpp"
#include "neurona/error.hpp"
#include "neurona/initializer.hpp"
#include "neurona/random.hpp"
#include "neurona/tensor.hpp"

using namespace neurona;

TEST_CASE("Shape prints as Python's tuples and counts its elements") {
  CHECK(Shape().to_string() == "()");
  CHECK(Shape({10}).to_string() == "(10,)");
  CHECK(Shape({32, 28, 28}).to_string() == "(32, 28, 28)");
  CHECK(Shape({32, 28, 28}).elements() == 25088);
  CHECK(Shape({3, 0}).elements() == 0);
  CHECK(Shape({4, 5}).with_leading(2) == Shape({2, 4, 5}));
  CHECK(Shape({4, 5})[-1] == 5);
}

TEST_CASE("Shape refuses negative extents, too many axes and products that overflow") {
  CHECK_THROWS_AS(Shape({-1}), ValueError);
  CHECK_THROWS_AS(Shape({1, 1, 1, 1, 1, 1, 1}), ValueError);
  CHECK_THROWS_AS(Shape({std::int64_t{1} << 40, std::int64_t{1} << 40}), ValueError);
}

TEST_CASE("Tensor copies are deep and typed access is checked") {
  Tensor a({2, 2}, std::vector<float>{1, 2, 3, 4});
  Tensor b = a;
  b.set(0, 9);
  CHECK(a.at(0) == 1.0);
  CHECK_THROWS_WITH_AS(a.view().as<double>(), "Tensor: its elements are float32, asked for as float64.", ValueError);
  CHECK_THROWS_AS(Tensor({3}, std::vector<float>{1, 2}), ShapeError);
  CHECK(reinterpret_cast<std::uintptr_t>(a.view().data) % 64 == 0);
}

TEST_CASE("Rng gives the published sequence of xoshiro256** seeded by splitmix64 with 0") {
  // First outputs of splitmix64(0) are the state: e220a8397b1dcdaf 6e789e6aa1b965f4 06c45d188009454f f88bb8a8724c81ec.
  Rng rng(0);
  const std::uint64_t s1 = 0x6e789e6aa1b965f4u;
  const std::uint64_t product = s1 * 5;
  CHECK(rng.next() == ((product << 7) | (product >> 57)) * 9);
}

TEST_CASE("Rng draws uniform, bounded and normal numbers with the right moments") {
  Rng rng(11);
  constexpr int kCount = 200000;
  double sum = 0.0, squares = 0.0, normal_sum = 0.0, normal_squares = 0.0, truncated_squares = 0.0;
  std::vector<int> counts(7);
  for (int i = 0; i < kCount; ++i) {
    const double u = rng.uniform();
    sum += u;
    squares += u * u;
    const double z = rng.normal();
    normal_sum += z;
    normal_squares += z * z;
    const double t = rng.truncated_normal();
    CHECK_UNARY(std::abs(t) <= 2.0);
    truncated_squares += t * t;
    ++counts[rng.below(7)];
  }
  // Five standard errors of each mean.
  const double n = kCount;
  CHECK(std::abs(sum / n - 0.5) < 5 * std::sqrt(1.0 / 12 / n));
  CHECK(std::abs(squares / n - 1.0 / 3) < 5 * std::sqrt(4.0 / 45 / n));
  CHECK(std::abs(normal_sum / n) < 5 / std::sqrt(n));
  CHECK(std::abs(normal_squares / n - 1.0) < 5 * std::sqrt(2.0 / n));
  CHECK(std::sqrt(truncated_squares / n) == doctest::Approx(0.87962566103423978).epsilon(0.01));
  for (int count : counts) CHECK(std::abs(count - n / 7) < 5 * std::sqrt(n / 7));
}

TEST_CASE("Rng shuffles to a permutation, the same for the same seed, and forks independent streams") {
  std::vector<std::int32_t> a(100), b(100);
  std::iota(a.begin(), a.end(), 0);
  b = a;
  Rng(5).shuffle(a);
  Rng(5).shuffle(b);
  CHECK(a == b);
  CHECK(!std::is_sorted(a.begin(), a.end()));
  std::sort(a.begin(), a.end());
  for (int i = 0; i < 100; ++i) CHECK(a[static_cast<std::size_t>(i)] == i);
  CHECK(Rng(5).fork(1).next() == Rng(5).fork(1).next());
  CHECK(Rng(5).fork(1).next() != Rng(5).fork(2).next());
  CHECK(Rng(5).fork(1).next() != Rng(6).fork(1).next());
}

TEST_CASE("lecun_normal has deviation sqrt(1/fan_in) and stays within its truncation") {
  Rng rng(1);
  Tensor weights({784, 200});
  initialize(Initializer::lecun_normal, weights.view(), 784, 200, rng);
  const double sigma = std::sqrt(1.0 / 784), bound = 2 * sigma / 0.87962566103423978;
  double squares = 0.0;
  for (float w : weights.values()) {
    CHECK_UNARY(std::abs(w) <= bound * (1 + 1e-6));
    squares += static_cast<double>(w) * w;
  }
  // The deviation of 156,800 samples is known to about 0.2%; 1% is five of those.
  CHECK(std::sqrt(squares / 156800.0) == doctest::Approx(sigma).epsilon(0.01));
}

TEST_CASE("Names of enumerators are Keras' and an unknown one lists what is known") {
  CHECK(activation_from_string("selu") == Activation::selu);
  CHECK(to_string(Activation::softmax) == "softmax");
  CHECK_THROWS_WITH_AS(activation_from_string("rellu"),
                       "Unknown activation 'rellu'. Known: linear, sigmoid, tanh, relu, elu, leaky_relu, selu, gelu, swish, softmax.", ValueError);
}
