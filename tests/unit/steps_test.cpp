// Which layers run as one, and that it makes no difference but in speed.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "backend/backend.hpp"
#include "model/executor.hpp"
#include "neurona/applications.hpp"
#include "neurona/layers.hpp"
#include "neurona/predictor.hpp"
#include "neurona/train.hpp"
#include "support/samples.hpp"

using namespace neurona;
using test::normalized_error;
using test::random_tensor;

namespace {

// The layers of each step that a forward pass runs: "0", "1+2+4" ...
std::vector<std::string> steps(Model& model, Executor::Use use) {
  Executor executor(model, 1, use, true);
  std::vector<std::string> seen;
  executor.set_observer([&](std::span<const std::size_t> layers, bool backward) {
    if (backward) return;
    std::string text;
    for (const std::size_t i : layers) text += (text.empty() ? "" : "+") + std::to_string(i);
    seen.push_back(text);
  });
  const TensorView input = executor.input(1);
  std::fill_n(input.as<float>(), input.elements(), 0.5f);
  executor.forward({.training = use == Executor::Use::training});
  return seen;
}

using Steps = std::vector<std::string>;

Conv2D convolution(std::int64_t filters, Activation activation = Activation::linear, Shape input = {}) {
  return Conv2D({.filters = filters, .kernel_size = 3, .padding = Padding::same, .activation = activation, .input_shape = std::move(input)});
}

// A block of ResNet: two ways from a convolution to an addition, then ReLU.
Functional residual_block() {
  Functional model({.name = "block", .seed = 3});
  const Node in = model.input({8, 8, 4});
  const Node shortcut = model.add(BatchNormalization(), {model.add(convolution(6), {in})});
  Node x = model.add(BatchNormalization(), {model.add(convolution(5), {in})});
  x = model.add(ActivationLayer({.activation = Activation::relu}), {x});
  x = model.add(BatchNormalization(), {model.add(convolution(6), {x})});
  x = model.add(Add(), {shortcut, x});
  x = model.add(ActivationLayer({.activation = Activation::relu}), {x});
  model.set_outputs({model.add(MaxPooling2D(), {x})});
  return model;
}

// Moving statistics that are not the initial ones.
void stir(Model& model, std::uint64_t seed) {
  Rng rng(seed);
  for (Parameter* parameter : model.parameters())
    for (float& value : parameter->value.values())
      value = parameter->name == "moving_variance" ? rng.uniform(0.5f, 2.0f) : value + rng.uniform(-0.3f, 0.3f);
}

// What the layers give one after the other.
Tensor unfused(Model& model, const Tensor& x) { return model.activations(x).back().output; }

}  // namespace

TEST_CASE("For prediction a convolution takes in what follows it") {
  Functional model = residual_block();
  // An InputLayer has no pass; the rest is three convolutions with what follows them, one of them the addition, and the pooling.
  const Steps fused = steps(model, Executor::Use::inference);
  std::int64_t covered = 0;
  bool with_addition = false;
  for (const std::string& step : fused) {
    const auto others = std::count(step.begin(), step.end(), '+');
    covered += others + 1;
    with_addition = with_addition || others == 3;
  }
  CHECK(fused.size() == 3 + 1);
  CHECK(covered == model.size() - 1);
  CHECK(with_addition);
  CHECK(steps(model, Executor::Use::inspection).size() == static_cast<std::size_t>(model.size() - 1));

  stir(model, 4);
  Rng rng(5);
  const Tensor x = random_tensor({1, 8, 8, 4}, rng);
  CHECK(normalized_error(model.predict(x).view(), unfused(model, x).view()) < 4e-6);
}

TEST_CASE("A convolution is not fused with what another layer, or the caller, needs too") {
  Functional model({.name = "taps"});
  const Node in = model.input({6, 6, 1});
  const Node a = model.add(convolution(4), {in});
  const Node b = model.add(BatchNormalization(), {a});
  const Node c = model.add(ActivationLayer({.activation = Activation::relu}), {b});
  model.set_outputs({model.add(Add(), {a, c}), b});
  for (const std::string& step : steps(model, Executor::Use::inference)) CHECK(step.find('+') == std::string::npos);

  Functional squared({.name = "twice"});
  const Node d = squared.add(convolution(4), {squared.input({6, 6, 1})});
  squared.set_outputs({squared.add(Add(), {d, d})});
  for (const std::string& step : steps(squared, Executor::Use::inference)) CHECK(step.find('+') == std::string::npos);
}

TEST_CASE("Only what keeps its meaning is fused") {
  const auto fused_steps = [](auto... layers) {
    Sequential model;
    (model.add(std::move(layers)), ...);
    return steps(model, Executor::Use::inference);
  };
  const Shape image{8, 8, 2};
  const ActivationLayer relu({.activation = Activation::relu}), tanh({.activation = Activation::tanh});
  CHECK(fused_steps(convolution(4, Activation::relu, image), MaxPooling2D()) == Steps{"0+1"});
  CHECK(fused_steps(convolution(4, Activation::linear, image), BatchNormalization(), relu, MaxPooling2D()) == Steps{"0+1+2+3"});
  CHECK(fused_steps(convolution(4, Activation::relu, image), BatchNormalization()) == Steps{"0", "1"});
  CHECK(fused_steps(convolution(4, Activation::selu, image), MaxPooling2D()) == Steps{"0", "1"});
  CHECK(fused_steps(convolution(4, Activation::linear, image), tanh) == Steps{"0", "1"});
  CHECK(fused_steps(convolution(4, Activation::linear, image), MaxPooling2D(), relu) == Steps{"0+1", "2"});
  CHECK(fused_steps(convolution(4, Activation::linear, image), MaxPooling2D({.pool_size = 3, .strides = 2})) == Steps{"0", "1"});
  CHECK(fused_steps(convolution(4, Activation::linear, image), MaxPooling2D({.pool_size = 3, .padding = Padding::same})) == Steps{"0", "1"});
}

TEST_CASE("For training a first convolution takes in its pooling, a later one does not") {
  Sequential model;
  model.add(convolution(4, Activation::relu, {8, 8, 1}));
  model.add(MaxPooling2D());
  model.add(convolution(4, Activation::relu));
  model.add(MaxPooling2D());
  CHECK(steps(model, Executor::Use::training) == Steps{"0+1", "2", "3"});
}

TEST_CASE("A fused network trains as the reference backend, layer by layer, does") {
  const Dataset data(test::easy_images(96, 1));
  for (const std::string name : {"mlp", "mlp-improved", "cnn"}) {
    INFO(name);
    Model fast = make_network(name, 1), plain = make_network(name, 1);
    plain.set_backend(make_backend("reference"));
    for (Model* model : {&fast, &plain}) {
      // The end of a schedule has another rate: it must be that of each step.
      model->fit(data, {.epochs = 1, .batch_size = 32, .callbacks = {LearningRateScheduler([](std::int64_t, double) { return 0.02; })}});
    }
    const std::vector<Tensor> a = fast.get_weights(), b = plain.get_weights();
    for (std::size_t i = 0; i < a.size(); ++i) CHECK(normalized_error(a[i].view(), b[i].view()) < 5e-5);
  }
}

TEST_CASE("A kernel with a regularizer or momentum is not moved on the way back") {
  Sequential model;
  model.add(Flatten({.input_shape = {4, 4}}));
  model.add(Dense({.units = 3}));
  model.add(Dense({.units = 2, .kernel_regularizer = L2(0.1)}));
  const auto gradients = [&](bool moves) { return Executor(model, 1, Executor::Use::training, moves).gradients().size(); };
  CHECK(gradients(false) == 4);
  CHECK(gradients(true) == 3);  // without the first layer's kernel
  CHECK(SGD({.learning_rate = 0.1}).descends_plainly());
  CHECK_FALSE(SGD({.learning_rate = 0.1, .momentum = 0.5}).descends_plainly());
  CHECK_FALSE(Adam().descends_plainly());
}

TEST_CASE("A Predictor gives what predict gives, for any number of samples, and sees weights that change") {
  Model model = make_network("lenet", 1);
  stir(model, 6);
  Rng rng(7);
  const Tensor x = random_tensor({5, 28, 28, 1}, rng);
  Predictor predictor(model, {.max_batch = 5});
  for (const std::int64_t n : {5, 1, 3}) {
    const TensorView input = predictor.input(n);
    std::copy_n(x.values().data(), input.elements(), input.as<float>());
    const Tensor truth = model.predict(x);
    const ConstTensorView y = predictor.run();
    REQUIRE(y.shape == Shape{n, 10});
    CHECK(normalized_error(y, {truth.values().data(), y.shape, DType::float32}) < 1e-6);
    stir(model, static_cast<std::uint64_t>(n));
  }
  CHECK_THROWS_WITH_AS(predictor.input(6), doctest::Contains("6 samples"), ValueError);
  CHECK_THROWS_AS(predictor.input(0), ValueError);
}

TEST_CASE("A Predictor of final weights keeps kernels in another form, until it is refreshed") {
  Sequential model({.seed = 8});
  model.add(Conv2D({.filters = 32, .kernel_size = 3, .padding = Padding::same, .input_shape = {16, 16, 32}}));
  model.add(BatchNormalization());
  model.add(ActivationLayer({.activation = Activation::relu}));
  Predictor plain(model), final(model, {.weights_are_final = true});
  CHECK(final.bytes() >= plain.bytes() + 16 * 32 * 32 * sizeof(float));
  Rng rng(9);
  const Tensor x = random_tensor({1, 16, 16, 32}, rng);
  const auto run = [&](Predictor& predictor) {
    std::copy_n(x.values().data(), x.elements(), predictor.input().as<float>());
    const ConstTensorView y = predictor.run();
    return std::vector<float>(y.as<float>(), y.as<float>() + y.elements());
  };
  const auto error = [&] {
    const std::vector<float> a = run(plain), b = run(final);
    const Shape shape{static_cast<std::int64_t>(a.size())};
    return normalized_error({a.data(), shape, DType::float32}, {b.data(), shape, DType::float32});
  };
  CHECK(error() < 1e-5);
  for (float& value : model.parameters()[0]->value.values()) value += 0.1f;
  CHECK(error() > 1e-3);
  final.refresh();
  CHECK(error() < 1e-5);
}
