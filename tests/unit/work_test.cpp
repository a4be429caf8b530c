// A guard of speed that no busy machine can upset: it counts what a step of training asks of the kernels, not seconds.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <string>

#include "backend/backend.hpp"
#include "backend/cpu/kernels.hpp"
#include "model/executor.hpp"
#include "neurona/applications.hpp"
#include "neurona/backend.hpp"
#include "neurona/layers.hpp"
#include "neurona/predictor.hpp"
#include "neurona/train.hpp"
#include "support/samples.hpp"

using namespace neurona;

namespace {

// What was asked, by kernel.
struct Counts {
  std::int64_t products = 0, multiply_adds = 0;
  std::int64_t gathered = 0;     // products whose A is a convolution's patches
  std::int64_t gray = 0;         // lines of windows of the kernels for gray images
  std::int64_t transposed = 0;   // values
  std::int64_t stepped = 0;      // weights that SGD read a gradient for
  std::int64_t activated = 0;    // values that an activation's pass of its own went over
} counts;

const cpu::Kernels& real() { return *cpu::runnable_kernels().front(); }

// The best kernels of this machine, each counted before it is called.
const cpu::Kernels& counting() {
  static const cpu::Kernels kernels = [] {
    cpu::Kernels k = real();
    k.gemm = [](const cpu::GemmTile& t) {
      ++counts.products;
      counts.multiply_adds += t.M * t.N * t.K;
      if (t.gather != nullptr) ++counts.gathered;
      real().gemm(t);
    };
    k.gray_forward = [](const cpu::GrayPiece& p) {
      ++counts.gray;
      counts.multiply_adds += p.count * 4 * 9 * p.F;
      real().gray_forward(p);
    };
    k.gray_backward = [](const cpu::GrayGradientPiece& p) {
      ++counts.gray;
      counts.multiply_adds += p.count * 4 * 9 * p.F;
      real().gray_backward(p);
    };
    k.transpose = [](std::int64_t rows, std::int64_t cols, const float* x, std::int64_t x_row, float* y, std::int64_t y_row) {
      counts.transposed += rows * cols;
      real().transpose(rows, cols, x, x_row, y, y_row);
    };
    k.sgd = [](const cpu::SgdPiece& p) {
      counts.stepped += p.count;
      real().sgd(p);
    };
    k.activation_forward = [](Activation activation, std::int64_t count, const float* z, float* y) {
      counts.activated += count;
      real().activation_forward(activation, count, z, y);
    };
    return k;
  }();
  return kernels;
}

constexpr std::int64_t kBatch = 32;

struct Threads {
  explicit Threads(int threads) : kept(num_threads()) { set_num_threads(threads); }
  ~Threads() { set_num_threads(kept); }
  int kept;
};

// The second step of training: the first one may prepare.
Counts counts_of_a_step(const std::string& network) {
  const Threads one(1);  // products are cut into more pieces for more
  Model model = make_network(network, 1);
  model.set_backend(cpu::make_backend(counting()));
  FitJob job(model, Dataset(test::easy_images(3 * kBatch, 1)), {.epochs = 1, .batch_size = kBatch});
  job.step();
  counts = {};
  job.step();
  return counts;
}

std::int64_t weights_in_kernels(const Model& model, bool with_dense) {
  std::int64_t sum = 0;
  for (std::int64_t i = 0; i < model.size(); ++i)
    if (!model.layer(i).parameters().empty() && model.layer(i).parameters()[0].name == "kernel" &&
        (with_dense || model.layer(i).type() != "Dense"))
      sum += model.layer(i).parameters()[0].value.elements();
  return sum;
}

}  // namespace

TEST_CASE("A step of the MLP computes three products less one, and moves the kernels on the way") {
  const Counts c = counts_of_a_step("mlp");
  constexpr std::int64_t kFirst = kBatch * 784 * 100, kSecond = kBatch * 100 * 10;
  CHECK(c.multiply_adds == 2 * kFirst + 3 * kSecond);  // nobody wants the gradient of the images
  CHECK(c.stepped == 100 + 10);                         // the biases
  CHECK(c.transposed == kBatch * 10 + 100 * kBatch);  // the second layer's dz, and its dx^T
  CHECK(c.gathered == 0);
}

TEST_CASE("A step of the second network reads each kernel twice and writes it once") {
  const Counts c = counts_of_a_step("mlp-improved");
  constexpr std::int64_t kAll = kBatch * (784 * 200 + 200 * 100 + 100 * 10);
  CHECK(c.multiply_adds == 3 * kAll);  // the first normalization wants the gradient of its output
  const Model model = make_network("mlp-improved", 1);
  CHECK(c.stepped == model.count_trainable_params() - weights_in_kernels(model, true));
}

TEST_CASE("A step of the CNN convolves without gathering and leaves no gradient of the large kernel") {
  const Counts c = counts_of_a_step("cnn");
  constexpr std::int64_t kConvolution = kBatch * 26 * 26 * 9 * 64, kHead = kBatch * (10816 * 200 + 200 * 100 + 100 * 10);
  CHECK(c.multiply_adds == 2 * kConvolution + 3 * kHead);
  CHECK(c.gray == 2 * kBatch * 13);  // forwards and backwards, a line of pooled pixels at a time
  CHECK(c.gathered == 0);
  const Model model = make_network("cnn", 1);
  CHECK(c.stepped == model.count_trainable_params() - (weights_in_kernels(model, true) - weights_in_kernels(model, false)));
  CHECK(c.activated == kBatch * (200 + 100));  // SELU behind the dense layers; ReLU is part of the convolution
}

TEST_CASE("A prediction of ResNet's blocks goes over no image but to convolve it") {
  const Threads one(1);
  Functional model({.name = "block"});
  const Node in = model.input({14, 14, 32});
  Node x = in;
  for (int i = 0; i < 2; ++i) {
    x = model.add(Conv2D({.filters = 32, .kernel_size = 3, .padding = Padding::same}), {x});
    x = model.add(BatchNormalization(), {x});
    if (i == 0) x = model.add(ActivationLayer({.activation = Activation::relu}), {x});
  }
  x = model.add(Add(), {x, in});
  model.set_outputs({model.add(ActivationLayer({.activation = Activation::relu}), {x})});
  model.set_backend(cpu::make_backend(counting()));
  Predictor predictor(model);
  std::fill_n(predictor.input().as<float>(), 14 * 14 * 32, 0.5f);
  counts = {};
  predictor.run();
  CHECK(counts.products == 2);
  CHECK(counts.gathered == 2);
  CHECK(counts.multiply_adds == 2 * 14 * 14 * 9 * 32 * 32);
  CHECK(counts.activated == 0);
}

TEST_CASE("Training the CNN keeps little memory besides weights and data") {
  // The activations of 32 images and the small gradients: neither the convolution's 5.5 MB before its pooling nor the 8.7 MB of the
  // large kernel's gradient. The complete MNIST, as bytes, is 55 MB.
  Model model = make_network("cnn", 1);
  FitJob job(model, Dataset(test::easy_images(kBatch, 1)), {.epochs = 1, .batch_size = kBatch});
  CHECK(job.arena_bytes() < 6'500'000);
}
