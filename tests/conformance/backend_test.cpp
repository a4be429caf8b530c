// Every operation of every backend against `reference`, on ragged sizes.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <limits>

#include "backend/backend.hpp"
#include "neurona/backend.hpp"
#include "support/samples.hpp"

using namespace neurona;
using test::normalised_error;
using test::random_tensor;

namespace {

// Sums of up to some thousand float32 products in another order than the reference's double sums: rounding grows with the
// square root of their number, 2^-24 * sqrt(1024) = 2e-6.
constexpr double kSumTolerance = 4e-6;
// One elementwise function: a few units in the last place of float32.
constexpr double kElementTolerance = 1e-6;

constexpr std::int64_t kSizes[] = {1, 3, 7, 15, 16, 17, 33, 65, 130};

void for_backends(const std::function<void(Backend&)>& check) {
  for (const std::string& name : backend_names()) {
    if (name == "reference") continue;
    INFO("backend ", name);
    check(*make_backend(name));
  }
}

}  // namespace

TEST_CASE("Every backend computes dense layers as the reference does, forwards and backwards") {
  const auto reference = make_backend("reference");
  for_backends([&](Backend& backend) {
    Rng rng(1);
    for (std::int64_t N : kSizes)
      for (std::int64_t K : {1, 7, 16, 33, 900})
        for (std::int64_t F : kSizes) {
          INFO("N ", N, " K ", K, " F ", F);
          const Tensor x = random_tensor({N, K}, rng), kernel = random_tensor({K, F}, rng), bias = random_tensor({F}, rng),
                       dz = random_tensor({N, F}, rng);
          Tensor y({N, F}), truth({N, F});
          backend.dense_forward(x.view(), kernel.view(), bias.view(), Activation::linear, y.view());
          reference->dense_forward(x.view(), kernel.view(), bias.view(), Activation::linear, truth.view());
          REQUIRE(normalised_error(y.view(), truth.view()) < kSumTolerance);

          Tensor dkernel({K, F}), dbias({F}), true_dkernel({K, F}), true_dbias({F});
          backend.dense_backward_parameters(x.view(), dz.view(), dkernel.view(), dbias.view());
          reference->dense_backward_parameters(x.view(), dz.view(), true_dkernel.view(), true_dbias.view());
          REQUIRE(normalised_error(dkernel.view(), true_dkernel.view()) < kSumTolerance);
          REQUIRE(normalised_error(dbias.view(), true_dbias.view()) < kSumTolerance);

          Tensor dx({N, K}), true_dx({N, K});
          backend.dense_backward_input(dz.view(), kernel.view(), dx.view());
          reference->dense_backward_input(dz.view(), kernel.view(), true_dx.view());
          REQUIRE(normalised_error(dx.view(), true_dx.view()) < kSumTolerance);
        }
  });
}

TEST_CASE("Every backend computes activations and their gradients as the reference does, in place too") {
  const auto reference = make_backend("reference");
  for_backends([&](Backend& backend) {
    Rng rng(2);
    for (Activation activation : {Activation::linear, Activation::sigmoid, Activation::tanh, Activation::relu, Activation::selu,
                                  Activation::softmax})
      for (std::int64_t F : kSizes) {
        INFO(to_string(activation), " F ", F);
        const Tensor z = random_tensor({5, F}, rng, -6.0, 6.0), dy = random_tensor({5, F}, rng);
        Tensor y = z, truth({5, F}), dz = dy, true_dz({5, F});
        backend.activation_forward(activation, y.view(), y.view());
        reference->activation_forward(activation, z.view(), truth.view());
        REQUIRE(normalised_error(y.view(), truth.view()) < kElementTolerance);
        backend.activation_backward(activation, truth.view(), dz.view(), dz.view());
        reference->activation_backward(activation, truth.view(), dy.view(), true_dz.view());
        REQUIRE(normalised_error(dz.view(), true_dz.view()) < kElementTolerance);
      }
  });
}

TEST_CASE("Every backend computes softmax cross-entropy as the reference does, also far from zero") {
  const auto reference = make_backend("reference");
  for_backends([&](Backend& backend) {
    Rng rng(3);
    for (double reach : {1.0, 30.0, 1000.0})
      for (std::int64_t F : {2, 3, 10, 17, 1000}) {
        INFO("logits up to ", reach, ", classes ", F);
        const Tensor z = random_tensor({6, F}, rng, -reach, reach);
        std::vector<std::int32_t> labels;
        for (int n = 0; n < 6; ++n) labels.push_back(static_cast<std::int32_t>(rng.below(static_cast<std::uint32_t>(F))));
        Tensor gradient({6, F}), truth({6, F});
        const double loss = backend.softmax_crossentropy(z.view(), labels.data(), gradient.view());
        const double true_loss = reference->softmax_crossentropy(z.view(), labels.data(), truth.view());
        CHECK(loss == doctest::Approx(true_loss).epsilon(kElementTolerance));
        CHECK(normalised_error(gradient.view(), truth.view()) < kSumTolerance);
        CHECK(backend.softmax_crossentropy(z.view(), labels.data(), {}) == doctest::Approx(true_loss).epsilon(kElementTolerance));
      }
  });
}

TEST_CASE("A NaN among the logits makes the loss NaN, on every backend") {
  for (const std::string& name : backend_names()) {
    INFO("backend ", name);
    for (std::int64_t place : {0, 1, 9}) {
      Tensor z({1, 10});
      z.set(place, std::numeric_limits<double>::quiet_NaN());
      const std::int32_t label = 4;
      CHECK(!std::isfinite(make_backend(name)->softmax_crossentropy(z.view(), &label, {})));
    }
  }
}

TEST_CASE("Every backend takes SGD steps as the reference does: plain, momentum, Nesterov") {
  const auto reference = make_backend("reference");
  for_backends([&](Backend& backend) {
    Rng rng(4);
    for (SgdStep step : {SgdStep{0.1, 0.0, false}, SgdStep{0.1, 0.9, false}, SgdStep{0.1, 0.9, true}})
      for (std::int64_t count : {1, 17, 40000}) {
        INFO("momentum ", step.momentum, " nesterov ", step.nesterov, " count ", count);
        const Tensor gradient = random_tensor({count}, rng);
        Tensor weights = random_tensor({count}, rng), velocity = random_tensor({count}, rng);
        Tensor true_weights = weights, true_velocity = velocity;
        const bool moves = step.momentum > 0.0;
        backend.sgd(step, gradient.view(), moves ? velocity.view() : TensorView(), weights.view());
        reference->sgd(step, gradient.view(), moves ? true_velocity.view() : TensorView(), true_weights.view());
        CHECK(normalised_error(weights.view(), true_weights.view()) < kElementTolerance);
        CHECK(normalised_error(velocity.view(), true_velocity.view()) < kElementTolerance);
      }
  });
}

TEST_CASE("The cpu backend gives the same bits for any number of threads") {
  const int kept = num_threads();
  Rng rng(5);
  const Tensor x = random_tensor({200, 784}, rng), kernel = random_tensor({784, 130}, rng), bias = random_tensor({130}, rng);
  Tensor one({200, 130}), many({200, 130});
  const auto backend = make_backend("cpu");
  set_num_threads(1);
  backend->dense_forward(x.view(), kernel.view(), bias.view(), Activation::selu, one.view());
  for (int threads : {2, 3}) {
    set_num_threads(threads);
    backend->dense_forward(x.view(), kernel.view(), bias.view(), Activation::selu, many.view());
    CHECK(std::memcmp(one.view().data, many.view().data, one.size_bytes()) == 0);
  }
  set_num_threads(kept);
}
