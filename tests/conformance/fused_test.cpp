// The fused operations of the backends that have them, against their parts on `reference`.
#include <doctest/doctest.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "backend/backend.hpp"
#include "conformance/fused_case.hpp"
#include "neurona/backend.hpp"
#include "neurona/error.hpp"
#include "support/samples.hpp"

using namespace neurona;
using test::composed;
using test::normalized_error;
using test::Placed;
using test::random_tensor;
using Case = test::FusedCase;

namespace {

// As in backend_test.cpp: sums of up to some thousand float32 products.
constexpr double kSumTolerance = 4e-6;

void for_backends(const std::function<void(Backend&)>& check) {
  for (const std::shared_ptr<Backend>& backend : make_cpu_backends()) {
    INFO("backend ", backend->describe());
    REQUIRE(backend->fuses());
    check(*backend);
  }
}

// Gray images under 3x3, pooled 2x2, have kernels of their own where the filters fill vectors; odd sizes leave pixels over.
const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {{1, 6, 6, 1}, 3, 1, Padding::valid, 64, 1, 2},    {{3, 9, 7, 1}, 3, 1, Padding::valid, 16, 1, 2},
      {{2, 8, 11, 1}, 3, 1, Padding::valid, 48, 1, 2},   {{2, 8, 8, 1}, 3, 1, Padding::valid, 7, 1, 2},
      {{2, 8, 8, 1}, 3, 1, Padding::same, 32, 1, 2},     {{1, 10, 9, 1}, 5, 1, Padding::valid, 4, 1, 2},
      {{5, 7, 8, 3}, 3, 1, Padding::same, 17, 1, {1, 2}}, {{2, 9, 9, 4}, {2, 3}, 1, Padding::valid, 33, 1, 3},
      {{2, 12, 10, 6}, 3, 2, Padding::valid, 6, 3, 2},   {{33, 28, 28, 1}, 3, 1, Padding::valid, 64, 1, 2},
      {{17, 14, 14, 16}, 3, 1, Padding::same, 32, 1, 2},
  };
  return all;
}

}  // namespace

TEST_CASE("A fused convolution scales, shifts, adds and clamps as its parts do") {
  for_backends([&](Backend& backend) {
    Rng rng(21);
    for (const Case& c : cases()) {
      INFO(c.describe());
      const Placed p(c);
      const Tensor x = random_tensor(c.x, rng), kernel = random_tensor(p.kernel, rng), scale = random_tensor({c.filters}, rng),
                   bias = random_tensor({c.filters}, rng), addend = random_tensor(p.z, rng);
      for (int parts = 0; parts < 16; ++parts) {
        INFO("scale ", parts & 1, ", bias ", parts >> 1 & 1, ", addend ", parts >> 2 & 1, ", relu ", parts >> 3);
        FusedConv2D of = p.operation(c);
        of.pool = 1;
        if (parts & 1) of.scale = scale.view();
        if (parts & 2) of.bias = bias.view();
        if (parts & 4) of.addend = addend.view();
        of.relu = (parts & 8) != 0;
        Tensor y(p.z);
        backend.fused_conv2d_forward(of, x.view(), kernel.view(), y.view(), nullptr);
        REQUIRE(normalized_error(y.view(), composed(of, x, kernel, p.z).view()) < kSumTolerance);
      }
    }
  });
}

TEST_CASE("A fused convolution pools as its parts do, forwards and backwards") {
  const auto reference = make_backend("reference");
  for_backends([&](Backend& backend) {
    Rng rng(22);
    for (const Case& c : cases()) {
      const Placed p(c);
      const Tensor x = random_tensor(c.x, rng), kernel = random_tensor(p.kernel, rng), scale = random_tensor({c.filters}, rng),
                   bias = random_tensor({c.filters}, rng), dy = random_tensor(p.y, rng);
      for (const bool relu : {false, true}) {
        INFO(c.describe(), ", relu ", relu);
        FusedConv2D of = p.operation(c);
        of.bias = bias.view();
        of.relu = relu;
        const Tensor z = composed(of, x, kernel, p.z);
        Tensor y(p.y), truth(p.y);
        std::vector<std::uint8_t> taps(static_cast<std::size_t>(p.y.elements()), 255);
        backend.fused_conv2d_forward(of, x.view(), kernel.view(), y.view(), taps.data());
        reference->pool2d_forward(Pooling::max, p.pool, z.view(), truth.view());
        REQUIRE(normalized_error(y.view(), truth.view()) < kSumTolerance);

        Tensor untapped(p.y);
        backend.fused_conv2d_forward(of, x.view(), kernel.view(), untapped.view(), nullptr);
        REQUIRE(normalized_error(untapped.view(), y.view()) == 0.0);

        if (c.groups == 1) {
          Tensor dz(p.z), true_dkernel(p.kernel), true_dbias({c.filters}), dkernel(p.kernel), dbias({c.filters});
          reference->pool2d_backward(Pooling::max, p.pool, z.view(), truth.view(), dy.view(), dz.view());
          if (relu) reference->activation_backward(Activation::relu, z.view(), dz.view(), dz.view());
          reference->conv2d_backward_parameters(p.window, 1, x.view(), dz.view(), true_dkernel.view(), true_dbias.view());
          backend.fused_conv2d_backward_parameters(of, x.view(), y.view(), taps.data(), dy.view(), dkernel.view(), dbias.view());
          REQUIRE(normalized_error(dkernel.view(), true_dkernel.view()) < kSumTolerance);
          REQUIRE(normalized_error(dbias.view(), true_dbias.view()) < kSumTolerance);
        }

        of.scale = scale.view();
        reference->pool2d_forward(Pooling::max, p.pool, composed(of, x, kernel, p.z).view(), truth.view());
        backend.fused_conv2d_forward(of, x.view(), kernel.view(), y.view(), nullptr);
        REQUIRE(normalized_error(y.view(), truth.view()) < kSumTolerance);
      }
    }
  });
}

TEST_CASE("A prepared kernel convolves as the kernel does: in panels to the bit, by Winograd's filtering to fewer digits") {
  // Winograd's filtering adds and subtracts values that are large against the result. Worst seen here: 6.3e-6, with tiles of 4x4.
  constexpr double kWinogradTolerance = 1e-5;
  enum Form { as_it_is, panels, winograd };
  struct Expected {
    Case of;
    Form form;
  };
  int winograd_cases = 0, panel_cases = 0;
  for_backends([&](Backend& backend) {
    Rng rng(25);
    for (const auto& [c, form] : std::vector<Expected>{
             {{{1, 56, 56, 64}, 3, 1, Padding::same, 64, 1, 1}, winograd},
             {{{2, 13, 15, 32}, 3, 1, Padding::same, 48, 1, 1}, winograd},
             {{{3, 9, 30, 48}, 3, 1, Padding::valid, 32, 1, 1}, winograd},
             {{{1, 14, 14, 256}, 3, 1, Padding::same, 256, 1, 1}, winograd},
             {{{1, 28, 28, 32}, 3, 1, Padding::same, 33, 1, 1}, as_it_is},  // no whole vectors
             {{{1, 28, 28, 32}, 3, 2, Padding::same, 32, 1, 1}, panels},    // two pixels at a time
             {{{1, 28, 28, 64}, 3, 1, Padding::same, 64, 2, 1}, as_it_is},  // in groups
             {{{1, 28, 28, 16}, 3, 1, Padding::same, 12, 1, 1}, as_it_is},  // few channels
             {{{1, 3, 3, 64}, 3, 1, Padding::same, 64, 1, 1}, as_it_is},    // small images
             {{{1, 7, 7, 200}, 1, 1, Padding::valid, 96, 1, 1}, panels},
             {{{1, 7, 7, 1000}, 1, 1, Padding::valid, 288, 1, 1}, panels},  // shared out by columns
             {{{3, 13, 15, 64}, 1, 2, Padding::same, 160, 1, 1}, panels},
             {{{1, 30, 31, 3}, 7, 2, Padding::same, 64, 1, 1}, panels}}) {
      INFO(c.describe());
      const Placed p(c);
      const Tensor x = random_tensor(c.x, rng), kernel = random_tensor(p.kernel, rng), scale = random_tensor({c.filters}, rng),
                   bias = random_tensor({c.filters}, rng), addend = random_tensor(p.z, rng);
      FusedConv2D of = p.operation(c);
      std::vector<float> prepared(static_cast<std::size_t>(backend.prepared_values(of, c.x, p.kernel)));
      const std::int64_t values = static_cast<std::int64_t>(prepared.size()), weights = p.kernel.elements();
      REQUIRE((form == as_it_is ? values == 0 : form == panels ? values == weights : values > weights));
      if (form == as_it_is) continue;
      ++(form == panels ? panel_cases : winograd_cases);
      backend.prepare_conv2d(of, c.x, kernel.view(), prepared.data());
      for (const bool everything : {false, true}) {
        if (everything) of.scale = scale.view(), of.bias = bias.view(), of.addend = addend.view(), of.relu = true;
        Tensor plain(p.z), y(p.z);
        of.prepared = nullptr;
        backend.fused_conv2d_forward(of, x.view(), kernel.view(), plain.view(), nullptr);
        of.prepared = prepared.data();
        backend.fused_conv2d_forward(of, x.view(), kernel.view(), y.view(), nullptr);
        REQUIRE(normalized_error(y.view(), composed(of, x, kernel, p.z).view()) < kWinogradTolerance);
        if (form == panels) REQUIRE(normalized_error(y.view(), plain.view()) == 0.0);
      }
    }
  });
  CHECK(winograd_cases >= 4);
  CHECK(panel_cases >= 4);
}

TEST_CASE("Of equal largest pixels the first is the one that a fused pooling remembers") {
  for_backends([&](Backend& backend) {
    const Placed p({{1, 6, 6, 1}, 3, 1, Padding::valid, 16, 1, 2});
    FusedConv2D of = p.operation({{1, 6, 6, 1}, 3, 1, Padding::valid, 16, 1, 2});
    const Tensor x({1, 6, 6, 1}), kernel(p.kernel);  // zeros: all pixels are equal
    Tensor y(p.y);
    std::vector<std::uint8_t> taps(static_cast<std::size_t>(p.y.elements()), 255);
    backend.fused_conv2d_forward(of, x.view(), kernel.view(), y.view(), taps.data());
    for (const std::uint8_t tap : taps) REQUIRE(tap == 0);
  });
}

TEST_CASE("A dense layer's step moves the kernel as gradient and SGD do one after the other") {
  const auto reference = make_backend("reference");
  constexpr double kRate = 0.05;
  for_backends([&](Backend& backend) {
    Rng rng(23);
    for (const std::int64_t N : {1, 7, 32, 65, 130})
      for (const std::int64_t K : {1, 15, 113, 300, 3000})
        for (const std::int64_t F : {1, 10, 17, 100})
          for (const bool wants_dx : {false, true}) {
            INFO("N ", N, " K ", K, " F ", F, " dx ", wants_dx);
            const Tensor x = random_tensor({N, K}, rng), dz = random_tensor({N, F}, rng), before = random_tensor({K, F}, rng);
            Tensor kernel = before, truth = before, gradient({K, F}), dx({N, K}), true_dx({N, K});
            backend.dense_backward_step(x.view(), dz.view(), kRate, kernel.view(), wants_dx ? dx.view() : TensorView());
            reference->dense_backward_input(dz.view(), before.view(), true_dx.view());
            reference->dense_backward_parameters(x.view(), dz.view(), gradient.view(), {});
            reference->sgd({.learning_rate = kRate}, gradient.view(), {}, truth.view());
            REQUIRE(normalized_error(kernel.view(), truth.view()) < kSumTolerance);
            if (wants_dx) REQUIRE(normalized_error(dx.view(), true_dx.view()) < kSumTolerance);
          }
  });
}

TEST_CASE("Normalization by a batch's own statistics is moments and normalization in one, of few rows and of many") {
  const auto reference = make_backend("reference");
  for_backends([&](Backend& backend) {
    Rng rng(24);
    for (const std::int64_t rows : {1, 2, 31, 32, 128, 129, 700})
      for (const std::int64_t C : {1, 15, 64, 257, 1000}) {
        INFO("rows ", rows, " C ", C);
        const Tensor x = random_tensor({rows, C}, rng, -3.0, 5.0), gamma = random_tensor({C}, rng), beta = random_tensor({C}, rng);
        Tensor mean({C}), variance({C}), y({rows, C}), true_mean({C}), true_variance({C}), truth({rows, C});
        backend.batch_normalization_of_batch(x.view(), gamma.view(), beta.view(), 1e-3, mean.view(), variance.view(), y.view());
        reference->batch_normalization_of_batch(x.view(), gamma.view(), beta.view(), 1e-3, true_mean.view(), true_variance.view(),
                                                truth.view());
        REQUIRE(normalized_error(mean.view(), true_mean.view()) < kSumTolerance);
        REQUIRE(normalized_error(variance.view(), true_variance.view()) < kSumTolerance);
        REQUIRE(normalized_error(y.view(), truth.view()) < kSumTolerance);
      }
  });
}

TEST_CASE("A backend without fused operations refuses them by name") {
  const auto reference = make_backend("reference");
  CHECK_FALSE(reference->fuses());
  Tensor t({1, 1});
  CHECK_THROWS_WITH_AS(reference->dense_backward_step(t.view(), t.view(), 0.1, t.view(), {}),
                       doctest::Contains("dense_backward_step"), BackendError);
  CHECK_THROWS_AS(reference->fused_conv2d_forward({}, t.view(), t.view(), t.view(), nullptr), BackendError);
  CHECK_THROWS_AS(reference->fused_conv2d_backward_parameters({}, t.view(), t.view(), nullptr, t.view(), {}, {}), BackendError);
}
