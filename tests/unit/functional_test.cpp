#include <doctest/doctest.h>

#include <cmath>
#include <cstring>

#include "model/executor.hpp"
#include "neurona/error.hpp"
#include "neurona/formats.hpp"
#include "neurona/layers.hpp"
#include "neurona/train.hpp"
#include "support/samples.hpp"

using namespace neurona;
using test::random_tensor;

namespace {

// Two inputs; a value that three layers take; two outputs, set in the order (wide, narrow).
Functional branched(DType dtype = DType::float32) {
  Functional model({.name = "branched", .seed = 3, .dtype = dtype});
  const Node image = model.input({6, 5, 2}, "image"), vector = model.input({3}, "vector");
  const Node convolved = model.add(Conv2D({.filters = 4,
                                           .kernel_size = 3,
                                           .padding = Padding::same,
                                           .activation = Activation::tanh,
                                           .name = "conv"}),
                                   {image});
  const Node normal = model.add(BatchNormalization({.name = "normal"}), {convolved});
  const Node depthwise = model.add(
      DepthwiseConv2D({.kernel_size = 3, .padding = Padding::same, .name = "depthwise"}), {convolved});
  const Node sum = model.add(Add({.name = "sum"}), {normal, depthwise, convolved});
  const Node pooled = model.add(GlobalAveragePooling2D({.name = "pooled"}), {sum});
  const Node both = model.add(Concatenate({.name = "both"}), {pooled, vector});
  const Node narrow =
      model.add(Dense({.units = 2, .activation = Activation::softmax, .name = "narrow"}), {both});
  const Node wide = model.add(Dense({.units = 5, .activation = Activation::swish, .name = "wide"}), {both});
  model.set_outputs({wide, narrow});
  return model;
}

// w . outputs for fixed weights w: a scalar whose gradient by the outputs is w.
double weighted_sum(Executor& executor, const std::vector<Tensor>& weights) {
  executor.forward({.training = true, .seed = 1});
  double sum = 0.0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    Tensor output(executor.output(i).shape, DType::float64);
    copy(executor.output(i), output.view());
    for (std::int64_t k = 0; k < output.elements(); ++k) sum += weights[i].at(k) * output.at(k);
  }
  return sum;
}

// A patched file: what stands first in the header becomes something else, with spaces behind it, so that
// offsets stay.
std::vector<std::byte> patched(const Model& model, const std::string& from, std::string to) {
  REQUIRE(from.size() >= to.size());
  to.resize(from.size(), ' ');
  std::vector<std::byte> bytes = to_safetensors(model);
  auto* text = reinterpret_cast<char*>(bytes.data());
  const std::string_view header(text, bytes.size());
  const std::size_t at = header.find(from);
  REQUIRE_MESSAGE(at != std::string_view::npos, from);
  std::memcpy(text + at, to.data(), to.size());
  return bytes;
}

void reject(const std::vector<std::byte>& bytes, const char* text) {
  CHECK_THROWS_WITH_AS(from_safetensors(bytes), doctest::Contains(text), FormatError);
}

}  // namespace

TEST_CASE(
    "A graph's gradients agree with central differences: shared values, two inputs, two outputs, every "
    "weight") {
  Functional model = branched(DType::float64);
  model.set_backend(make_backend("reference"));
  constexpr std::int64_t kSamples = 3;
  Executor executor(model, kSamples, Executor::Use::training);
  Rng rng(4);
  for (std::size_t i = 0; i < 2; ++i)
    copy(random_tensor(executor.input(kSamples, i).shape, rng, -1, 1, DType::float64).view(),
         executor.input(kSamples, i));
  std::vector<Tensor> weights;
  for (std::size_t i = 0; i < 2; ++i)
    weights.push_back(
        random_tensor(model.output_shapes()[i].with_leading(kSamples), rng, -1, 1, DType::float64));
  weighted_sum(executor, weights);
  for (std::size_t i = 0; i < 2; ++i) copy(weights[i].view(), executor.output_gradient(i));
  executor.backward({.training = true, .seed = 1});
  std::vector<Tensor> gradients;
  for (const TensorView& gradient : executor.gradients()) {
    gradients.emplace_back(gradient.shape, DType::float64);
    copy(gradient, gradients.back().view());
  }
  REQUIRE(gradients.size() == model.trainable_parameters().size());
  constexpr double kStep = 1e-5, kTolerance = 1e-7;
  std::int64_t checked = 0;
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    Tensor& weight = executor.trainable()[i]->value;
    for (std::int64_t k = 0; k < weight.elements(); ++k, ++checked) {
      const double kept = weight.at(k);
      weight.set(k, kept + kStep);
      const double above = weighted_sum(executor, weights);
      weight.set(k, kept - kStep);
      const double below = weighted_sum(executor, weights);
      weight.set(k, kept);
      const double expected = (above - below) / (2 * kStep);
      INFO("parameter ", i, ", element ", k);
      CHECK(std::abs(gradients[i].at(k) - expected) < kTolerance * std::max(1.0, std::abs(expected)));
    }
  }
  CHECK(checked == model.count_trainable_params());
}

TEST_CASE("Several inputs and outputs: in the order given, in any batch size") {
  Functional model = branched();
  CHECK(model.input_shapes() == std::vector<Shape>{{6, 5, 2}, {3}});
  CHECK(model.output_shapes() == std::vector<Shape>{{5}, {2}});
  Rng rng(5);
  const Tensor images = random_tensor({7, 6, 5, 2}, rng), vectors = random_tensor({7, 3}, rng);
  const std::vector<Tensor> whole = model.predict({images, vectors}),
                            pieces = model.predict({images, vectors}, 3);
  REQUIRE(whole.size() == 2);
  CHECK(whole[0].shape() == Shape{7, 5});
  CHECK(whole[1].shape() == Shape{7, 2});
  for (std::int64_t n = 0; n < 7; ++n)
    CHECK(whole[1].at(2 * n) + whole[1].at(2 * n + 1) == doctest::Approx(1.0));
  for (std::size_t i = 0; i < 2; ++i)
    CHECK(std::memcmp(whole[i].view().data, pieces[i].view().data, whole[i].size_bytes()) == 0);
  CHECK_THROWS_WITH_AS(model.predict(std::vector<Tensor>{images}),
                       "predict: model 'branched' has 2 inputs, received 1 tensors.", ValueError);
  CHECK_THROWS_WITH_AS(
      model.predict({vectors, images}),
      doctest::Contains("input 0 of model 'branched' received shape (7, 3), expected (7, 6, 5, 2)"),
      ShapeError);
  CHECK_THROWS_WITH_AS(model.predict({images, random_tensor({6, 3}, rng)}), doctest::Contains("input 1"),
                       ShapeError);
  CHECK_THROWS_WITH_AS(model.predict(images), doctest::Contains("has 2 inputs and 2 outputs"), ValueError);
  model.compile({.loss = MeanSquaredError()});
  CHECK_THROWS_WITH_AS(model.fit(Dataset(images, random_tensor({7, 5}, rng))),
                       doctest::Contains("has 2 inputs and 2 outputs"), ValueError);
  CHECK_THROWS_WITH_AS(model.evaluate(Dataset(images, random_tensor({7, 5}, rng))),
                       doctest::Contains("has 2 inputs and 2 outputs"), ValueError);
}

TEST_CASE("A Functional model says what is wrong, with the layer's name") {
  Functional other;
  const Node foreign = other.add(Dense({.units = 2}), {other.input({4})});
  Functional model({.name = "graph"});
  const Node in = model.input({4}, "in");
  const Node a = model.add(Dense({.units = 3, .name = "a"}), {in});
  CHECK_THROWS_WITH_AS(model.input({4}, "in"), doctest::Contains("already has a layer 'in'"), ValueError);
  CHECK_THROWS_WITH_AS(model.add(Dense({.units = 3, .name = "a"}), {in}),
                       doctest::Contains("already has a layer 'a'"), ValueError);
  CHECK_THROWS_WITH_AS(model.add(Dense({.units = 3, .name = "b"}), {}),
                       doctest::Contains("Dense 'b' received no inputs"), ValueError);
  CHECK_THROWS_WITH_AS(model.add(Dense({.units = 3, .name = "b"}), {Node{7}}),
                       doctest::Contains("Dense 'b' takes from a node that is not of this model"),
                       ValueError);
  CHECK_THROWS_WITH_AS(model.add(Dense({.units = 3, .name = "b"}), {Node{}}),
                       doctest::Contains("not of this model"), ValueError);
  CHECK_THROWS_WITH_AS(model.add(Add({.name = "sum"}), {in, a}), doctest::Contains("Add 'sum'"), ShapeError);
  CHECK_THROWS_WITH_AS(model.add(Conv2D({.filters = 2, .kernel_size = 3, .name = "conv"}), {a}),
                       doctest::Contains("Conv2D 'conv' received samples of shape (3,)"), ShapeError);
  CHECK_THROWS_WITH_AS(model.set_outputs({}), doctest::Contains("set_outputs received no nodes"), ValueError);
  CHECK_THROWS_WITH_AS(model.set_outputs({Node{foreign.index + 50}}), doctest::Contains("not of this model"),
                       ValueError);
  // What failed left the model as it was.
  const Node sum = model.add(Add({.name = "sum"}), {a, a});
  model.set_outputs({sum});
  CHECK(model.size() == 3);
  CHECK_THROWS_WITH_AS(model.set_outputs({a}), doctest::Contains("its outputs are already set"), ValueError);
  CHECK_THROWS_WITH_AS(model.add(Dense({.units = 1}), {a}), doctest::Contains("it takes no more layers"),
                       ValueError);
  CHECK_THROWS_WITH_AS(model.input({2}), doctest::Contains("it takes no more layers"), ValueError);

  Functional unused;
  unused.input({3}, "unused");
  const Node used = unused.input({4}, "used");
  CHECK_THROWS_WITH_AS(unused.set_outputs({unused.add(Dense({.units = 1}), {used})}),
                       doctest::Contains("no output needs its input 'unused'"), ValueError);
  Functional open;
  open.add(Dense({.units = 1}), {open.input({4})});
  CHECK_THROWS_AS(open.predict(Tensor({1, 4})), ValueError);
}

TEST_CASE(
    "Layers that no output needs are dropped; the rest stands in Keras' order, connections in the last "
    "column") {
  Functional model({.name = "two_paths"});
  const Node in = model.input({4}, "in");
  const Node a = model.add(Dense({.units = 3, .name = "a"}), {in}),
             b = model.add(Dense({.units = 3, .name = "b"}), {in});
  model.add(Dense({.units = 9, .name = "dropped"}), {in});
  model.set_outputs({model.add(Add({.name = "sum"}), {b, a})});
  CHECK(model.size() == 4);
  CHECK(
      model.summary() ==
      "Model: \"two_paths\"\n"
      "__________________________________________________________________________________________________\n"
      "Layer (type)                    Output Shape         Param #     Connected to                     \n"
      "==================================================================================================\n"
      "in (InputLayer)                 [(None, 4)]          0                                            \n"
      "__________________________________________________________________________________________________\n"
      "b (Dense)                       (None, 3)            15          in[0][0]                         \n"
      "__________________________________________________________________________________________________\n"
      "a (Dense)                       (None, 3)            15          in[0][0]                         \n"
      "__________________________________________________________________________________________________\n"
      "sum (Add)                       (None, 3)            0           b[0][0]                          \n"
      "                                                                 a[0][0]                          \n"
      "==================================================================================================\n"
      "Total params: 30\n"
      "Trainable params: 30\n"
      "Non-trainable params: 0\n"
      "__________________________________________________________________________________________________\n");
}

TEST_CASE(
    "Frozen layers keep their weights; a frozen BatchNormalization keeps its statistics and uses them") {
  const auto make = [] {
    Sequential model({.seed = 8});
    model.add(Dense({.units = 6, .activation = Activation::tanh, .input_shape = {4}, .name = "base"}));
    model.add(BatchNormalization({.name = "normal"}));
    model.add(Dense({.units = 2, .name = "head"}));
    return model;
  };
  Rng rng(9);
  const Dataset data(random_tensor({20, 4}, rng), random_tensor({20, 2}, rng));
  Sequential model = make();
  const std::int64_t all = model.count_trainable_params();
  model.layer("base").set_trainable(false);
  model.layer("normal").set_trainable(false);
  CHECK(model.count_trainable_params() == all - (4 * 6 + 6) - 2 * 6);
  CHECK(model.costs()[0].trainable_params == 0);
  CHECK(model.summary().find("Trainable params: 14\n") != std::string::npos);
  model.compile({.loss = MeanSquaredError(), .optimizer = SGD({.learning_rate = 0.1})});
  const std::vector<Tensor> before = model.get_weights();
  model.fit(data, {.epochs = 2, .batch_size = 5});
  const std::vector<Tensor> after = model.get_weights();
  for (std::size_t i = 0; i < before.size(); ++i) {
    CAPTURE(i);
    const bool same = std::memcmp(before[i].view().data, after[i].view().data, before[i].size_bytes()) == 0;
    CHECK(same == (i < before.size() - 2));  // the head's kernel and bias move
  }
  // With fresh statistics (mean 0, variance 1) it scales by 1/sqrt(1.001) also in training, as Keras' does
  // since version 2.
  Executor executor(model, 20, Executor::Use::training);
  copy(random_tensor({20, 4}, rng).view(), executor.input(20));
  executor.forward({.training = true});
  Tensor trained({20, 2}), inferred({20, 2});
  copy(executor.output(), trained.view());
  executor.forward({.training = false});
  copy(executor.output(), inferred.view());
  CHECK(test::normalized_error(trained.view(), inferred.view()) == 0.0);
}

TEST_CASE("A functional model saved comes back the same: graph, weights, predictions") {
  Functional model = branched();
  Model again = from_safetensors(to_safetensors(model));
  CHECK(again.summary() == model.summary());
  CHECK(again.output_shapes() == model.output_shapes());
  Rng rng(6);
  const std::vector<Tensor> inputs = {random_tensor({4, 6, 5, 2}, rng), random_tensor({4, 3}, rng)};
  const std::vector<Tensor> a = model.predict(inputs), b = again.predict(inputs);
  for (std::size_t i = 0; i < a.size(); ++i)
    CHECK(std::memcmp(a[i].view().data, b[i].view().data, a[i].size_bytes()) == 0);
}

TEST_CASE("Files of graphs that are cyclic, unknown or do not fit are refused with the layer's name") {
  const Functional model = branched();
  // The header is JSON within JSON: quotes are escaped.
  reject(patched(model, R"(\"inputs\":[\"conv\"])", R"(\"inputs\":[\"sums\"])"), "sums");
  reject(patched(model, R"(\"inputs\":[\"image\"])", R"(\"inputs\":[\"wide\"])"),
         "wide");  // takes from what comes after it
  reject(patched(model, R"(\"inputs\":[\"image\"])", R"(\"inputs\":[\"conv\"])"),
         "conv");  // takes from itself
  reject(patched(model, R"(\"inputs\":[\"image\"])", R"(\"inputs\":7)"),
         "its architecture is described wrongly");
  reject(patched(model, R"(\"outputs\":[\"wide\")", R"(\"outputs\":[\"wine\")"), "wine");
  reject(patched(model, R"(\"outputs\":[\"wide\")", R"(\"outpost\":[\"wide\")"), "outputs");
  reject(patched(model, R"(\"type\":\"Add\")", R"(\"type\":\"Mul\")"), "Unknown layer 'Mul'");
  reject(patched(model, R"(\"name\":\"wide\")", R"(\"name\":\"both\")"), "both");
  reject(patched(model, R"(\"filters\":4)", R"(\"filters\":5)"), "conv/kernel");
  reject(patched(model, R"(\"filters\":4)", R"(\"filters\":0)"), "filters");
  reject(patched(model, R"(\"strides\":[1,1])", R"(\"strides\":[0,1])"), "strides");
}

TEST_CASE("Weights of another shape are refused with the layer's name and both shapes") {
  Functional model = branched();
  std::vector<Tensor> weights = model.get_weights();
  weights[0] = Tensor({3, 3, 2, 5});
  CHECK_THROWS_WITH_AS(model.set_weights(weights), doctest::Contains("conv/kernel"), ShapeError);
  CHECK_THROWS_WITH_AS(model.set_weights(weights), doctest::Contains("(3, 3, 2, 5)"), ShapeError);
  CHECK_THROWS_WITH_AS(model.set_weights(weights), doctest::Contains("(3, 3, 2, 4)"), ShapeError);
  reject(patched(model, R"(\"filters\":4)", R"(\"filters\":5)"), "(3, 3, 2, 4)");
  reject(patched(model, R"(\"filters\":4)", R"(\"filters\":5)"), "(3, 3, 2, 5)");
}
