// The operations on images, on every backend against `reference`, on ragged sizes.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <string>

#include "backend/backend.hpp"
#include "layers/image_window.hpp"
#include "neurona/backend.hpp"
#include "support/samples.hpp"

using namespace neurona;
using test::normalized_error;
using test::random_tensor;

namespace {

// As in backend_test.cpp: sums of up to some thousand float32 products, and single elementwise functions.
constexpr double kSumTolerance = 4e-6;
constexpr double kElementTolerance = 1e-6;

void for_backends(const std::function<void(Backend&)>& check) {
  for (const std::shared_ptr<Backend>& backend : make_cpu_backends()) {
    INFO("backend ", backend->describe());
    check(*backend);
  }
}

struct ConvolutionCase {
  Shape x;  // (N,H,W,C)
  Extent2D size, strides;
  Padding padding;
  std::int64_t filters, groups;

  std::string describe() const {
    return x.to_string() + ", window " + std::to_string(size.height) + "x" + std::to_string(size.width) +
           ", strides " + std::to_string(strides.height) + "x" + std::to_string(strides.width) + ", " +
           std::string(to_string(padding)) + ", filters " + std::to_string(filters) + ", groups " +
           std::to_string(groups);
  }
};

// With large images, whose work is shared among threads, last.
const std::vector<ConvolutionCase>& convolutions() {
  static const std::vector<ConvolutionCase> all = {
      {{1, 5, 5, 1}, 3, 1, Padding::valid, 1, 1},
      {{2, 7, 6, 3}, 3, 1, Padding::same, 5, 1},
      {{3, 8, 9, 4}, {2, 3}, {2, 1}, Padding::valid, 17, 1},
      {{2, 9, 8, 2}, {3, 2}, {1, 2}, Padding::same, 33, 1},
      {{5, 4, 4, 7}, 1, 1, Padding::valid, 3, 1},
      {{2, 6, 5, 6}, 1, 2, Padding::valid, 4, 1},
      {{2, 6, 5, 6}, 1, 1, Padding::same, 4, 2},
      {{1, 2, 3, 3}, 5, 1, Padding::same, 2, 1},  // larger than the image
      {{2, 3, 2, 2}, 7, 3, Padding::same, 3, 1},
      {{2, 10, 11, 6}, 3, 3, Padding::valid, 9, 3},
      {{2, 5, 7, 8}, 3, 2, Padding::same, 8, 8},   // each channel by itself
      {{1, 5, 7, 4}, 3, 1, Padding::same, 12, 4},  // three filters each
      {{1, 9, 9, 5}, 3, 1, Padding::valid, 5, 5},
      {{4, 28, 28, 16}, 3, 1, Padding::same, 16, 1},
      {{9, 28, 28, 1}, 3, 1, Padding::valid, 64, 1},
      {{1, 60, 60, 3}, 7, 2, Padding::same, 65, 1},
      {{2, 40, 41, 32}, 3, 1, Padding::same, 32, 32},
      {{1, 56, 56, 64}, 1, 1, Padding::valid, 64, 1},
      {{1, 28, 28, 64}, 3, 1, Padding::same, 64, 1},
  };
  return all;
}

struct Placed {
  explicit Placed(const ConvolutionCase& c) {
    window = detail::window_over(c.x, c.size, c.strides, c.padding);
    positions = detail::window_positions("test", c.x.without_leading(), c.size, c.strides, c.padding);
    y = {c.x[0], positions.height, positions.width, c.filters};
    kernel = {c.size.height, c.size.width, c.x[3] / c.groups, c.filters};
  }
  Window2D window;
  Extent2D positions;
  Shape y, kernel;
};

bool same_bits(const Tensor& a, const Tensor& b) {
  return std::memcmp(a.view().data, b.view().data, a.size_bytes()) == 0;
}

}  // namespace

TEST_CASE("Every backend convolves as the reference does, forwards and backwards") {
  const auto reference = make_backend("reference");
  for_backends([&](Backend& backend) {
    Rng rng(11);
    for (const ConvolutionCase& c : convolutions()) {
      INFO(c.describe());
      const Placed p(c);
      const Tensor x = random_tensor(c.x, rng), kernel = random_tensor(p.kernel, rng),
                   bias = random_tensor({c.filters}, rng), dz = random_tensor(p.y, rng);
      Tensor y(p.y), truth(p.y);
      backend.conv2d_forward(p.window, c.groups, x.view(), kernel.view(), bias.view(), Activation::relu,
                             y.view());
      reference->conv2d_forward(p.window, c.groups, x.view(), kernel.view(), bias.view(), Activation::relu,
                                truth.view());
      REQUIRE(normalized_error(y.view(), truth.view()) < kSumTolerance);
      backend.conv2d_forward(p.window, c.groups, x.view(), kernel.view(), {}, Activation::linear, y.view());
      reference->conv2d_forward(p.window, c.groups, x.view(), kernel.view(), {}, Activation::linear,
                                truth.view());
      REQUIRE(normalized_error(y.view(), truth.view()) < kSumTolerance);

      Tensor dkernel(p.kernel), true_dkernel(p.kernel), dbias({c.filters}), true_dbias({c.filters});
      backend.conv2d_backward_parameters(p.window, c.groups, x.view(), dz.view(), dkernel.view(),
                                         dbias.view());
      reference->conv2d_backward_parameters(p.window, c.groups, x.view(), dz.view(), true_dkernel.view(),
                                            true_dbias.view());
      REQUIRE(normalized_error(dkernel.view(), true_dkernel.view()) < kSumTolerance);
      REQUIRE(normalized_error(dbias.view(), true_dbias.view()) < kSumTolerance);

      Tensor dx(c.x), true_dx(c.x);
      backend.conv2d_backward_input(p.window, c.groups, dz.view(), kernel.view(), dx.view());
      reference->conv2d_backward_input(p.window, c.groups, dz.view(), kernel.view(), true_dx.view());
      REQUIRE(normalized_error(dx.view(), true_dx.view()) < kSumTolerance);
    }
  });
}

TEST_CASE("Every backend pools as the reference does, forwards and backwards, equal values too") {
  const auto reference = make_backend("reference");
  for_backends([&](Backend& backend) {
    Rng rng(12);
    for (const Shape& shape :
         {Shape{1, 4, 4, 1}, Shape{2, 5, 7, 3}, Shape{3, 9, 8, 17}, Shape{2, 1, 3, 2}, Shape{8, 40, 40, 48}})
      for (const Extent2D size : {Extent2D(2), Extent2D(3), Extent2D(1, 2)})
        for (const Extent2D strides : {Extent2D(1), Extent2D(2), Extent2D(3, 2)})
          for (const Padding padding : {Padding::valid, Padding::same})
            for (const Pooling pooling : {Pooling::max, Pooling::average}) {
              if (padding == Padding::valid && (shape[1] < size.height || shape[2] < size.width)) continue;
              INFO(shape.to_string(), ", ", size.height, "x", size.width, ", ", strides.height, ", ",
                   to_string(padding), ", ", int(pooling));
              const Window2D window = detail::window_over(shape, size, strides, padding);
              const Extent2D positions =
                  detail::window_positions("test", shape.without_leading(), size, strides, padding);
              const Shape out = {shape[0], positions.height, positions.width, shape[3]};
              Tensor x = random_tensor(shape, rng);
              // Few different values, so that windows have several largest ones, as after a ReLU.
              for (std::int64_t i = 0; i < x.elements(); ++i)
                x.set(i, std::max(0.0, std::round(4 * x.at(i)) / 4));
              const Tensor dy = random_tensor(out, rng);
              Tensor y(out), truth(out), dx(shape), true_dx(shape);
              backend.pool2d_forward(pooling, window, x.view(), y.view());
              reference->pool2d_forward(pooling, window, x.view(), truth.view());
              REQUIRE(normalized_error(y.view(), truth.view()) < kElementTolerance);
              backend.pool2d_backward(pooling, window, x.view(), truth.view(), dy.view(), dx.view());
              reference->pool2d_backward(pooling, window, x.view(), truth.view(), dy.view(), true_dx.view());
              REQUIRE(normalized_error(dx.view(), true_dx.view()) < kElementTolerance);
            }
  });
}

TEST_CASE(
    "Every backend normalizes batches as the reference does, forwards and backwards, far from zero too") {
  const auto reference = make_backend("reference");
  for_backends([&](Backend& backend) {
    Rng rng(13);
    for (const Shape& shape :
         {Shape{1, 1}, Shape{32, 7}, Shape{5, 130}, Shape{3, 4, 5, 6}, Shape{300, 33}, Shape{16, 40, 40, 24}})
      for (const double center : {0.0, 30.0}) {
        INFO(shape.to_string(), " about ", center);
        const Shape channels = {shape.back()};
        const Tensor x = random_tensor(shape, rng, center - 1, center + 1),
                     gamma = random_tensor(channels, rng), beta = random_tensor(channels, rng),
                     dy = random_tensor(shape, rng);
        Tensor mean(channels), variance(channels), true_mean(channels), true_variance(channels);
        backend.moments(x.view(), mean.view(), variance.view());
        reference->moments(x.view(), true_mean.view(), true_variance.view());
        REQUIRE(normalized_error(mean.view(), true_mean.view()) < kElementTolerance);
        REQUIRE(normalized_error(variance.view(), true_variance.view()) < kSumTolerance * (1 + center));

        Tensor y(shape), truth(shape);
        backend.batch_normalization(x.view(), gamma.view(), beta.view(), true_mean.view(),
                                    true_variance.view(), 1e-3, y.view());
        reference->batch_normalization(x.view(), gamma.view(), beta.view(), true_mean.view(),
                                       true_variance.view(), 1e-3, truth.view());
        REQUIRE(normalized_error(y.view(), truth.view()) < kSumTolerance);

        for (const bool of_batch : {true, false}) {
          Tensor dx(shape), dgamma(channels), dbeta(channels), true_dx(shape), true_dgamma(channels),
              true_dbeta(channels);
          const NormalizationGradient of{.of_batch = of_batch, .epsilon = 1e-3};
          backend.batch_normalization_backward(of, x.view(), gamma.view(), true_mean.view(),
                                               true_variance.view(), dy.view(), dx.view(), dgamma.view(),
                                               dbeta.view());
          reference->batch_normalization_backward(of, x.view(), gamma.view(), true_mean.view(),
                                                  true_variance.view(), dy.view(), true_dx.view(),
                                                  true_dgamma.view(), true_dbeta.view());
          REQUIRE(normalized_error(dx.view(), true_dx.view()) < kSumTolerance);
          REQUIRE(normalized_error(dgamma.view(), true_dgamma.view()) < kSumTolerance);
          REQUIRE(normalized_error(dbeta.view(), true_dbeta.view()) < kSumTolerance);
        }
      }
  });
}

TEST_CASE("Every backend adds, drops, pads, crops and copies as the reference does, to the bit") {
  const auto reference = make_backend("reference");
  for_backends([&](Backend& backend) {
    Rng rng(14);
    for (const Shape& shape :
         {Shape{1, 1, 1, 1}, Shape{2, 3, 5, 7}, Shape{3, 30, 29, 17}, Shape{5, 60, 60, 40}}) {
      INFO(shape.to_string());
      const Tensor a = random_tensor(shape, rng), b = random_tensor(shape, rng);
      Tensor sum(shape), true_sum(shape);
      backend.add(a.view(), b.view(), sum.view());
      reference->add(a.view(), b.view(), true_sum.view());
      CHECK(same_bits(sum, true_sum));
      Tensor in_place = a;
      backend.add(in_place.view(), b.view(), in_place.view());
      CHECK(same_bits(in_place, true_sum));

      for (const double rate : {0.0, 0.3, 0.9}) {
        Tensor kept(shape), truth(shape);
        backend.dropout(rate, 99, a.view(), kept.view());
        reference->dropout(rate, 99, a.view(), truth.view());
        CHECK(same_bits(kept, truth));
      }

      const Shape padded_shape = {shape[0], shape[1] + 3, shape[2] + 5, shape[3]};
      Tensor padded(padded_shape), true_padded(padded_shape), back(shape);
      backend.pad2d(a.view(), 1, 4, padded.view());
      reference->pad2d(a.view(), 1, 4, true_padded.view());
      CHECK(same_bits(padded, true_padded));
      backend.crop2d(padded.view(), 1, 4, back.view());
      CHECK(same_bits(back, a));

      const std::int64_t rows = shape.elements() / shape[3];
      Tensor wide({rows, shape[3] + 6}), true_wide({rows, shape[3] + 6});
      const auto matrix = [&](const Tensor& tensor) {
        return ConstTensorView(tensor.view().data, {rows, shape[3]}, DType::float32);
      };
      backend.copy_columns(matrix(a), 0, wide.view(), 2, shape[3]);
      reference->copy_columns(matrix(a), 0, true_wide.view(), 2, shape[3]);
      CHECK(same_bits(wide, true_wide));
    }
  });
}

TEST_CASE("Operations on images give the same bits for any number of threads") {
  const int kept = num_threads();
  Rng rng(15);
  const Tensor large = random_tensor({16, 40, 40, 24}, rng), gamma = random_tensor({24}, rng);
  for_backends([&](Backend& backend) {
    const auto results = [&](int threads) {
      set_num_threads(threads);
      std::vector<Tensor> all;
      Rng same(16);
      for (const ConvolutionCase& c : convolutions()) {
        const Placed p(c);
        const Tensor x = random_tensor(c.x, same), kernel = random_tensor(p.kernel, same),
                     dz = random_tensor(p.y, same);
        Tensor y(p.y), dkernel(p.kernel), dbias({c.filters}), dx(c.x);
        backend.conv2d_forward(p.window, c.groups, x.view(), kernel.view(), {}, Activation::selu, y.view());
        backend.conv2d_backward_parameters(p.window, c.groups, x.view(), dz.view(), dkernel.view(),
                                           dbias.view());
        backend.conv2d_backward_input(p.window, c.groups, dz.view(), kernel.view(), dx.view());
        for (Tensor* one : {&y, &dkernel, &dbias, &dx}) all.push_back(std::move(*one));
      }
      Tensor mean({24}), variance({24}), y(large.shape()), dx(large.shape()), dgamma({24}), dbeta({24}),
          pooled({16, 20, 20, 24}), unpooled(large.shape());
      backend.moments(large.view(), mean.view(), variance.view());
      backend.batch_normalization(large.view(), gamma.view(), gamma.view(), mean.view(), variance.view(),
                                  1e-3, y.view());
      backend.batch_normalization_backward({true, 1e-3}, large.view(), gamma.view(), mean.view(),
                                           variance.view(), y.view(), dx.view(), dgamma.view(), dbeta.view());
      const Window2D window{.size = 2, .strides = 2};
      backend.pool2d_forward(Pooling::max, window, large.view(), pooled.view());
      backend.pool2d_backward(Pooling::max, window, large.view(), pooled.view(), pooled.view(),
                              unpooled.view());
      for (Tensor* one : {&mean, &variance, &y, &dx, &dgamma, &dbeta, &pooled, &unpooled})
        all.push_back(std::move(*one));
      return all;
    };
    const std::vector<Tensor> one = results(1);
    for (const int threads : {2, 3}) {
      const std::vector<Tensor> many = results(threads);
      REQUIRE(many.size() == one.size());
      for (std::size_t i = 0; i < one.size(); ++i) {
        INFO("result ", i, ", ", threads, " threads");
        CHECK(same_bits(one[i], many[i]));
      }
    }
  });
  set_num_threads(kept);
}
