// Every operation of every backend against `reference`, on ragged sizes.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <utility>

#include "backend/backend.hpp"
#include "neurona/backend.hpp"
#include "support/samples.hpp"

using namespace neurona;
using test::normalized_error;
using test::random_tensor;

namespace {

// Sums of up to some thousand float32 products in another order than the reference's double sums: rounding grows with the
// square root of their number, 2^-24 * sqrt(1024) = 2e-6.
constexpr double kSumTolerance = 4e-6;
// One elementwise function: a few units in the last place of float32.
constexpr double kElementTolerance = 1e-6;

constexpr std::int64_t kSizes[] = {1, 3, 7, 15, 16, 17, 33, 65, 130};

// All sets of kernels that this processor can run, not only the one that would be picked.
void for_backends(const std::function<void(Backend&)>& check) {
  for (const std::shared_ptr<Backend>& backend : make_cpu_backends()) {
    INFO("backend ", backend->describe());
    check(*backend);
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
          REQUIRE(normalized_error(y.view(), truth.view()) < kSumTolerance);

          Tensor dkernel({K, F}), dbias({F}), true_dkernel({K, F}), true_dbias({F});
          backend.dense_backward_parameters(x.view(), dz.view(), dkernel.view(), dbias.view());
          reference->dense_backward_parameters(x.view(), dz.view(), true_dkernel.view(), true_dbias.view());
          REQUIRE(normalized_error(dkernel.view(), true_dkernel.view()) < kSumTolerance);
          REQUIRE(normalized_error(dbias.view(), true_dbias.view()) < kSumTolerance);

          Tensor dx({N, K}), true_dx({N, K});
          backend.dense_backward_input(dz.view(), kernel.view(), dx.view());
          reference->dense_backward_input(dz.view(), kernel.view(), true_dx.view());
          REQUIRE(normalized_error(dx.view(), true_dx.view()) < kSumTolerance);
        }
  });
}

TEST_CASE("Every backend computes activations and their gradients as the reference does, in place too") {
  const auto reference = make_backend("reference");
  for_backends([&](Backend& backend) {
    Rng rng(2);
    for (Activation activation : {Activation::linear, Activation::sigmoid, Activation::tanh, Activation::relu, Activation::leaky_relu,
                                  Activation::elu, Activation::selu, Activation::gelu, Activation::swish, Activation::softmax})
      for (std::int64_t F : kSizes) {
        INFO(to_string(activation), " F ", F);
        const Tensor z = random_tensor({5, F}, rng, -6.0, 6.0), dy = random_tensor({5, F}, rng);
        Tensor y = z, truth({5, F}), dz = dy, true_dz({5, F});
        backend.activation_forward(activation, y.view(), y.view());
        reference->activation_forward(activation, z.view(), truth.view());
        REQUIRE(normalized_error(y.view(), truth.view()) < kElementTolerance);
        const ConstTensorView kept = differentiates_by_input(activation) ? z.view() : std::as_const(truth).view();
        backend.activation_backward(activation, kept, dz.view(), dz.view());
        reference->activation_backward(activation, kept, dy.view(), true_dz.view());
        REQUIRE(normalized_error(dz.view(), true_dz.view()) < kElementTolerance);
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
        CHECK(normalized_error(gradient.view(), truth.view()) < kSumTolerance);
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

TEST_CASE("A NaN among the inputs stays NaN through every activation, on every backend") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto check = [&](Backend& backend) {
    for (Activation activation : {Activation::linear, Activation::sigmoid, Activation::tanh, Activation::relu, Activation::selu}) {
      INFO(backend.describe(), ", ", to_string(activation));
      for (std::int64_t place : {0, 5, 33}) {  // in a full block of the kernels and in what is left
        Tensor z({34});
        z.set(place, nan);
        Tensor y({34});
        backend.activation_forward(activation, z.view(), y.view());
        for (std::int64_t i = 0; i < 34; ++i) CHECK(std::isnan(y.at(i)) == (i == place));
      }
    }
  };
  check(*make_backend("reference"));
  for_backends(check);
}

TEST_CASE("A kernel whose gradient is not wanted is left out, on every backend") {
  Rng rng(6);
  const Tensor x = random_tensor({5, 9}, rng), dz = random_tensor({5, 4}, rng);
  Tensor truth({4});
  make_backend("reference")->dense_backward_parameters(x.view(), dz.view(), {}, truth.view());
  for_backends([&](Backend& backend) {
    Tensor dbias({4});
    backend.dense_backward_parameters(x.view(), dz.view(), {}, dbias.view());
    CHECK(normalized_error(dbias.view(), truth.view()) < kSumTolerance);
  });
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
        CHECK(normalized_error(weights.view(), true_weights.view()) < kElementTolerance);
        CHECK(normalized_error(velocity.view(), true_velocity.view()) < kElementTolerance);
      }
  });
}

TEST_CASE("Every backend takes RMSprop steps as the reference does: centered or not, with momentum or without") {
  const auto reference = make_backend("reference");
  for_backends([&](Backend& backend) {
    Rng rng(7);
    for (bool centered : {false, true})
      for (bool moves : {false, true})
        for (std::int64_t count : {1, 17, 40000}) {
          INFO("centered ", centered, " momentum ", moves, " count ", count);
          const RmspropStep step{0.01, 0.9, moves ? 0.8 : 0.0, 1e-7};
          const Tensor gradient = random_tensor({count}, rng);
          // Means as they can be: the square of the mean is no larger than the mean of squares.
          std::vector<Tensor> fast{random_tensor({count}, rng, 0.5, 2.0), random_tensor({count}, rng, -0.6, 0.6),
                                   random_tensor({count}, rng), random_tensor({count}, rng)};
          std::vector<Tensor> slow = fast;
          const auto run = [&](Backend& on, std::vector<Tensor>& t) {
            on.rmsprop(step, gradient.view(), t[0].view(), centered ? t[1].view() : TensorView(),
                       moves ? t[2].view() : TensorView(), t[3].view());
          };
          run(backend, fast);
          run(*reference, slow);
          for (std::size_t i = 0; i < fast.size(); ++i)
            CHECK(normalized_error(fast[i].view(), slow[i].view()) < kElementTolerance);
        }
  });
}

TEST_CASE("A centered RMSprop step whose variance rounds below zero is finite, on every backend") {
  const auto check = [](Backend& backend) {
    INFO(backend.describe());
    const Tensor gradient({1}, std::vector<float>{1000.0f});
    Tensor square({1}, std::vector<float>{0.99e6f}), mean({1}, std::vector<float>{1000.0f}), weights({1});
    backend.rmsprop({0.1, 0.9, 0.0, 1e-7}, gradient.view(), square.view(), mean.view(), {}, weights.view());
    CHECK(std::isfinite(weights.at(0)));
  };
  check(*make_backend("reference"));
  for_backends(check);
}

TEST_CASE("Every backend takes Adam steps as the reference does: plain, with weight decay, AMSGrad") {
  const auto reference = make_backend("reference");
  for_backends([&](Backend& backend) {
    Rng rng(8);
    for (double decay : {0.0, 0.01})
      for (bool amsgrad : {false, true})
        for (std::int64_t count : {1, 17, 40000}) {
          INFO("decay ", decay, " amsgrad ", amsgrad, " count ", count);
          const AdamStep step{0.01, 0.9, 0.999, 1e-7, decay};
          const Tensor gradient = random_tensor({count}, rng);
          std::vector<Tensor> fast{random_tensor({count}, rng), random_tensor({count}, rng, 0.01, 1.0),
                                   random_tensor({count}, rng, 0.01, 1.0), random_tensor({count}, rng)};
          std::vector<Tensor> slow = fast;
          const auto run = [&](Backend& on, std::vector<Tensor>& t) {
            on.adam(step, gradient.view(), t[0].view(), t[1].view(), amsgrad ? t[2].view() : TensorView(), t[3].view());
          };
          run(backend, fast);
          run(*reference, slow);
          for (std::size_t i = 0; i < fast.size(); ++i)
            CHECK(normalized_error(fast[i].view(), slow[i].view()) < kElementTolerance);
        }
  });
}

TEST_CASE("Every backend computes the penalty of weights as the reference does, and adds its gradient") {
  const auto reference = make_backend("reference");
  for_backends([&](Backend& backend) {
    Rng rng(9);
    for (const Regularizer& regularizer : {L1(0.1), L2(0.2), L1L2(0.3, 0.04)})
      for (std::int64_t count : {1, 15, 17, 40000, 600000}) {  // the last is shared among threads
        INFO("l1 ", regularizer.l1, " l2 ", regularizer.l2, " count ", count);
        Tensor weights = random_tensor({count}, rng), gradient = random_tensor({count}, rng);
        weights.set(count / 2, 0.0);
        Tensor true_gradient = gradient;
        const double truth = reference->penalty(regularizer, weights.view(), true_gradient.view());
        CHECK(backend.penalty(regularizer, weights.view(), gradient.view()) == doctest::Approx(truth).epsilon(1e-12));
        CHECK(backend.penalty(regularizer, weights.view(), {}) == doctest::Approx(truth).epsilon(1e-12));
        CHECK(normalized_error(gradient.view(), true_gradient.view()) < kElementTolerance);
      }
    CHECK(backend.penalty(L2(1.0), random_tensor({3}, rng).view(), {}) >
          0.0);  // what a larger tensor left behind does not count
    CHECK(backend.penalty(L2(1.0), Tensor({3}).view(), {}) == 0.0);
  });
}

TEST_CASE("The cpu backend gives the same bits for any number of threads") {
  const int kept = num_threads();
  Rng rng(5);
  const Tensor x = random_tensor({200, 784}, rng), kernel = random_tensor({784, 130}, rng), bias = random_tensor({130}, rng);
  const Tensor dz = random_tensor({200, 130}, rng), gradient = random_tensor({784, 130}, rng);
  const Tensor long_weights = random_tensor({600000}, rng);
  // All operations that are shared among threads; the results of one number of threads after the other.
  const auto results = [&](Backend& backend, int threads) {
    set_num_threads(threads);
    std::vector<Tensor> all{
        Tensor({200, 130}), Tensor({784, 130}), Tensor({130}),    Tensor({200, 784}), Tensor({200, 130}), kernel,
        long_weights,       Tensor({600000}),   Tensor({600000}), long_weights,       Tensor({600000}),   Tensor({2})};
    backend.dense_forward(x.view(), kernel.view(), bias.view(), Activation::selu, all[0].view());
    backend.dense_backward_parameters(x.view(), dz.view(), all[1].view(), all[2].view());
    backend.dense_backward_input(dz.view(), kernel.view(), all[3].view());
    backend.activation_backward(Activation::sigmoid, all[0].view(), dz.view(), all[4].view());
    backend.sgd({0.1, 0.0, false}, gradient.view(), {}, all[5].view());
    backend.adam({0.1, 0.9, 0.999, 1e-7, 0.01}, long_weights.view(), all[7].view(), all[8].view(), {}, all[6].view());
    backend.rmsprop({0.1, 0.9, 0.0, 1e-7}, long_weights.view(), all[10].view(), {}, {}, all[9].view());
    const double penalty = backend.penalty(L1L2(0.1, 0.1), long_weights.view(), {});
    std::memcpy(all[11].view().data, &penalty, sizeof penalty);
    return all;
  };
  for_backends([&](Backend& backend) {
    const std::vector<Tensor> one = results(backend, 1);
    for (int threads : {2, 3}) {
      const std::vector<Tensor> many = results(backend, threads);
      for (std::size_t i = 0; i < one.size(); ++i) {
        INFO("result ", i, ", ", threads, " threads");
        CHECK(std::memcmp(one[i].view().data, many[i].view().data, one[i].size_bytes()) == 0);
      }
    }
  });
  set_num_threads(kept);
}
