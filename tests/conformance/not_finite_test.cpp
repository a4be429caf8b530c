// NaN and infinities through every operation of every backend. A NaN that an operation swallows hides from the check of `fit`.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "backend/backend.hpp"
#include "conformance/fused_case.hpp"
#include "neurona/backend.hpp"
#include "support/samples.hpp"

using namespace neurona;
using test::composed;
using test::FusedCase;
using test::Placed;
using test::random_tensor;

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN(), kInfinity = std::numeric_limits<double>::infinity();
constexpr double kSpecial[] = {kNaN, kInfinity, -kInfinity};

constexpr Activation kActivations[] = {Activation::linear, Activation::sigmoid, Activation::tanh, Activation::relu, Activation::leaky_relu,
                                       Activation::elu,    Activation::selu,    Activation::gelu, Activation::swish, Activation::softmax};

void for_backends(const std::function<void(Backend&)>& check) {
  for (const std::shared_ptr<Backend>& backend : make_cpu_backends()) {
    INFO("backend ", backend->describe());
    check(*backend);
  }
}

// The first element of `is` that is finite where the truth is not; -1: none. Which of NaN and infinity it is may differ, and more
// may be lost than in the truth: Winograd's filtering subtracts infinities, padding multiplies them by zero. That a NaN stays NaN is
// checked by itself.
std::int64_t first_swallowed(const Tensor& is, const Tensor& truth) {
  for (std::int64_t i = 0; i < truth.elements(); ++i)
    if (!std::isfinite(truth.at(i)) && std::isfinite(is.at(i))) return i;
  return -1;
}

std::int64_t count_not_finite(const Tensor& t) {
  std::int64_t count = 0;
  for (std::int64_t i = 0; i < t.elements(); ++i) count += std::isfinite(t.at(i)) ? 0 : 1;
  return count;
}

// For each special value, a copy of `t` with it in the middle and at the end.
std::vector<Tensor> spoiled(const Tensor& t) {
  std::vector<Tensor> all;
  for (const double value : kSpecial) {
    all.push_back(t);
    all.back().set(t.elements() / 2, value);
    all.back().set(t.elements() - 1, value);
  }
  return all;
}

}  // namespace

TEST_CASE("NaN and infinities pass every activation as in the reference, forwards and backwards") {
  const auto reference = make_backend("reference");
  for_backends([&](Backend& backend) {
    Rng rng(31);
    for (const Activation activation : kActivations)
      for (const std::int64_t F : {1, 7, 34, 65}) {  // in whole blocks of the kernels and in what is left of them
        const Tensor plain = random_tensor({4, F}, rng, -3.0, 3.0), dy = random_tensor({4, F}, rng);
        for (const Tensor& z : spoiled(plain)) {
          INFO(to_string(activation), ", F ", F, ", z ", z.at(z.elements() - 1));
          Tensor y({4, F}), truth({4, F});
          backend.activation_forward(activation, z.view(), y.view());
          reference->activation_forward(activation, z.view(), truth.view());
          for (std::int64_t i = 0; i < y.elements(); ++i) {
            INFO("element ", i);
            REQUIRE(std::isnan(y.at(i)) == std::isnan(truth.at(i)));
            if (std::isinf(truth.at(i))) REQUIRE(y.at(i) == truth.at(i));
            if (std::isfinite(truth.at(i))) REQUIRE(y.at(i) == doctest::Approx(truth.at(i)).epsilon(1e-5));
          }
          if (std::isnan(z.at(z.elements() - 1))) REQUIRE(std::isnan(y.at(y.elements() - 1)));

          const Tensor& kept = differentiates_by_input(activation) ? z : truth;
          Tensor dz({4, F}), true_dz({4, F});
          backend.activation_backward(activation, kept.view(), dy.view(), dz.view());
          reference->activation_backward(activation, kept.view(), dy.view(), true_dz.view());
          REQUIRE(first_swallowed(dz, true_dz) == -1);
          // A linear activation's gradient does not look at the values.
          if (std::isnan(kept.at(kept.elements() - 1)) && activation != Activation::linear)
            REQUIRE(std::isnan(dz.at(dz.elements() - 1)));
        }
        Tensor y({4, F}), dz({4, F}), true_dz({4, F});
        reference->activation_forward(activation, plain.view(), y.view());
        const Tensor& kept = differentiates_by_input(activation) ? plain : y;
        for (const Tensor& gradient : spoiled(dy)) {
          INFO(to_string(activation), ", F ", F, ", dy ", gradient.at(dy.elements() - 1));
          backend.activation_backward(activation, kept.view(), gradient.view(), dz.view());
          reference->activation_backward(activation, kept.view(), gradient.view(), true_dz.view());
          REQUIRE(first_swallowed(dz, true_dz) == -1);
          if (std::isnan(gradient.at(dy.elements() - 1))) REQUIRE(std::isnan(dz.at(dy.elements() - 1)));
        }
      }
  });
}

TEST_CASE("NaN and infinities pass dense layers under every activation as in the reference") {
  const auto reference = make_backend("reference");
  for_backends([&](Backend& backend) {
    Rng rng(32);
    for (const Activation activation : kActivations)
      for (const std::int64_t K : {1, 16, 33, 900})  // the last is summed in groups
        for (const std::int64_t F : {1, 15, 16, 65}) {
          const std::vector<Tensor> inputs = {random_tensor({5, K}, rng), random_tensor({K, F}, rng), random_tensor({F}, rng)};
          for (std::size_t which = 0; which < inputs.size(); ++which)
            for (const Tensor& bad : spoiled(inputs[which])) {
              INFO(to_string(activation), ", K ", K, ", F ", F, ", input ", which, ", ", bad.at(bad.elements() - 1));
              std::vector<Tensor> in = inputs;
              in[which] = bad;
              Tensor y({5, F}), truth({5, F});
              backend.dense_forward(in[0].view(), in[1].view(), in[2].view(), activation, y.view());
              reference->dense_forward(in[0].view(), in[1].view(), in[2].view(), activation, truth.view());
              REQUIRE(first_swallowed(y, truth) == -1);
              if (std::isnan(bad.at(bad.elements() - 1))) REQUIRE(std::isnan(y.at(y.elements() - 1)));
            }
        }
    for (const Tensor& dz : spoiled(random_tensor({5, 17}, rng))) {
      const Tensor x = random_tensor({5, 33}, rng), kernel = random_tensor({33, 17}, rng);
      Tensor dkernel({33, 17}), dbias({17}), dx({5, 33}), moved = kernel;
      backend.dense_backward_parameters(x.view(), dz.view(), dkernel.view(), dbias.view());
      backend.dense_backward_input(dz.view(), kernel.view(), dx.view());
      CHECK(count_not_finite(dkernel) >= 33);
      CHECK(count_not_finite(dbias) >= 1);
      CHECK(count_not_finite(dx) >= 33);
      backend.dense_backward_step(x.view(), dz.view(), 0.1, moved.view(), dx.view());
      CHECK(count_not_finite(moved) >= 33);
    }
  });
}

TEST_CASE("NaN and infinities pass convolutions, fused and not, with prepared kernels and without") {
  const auto reference = make_backend("reference");
  for_backends([&](Backend& backend) {
    Rng rng(33);
    for (const FusedCase& c : std::vector<FusedCase>{{{2, 9, 7, 1}, 3, 1, Padding::valid, 16, 1, 1},
                                                     {{2, 8, 8, 3}, 3, 1, Padding::same, 17, 1, 1},
                                                     {{2, 7, 8, 6}, 3, 2, Padding::valid, 6, 3, 1},
                                                     {{2, 8, 9, 8}, 3, 1, Padding::same, 8, 8, 1},      // each channel by itself
                                                     {{1, 14, 14, 64}, 3, 1, Padding::same, 64, 1, 1},  // Winograd's filtering
                                                     {{1, 7, 7, 200}, 1, 1, Padding::valid, 96, 1, 1}}) {  // panels
      const Placed p(c);
      const std::vector<Tensor> inputs = {random_tensor(c.x, rng), random_tensor(p.kernel, rng), random_tensor({c.filters}, rng),
                                          random_tensor({c.filters}, rng), random_tensor(p.z, rng)};
      for (std::size_t which = 0; which < inputs.size(); ++which)
        for (const Tensor& bad : spoiled(inputs[which])) {
          INFO(c.describe(), ", input ", which, ", ", bad.at(bad.elements() - 1));
          std::vector<Tensor> in = inputs;
          in[which] = bad;
          Tensor y(p.z), truth(p.z);
          for (const Activation activation : {Activation::relu, Activation::linear}) {
            backend.conv2d_forward(p.window, c.groups, in[0].view(), in[1].view(), in[2].view(), activation, y.view());
            reference->conv2d_forward(p.window, c.groups, in[0].view(), in[1].view(), in[2].view(), activation, truth.view());
            REQUIRE(first_swallowed(y, truth) == -1);
          }
          FusedConv2D of = p.operation(c);
          of.bias = in[2].view(), of.scale = in[3].view(), of.addend = in[4].view(), of.relu = true;
          truth = composed(of, in[0], in[1], p.z);
          backend.fused_conv2d_forward(of, in[0].view(), in[1].view(), y.view(), nullptr);
          REQUIRE(first_swallowed(y, truth) == -1);
          if (std::isnan(bad.at(bad.elements() - 1))) REQUIRE(count_not_finite(y) > 0);
          std::vector<float> prepared(static_cast<std::size_t>(backend.prepared_values(of, c.x, p.kernel)));
          if (prepared.empty()) continue;
          backend.prepare_conv2d(of, c.x, in[1].view(), prepared.data());
          of.prepared = prepared.data();
          backend.fused_conv2d_forward(of, in[0].view(), in[1].view(), y.view(), nullptr);
          REQUIRE(first_swallowed(y, truth) == -1);
        }
      for (const Tensor& dz : spoiled(random_tensor(p.z, rng))) {
        INFO(c.describe(), ", dz ", dz.at(dz.elements() - 1));
        Tensor dkernel(p.kernel), dbias({c.filters}), dx(c.x), true_dkernel(p.kernel), true_dbias({c.filters}), true_dx(c.x);
        backend.conv2d_backward_parameters(p.window, c.groups, inputs[0].view(), dz.view(), dkernel.view(), dbias.view());
        backend.conv2d_backward_input(p.window, c.groups, dz.view(), inputs[1].view(), dx.view());
        reference->conv2d_backward_parameters(p.window, c.groups, inputs[0].view(), dz.view(), true_dkernel.view(), true_dbias.view());
        reference->conv2d_backward_input(p.window, c.groups, dz.view(), inputs[1].view(), true_dx.view());
        REQUIRE(first_swallowed(dkernel, true_dkernel) == -1);
        REQUIRE(first_swallowed(dbias, true_dbias) == -1);
        REQUIRE(first_swallowed(dx, true_dx) == -1);
      }
    }
  });
}

TEST_CASE("A NaN anywhere in a pooling window is what the pooling gives, and gets the gradient") {
  const auto check = [](Backend& backend) {
    INFO(backend.describe());
    Rng rng(34);
    const Window2D window{.size = {2, 3}, .strides = {2, 3}};
    for (const std::int64_t C : {1, 16, 19}) {
      for (std::int64_t tap = 0; tap < 6; ++tap)
        for (const double value : kSpecial) {
          INFO("C ", C, ", pixel ", tap, ", ", value);
          Tensor x = random_tensor({1, 4, 6, C}, rng), y({1, 2, 2, C}), dx({1, 4, 6, C});
          const Tensor dy = random_tensor({1, 2, 2, C}, rng, 1.0, 2.0);
          const std::int64_t pixel = (tap / 3 * 6 + tap % 3) * C + C - 1;  // of the first window, its last channel
          x.set(pixel, value);
          backend.pool2d_forward(Pooling::max, window, x.view(), y.view());
          REQUIRE(count_not_finite(y) == (value == -kInfinity ? 0 : 1));
          REQUIRE(std::isnan(y.at(C - 1)) == std::isnan(value));
          backend.pool2d_backward(Pooling::max, window, x.view(), y.view(), dy.view(), dx.view());
          REQUIRE(dx.at(pixel) == (value == -kInfinity ? 0.0 : dy.at(C - 1)));
          backend.pool2d_forward(Pooling::average, window, x.view(), y.view());
          REQUIRE(count_not_finite(y) == 1);
        }
      Tensor x = random_tensor({1, 4, 6, C}, rng), y({1, 2, 2, C}), dy = random_tensor({1, 2, 2, C}, rng), dx({1, 4, 6, C});
      backend.pool2d_forward(Pooling::max, window, x.view(), y.view());
      dy.set(C - 1, kNaN);
      backend.pool2d_backward(Pooling::max, window, x.view(), y.view(), dy.view(), dx.view());
      REQUIRE(count_not_finite(dx) == 1);
      backend.pool2d_backward(Pooling::average, window, x.view(), y.view(), dy.view(), dx.view());
      REQUIRE(count_not_finite(dx) == 6);
    }
  };
  check(*make_backend("reference"));
  for_backends(check);
}

TEST_CASE("NaN and infinities pass a convolution that is fused with its pooling, forwards and backwards") {
  const auto reference = make_backend("reference");
  for_backends([&](Backend& backend) {
    Rng rng(35);
    for (const FusedCase& c : std::vector<FusedCase>{{{3, 9, 7, 1}, 3, 1, Padding::valid, 16, 1, 2},  // gray images: kernels of their own
                                                     {{2, 8, 8, 1}, 3, 1, Padding::valid, 80, 1, 2},
                                                     {{2, 8, 8, 1}, 3, 1, Padding::valid, 7, 1, 2},
                                                     {{2, 7, 8, 3}, 3, 1, Padding::same, 17, 1, {1, 2}}}) {
      const Placed p(c);
      const Tensor good_x = random_tensor(c.x, rng), kernel = random_tensor(p.kernel, rng), bias = random_tensor({c.filters}, rng),
                   good_dy = random_tensor(p.y, rng);
      for (const bool relu : {false, true}) {
        FusedConv2D of = p.operation(c);
        of.bias = bias.view();
        of.relu = relu;
        const auto compare = [&](const Tensor& x, const Tensor& dy) {
          const Tensor z = composed(of, x, kernel, p.z);
          Tensor y(p.y), truth(p.y);
          std::vector<std::uint8_t> taps(static_cast<std::size_t>(p.y.elements()));
          backend.fused_conv2d_forward(of, x.view(), kernel.view(), y.view(), taps.data());
          reference->pool2d_forward(Pooling::max, p.pool, z.view(), truth.view());
          REQUIRE(first_swallowed(y, truth) == -1);
          Tensor dz(p.z), true_dkernel(p.kernel), true_dbias({c.filters}), dkernel(p.kernel), dbias({c.filters});
          reference->pool2d_backward(Pooling::max, p.pool, z.view(), truth.view(), dy.view(), dz.view());
          if (relu) reference->activation_backward(Activation::relu, z.view(), dz.view(), dz.view());
          reference->conv2d_backward_parameters(p.window, 1, x.view(), dz.view(), true_dkernel.view(), true_dbias.view());
          backend.fused_conv2d_backward_parameters(of, x.view(), y.view(), taps.data(), dy.view(), dkernel.view(), dbias.view());
          // Where the pooling leaves pixels over, the reference multiplies what is not finite there by zero, the fused operation does not.
          if (count_not_finite(x) == 0) {
            REQUIRE(first_swallowed(dkernel, true_dkernel) == -1);
            REQUIRE(first_swallowed(dbias, true_dbias) == -1);
          } else if (count_not_finite(y) > 0) {
            REQUIRE(count_not_finite(dkernel) > 0);
          }
        };
        for (const double value : kSpecial)
          for (std::int64_t pixel = 0; pixel < c.x[1] * c.x[2]; ++pixel) {
            INFO(c.describe(), ", relu ", relu, ", pixel ", pixel, ", ", value);
            Tensor x = good_x;
            x.set(pixel * c.x[3], value);
            compare(x, good_dy);
          }
        for (const Tensor& dy : spoiled(good_dy)) {
          INFO(c.describe(), ", relu ", relu, ", dy ", dy.at(dy.elements() - 1));
          compare(good_x, dy);
        }
      }
    }
  });
}

TEST_CASE("NaN and infinities pass normalization, sums, losses and every optimizer's step") {
  const auto check = [](Backend& backend) {
    INFO(backend.describe());
    Rng rng(36);
    const Tensor gamma = random_tensor({17}, rng), beta = random_tensor({17}, rng), good = random_tensor({6, 17}, rng);
    for (const Tensor& x : spoiled(good)) {
      INFO("x ", x.at(x.elements() - 1));
      Tensor mean({17}), variance({17}), y({6, 17}), dx({6, 17}), dgamma({17}), dbeta({17});
      backend.batch_normalization_of_batch(x.view(), gamma.view(), beta.view(), 1e-3, mean.view(), variance.view(), y.view());
      REQUIRE(!std::isfinite(y.at(y.elements() - 1)));
      REQUIRE(!std::isfinite(mean.at(16)));
      backend.moments(good.view(), mean.view(), variance.view());
      backend.batch_normalization(x.view(), gamma.view(), beta.view(), mean.view(), variance.view(), 1e-3, y.view());
      REQUIRE(!std::isfinite(y.at(y.elements() - 1)));
      for (const bool of_batch : {true, false}) {
        backend.batch_normalization_backward({.of_batch = of_batch, .epsilon = 1e-3}, good.view(), gamma.view(), mean.view(), variance.view(),
                                             x.view(), dx.view(), dgamma.view(), dbeta.view());
        REQUIRE(!std::isfinite(dx.at(dx.elements() - 1)));
        REQUIRE(!std::isfinite(dgamma.at(16)));
        REQUIRE(!std::isfinite(dbeta.at(16)));
      }
      backend.add(good.view(), x.view(), y.view());
      REQUIRE(!std::isfinite(y.at(y.elements() - 1)));
      const Tensor all_kept = x;
      backend.dropout(0.0, 1, all_kept.view(), y.view());
      REQUIRE(!std::isfinite(y.at(y.elements() - 1)));
      const std::vector<std::int32_t> labels(6, 3);
      if (!std::isinf(x.at(0)) && x.at(x.elements() - 1) != -kInfinity)  // a logit of -infinity is a probability of 0
        REQUIRE(!std::isfinite(backend.softmax_crossentropy(x.view(), labels.data(), y.view())));

      Tensor weights = good, a({6, 17}), b({6, 17}), largest({6, 17});
      const auto moved_to_nowhere = [&] { return !std::isfinite(weights.at(weights.elements() - 1)); };
      backend.sgd({.learning_rate = 0.1}, x.view(), {}, weights.view());
      REQUIRE(moved_to_nowhere());
      for (const bool nesterov : {false, true}) {
        weights = good, a = Tensor({6, 17});
        backend.sgd({.learning_rate = 0.1, .momentum = 0.9, .nesterov = nesterov}, x.view(), a.view(), weights.view());
        REQUIRE(moved_to_nowhere());
      }
      weights = good, a = b = Tensor({6, 17});
      backend.rmsprop({.learning_rate = 0.1, .rho = 0.9, .momentum = 0.0, .epsilon = 1e-7}, x.view(), a.view(), b.view(), {}, weights.view());
      REQUIRE(moved_to_nowhere());
      weights = good, a = b = Tensor({6, 17});
      backend.adam({0.1, 0.9, 0.999, 1e-7, 0.0}, x.view(), a.view(), b.view(), largest.view(), weights.view());
      REQUIRE(moved_to_nowhere());
      REQUIRE(!std::isfinite(largest.at(largest.elements() - 1)));
      REQUIRE(!std::isfinite(backend.penalty(L1L2(0.1, 0.1), x.view(), {})));
    }
  };
  check(*make_backend("reference"));
  for_backends(check);
}
