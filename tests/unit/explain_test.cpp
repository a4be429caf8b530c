// What explanations say must add up to the numbers that the passes computed: for every layer, forwards and
// backwards, value by value.
#include "neurona/explain.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include "backend/backend.hpp"
#include "model/executor.hpp"
#include "neurona/error.hpp"
#include "neurona/layers.hpp"
#include "support/samples.hpp"

using namespace neurona;
using test::random_tensor;

namespace {

using Kind = Place::Kind;

// What a number may differ from the sum of its terms, as a share of the sum of their magnitudes. float32 has
// 24 bits, so that each rounding is off by up to 6e-8; sums of a few dozen terms in another order, and
// vectorized exponentials, take some of them.
constexpr double kShare32 = 2e-6;
constexpr double kShare64 = 1e-13;

double share_of(const Model& model) { return model.dtype() == DType::float64 ? kShare64 : kShare32; }

// A slope, such as that of gelu near its zero, is a difference: its own error does not shrink with it.
double magnitude(const Term& term) {
  double value = 1.0;
  for (const Factor& factor : term.factors)
    value *=
        factor.place.kind == Kind::slope ? std::max(1.0, std::abs(factor.value)) : std::abs(factor.value);
  return value;
}

double magnitude(const Explanation& told) {
  double sum = 0.0;
  for (const Term& term : told.terms) sum += magnitude(term);
  // A quotient or a slope moves by no more than the sums that it is computed from.
  const bool is_sum = told.combine == Combine::copy || told.combine == Combine::sum ||
                      told.combine == Combine::mean || told.combine == Combine::loss;
  return is_sum && told.activation == Activation::linear ? sum : std::max({1.0, sum, std::abs(told.value)});
}

double product(const Term& term) {
  double value = 1.0;
  for (const Factor& factor : term.factors) value *= factor.value;
  return value;
}

// One number: its terms add up, each is the product of its factors, and each factor is the number at its
// place.
void check_place(const Explainer& explainer, const Place& place, double share) {
  const Explanation told = explainer.follow(place);
  INFO(explainer.name(place), " combine ", static_cast<int>(told.combine));
  CHECK(told.count == static_cast<std::int64_t>(told.terms.size()));
  CHECK(std::abs(told.result() - told.value) <= share * magnitude(told));
  CHECK(told.value == doctest::Approx(explainer.number(place)));
  for (const Term& term : told.terms) {
    if (told.combine != Combine::softmax) CHECK(term.value == product(term));
    for (const Factor& factor : term.factors) {
      if (factor.place.kind == Kind::constant) {
        CHECK_FALSE(factor.place.text.empty());
        continue;
      }
      INFO("factor ", explainer.name(factor.place));
      CHECK(std::abs(explainer.number(factor.place) - factor.value) <=
            share * std::max(1.0, std::abs(factor.value)));
    }
  }
}

// Every number of every layer.
class Walk {
 public:
  Walk(const Explainer& explainer, Model& model, bool gradients, bool logits)
      : explainer_(explainer), model_(model), gradients_(gradients), logits_(logits) {}

  std::int64_t run() {
    for (std::int64_t i = 0; i < model_.size(); ++i) layer(i);
    if (gradients_) elements(Kind::input_gradient, -1, model_.input_shape());
    return places_;
  }

 private:
  void layer(std::int64_t i) {
    const Layer& layer = model_.layer(i);
    const Shape shape = model_.layer_output_shape(i);
    const bool is_logits = logits_ && i == model_.size() - 1;
    elements(Kind::output, i, shape);
    elements(Kind::sum, i, shape);
    const std::int64_t slopes = layer.final_activation() == Activation::softmax ? shape.elements() : 1;
    for (std::int64_t by = 0; by < slopes; ++by) elements(Kind::slope, i, shape, by);
    for (std::size_t k = 0; k < layer.inner_values().size(); ++k)
      elements(Kind::inner, i, layer.inner_values()[k].of_sample ? shape : Shape{shape.back()},
               static_cast<std::int64_t>(k));
    if (!gradients_) return;
    if (!is_logits) elements(Kind::output_gradient, i, shape);
    elements(Kind::sum_gradient, i, shape);
    for (std::size_t p = 0; p < layer.parameters().size(); ++p)
      if (layer.parameters()[p].trainable)
        for (std::int64_t k = 0; k < layer.parameters()[p].value.elements(); ++k)
          check({.kind = Kind::parameter_gradient,
                 .layer = i,
                 .number = static_cast<std::int64_t>(p),
                 .index = k});
  }

  void elements(Kind kind, std::int64_t layer, const Shape& shape, std::int64_t number = 0) {
    for (std::int64_t n = 0; n < explainer_.batch_size(); ++n)
      for (std::int64_t i = 0; i < shape.elements(); ++i)
        check({.kind = kind, .layer = layer, .number = number, .sample = n, .index = i});
  }

  void check(const Place& place) {
    check_place(explainer_, place, share_of(model_));
    ++places_;
  }

  const Explainer& explainer_;
  Model& model_;
  bool gradients_, logits_;
  std::int64_t places_ = 0;
};

// Weights that are not the initial ones.
void stir(Model& model, std::uint64_t seed) {
  Rng rng(seed);
  for (Parameter* parameter : model.parameters())
    for (std::int64_t i = 0; i < parameter->value.elements(); ++i)
      parameter->value.set(i, parameter->name == "moving_variance"
                                  ? rng.uniform(0.5f, 2.0f)
                                  : parameter->value.at(i) + static_cast<double>(rng.uniform(-0.3f, 0.3f)));
}

// Forward, and forward with backward, in inference and in training.
std::int64_t check_model(Model& model, const Dataset& data, const Tensor& x, bool logits = false) {
  std::int64_t places = 0;
  for (const bool training : {false, true}) {
    INFO("training ", training);
    Explainer explainer(model);
    explainer.forward(x, {.training = training, .seed = 5});
    places += Walk(explainer, model, false, false).run();
    explainer.backward(data, {.training = training, .seed = 5});
    places += Walk(explainer, model, true, logits).run();
  }
  return places;
}

// A layer of several inputs takes these: the samples and what tanh and ZeroPadding2D make of them.
enum class From { input, tanh, padded };

struct Case {
  std::function<std::unique_ptr<Layer>()> make;
  Shape sample;
  std::vector<From> inputs = {From::input};
};

template <class L>
Case one(L layer, Shape sample, std::vector<From> inputs = {From::input}) {
  return {[layer] { return std::make_unique<L>(layer); }, sample, std::move(inputs)};
}

constexpr Activation kActivations[] = {
    Activation::linear, Activation::sigmoid, Activation::tanh, Activation::relu,  Activation::leaky_relu,
    Activation::elu,    Activation::selu,    Activation::gelu, Activation::swish, Activation::softmax};

std::map<std::string, std::vector<Case>> cases() {
  std::map<std::string, std::vector<Case>> all;
  for (const Activation activation : kActivations) {
    all["Activation"].push_back(one(ActivationLayer({.activation = activation}), {2, 3}));
    all["Dense"].push_back(one(Dense({.units = 4, .activation = activation}), {5}));
  }
  all["Dense"].push_back(one(Dense({.units = 1, .use_bias = false}), {3}));
  all["Softmax"] = {one(Softmax(), {2, 3}), one(Softmax(), {1})};
  const Shape image{5, 4, 4};
  all["Conv2D"] = {
      one(Conv2D({.filters = 3, .kernel_size = 3, .padding = Padding::same, .activation = Activation::relu}),
          {3, 4, 2}),
      one(Conv2D({.filters = 6,
                  .kernel_size = {3, 2},
                  .strides = {2, 1},
                  .padding = Padding::same,
                  .groups = 2,
                  .activation = Activation::gelu}),
          image),
      one(Conv2D({.filters = 2, .kernel_size = 1, .strides = 2, .use_bias = false}), image),
      one(Conv2D({.filters = 3, .kernel_size = {2, 3}, .activation = Activation::softmax}), {3, 4, 1})};
  all["DepthwiseConv2D"] = {
      one(DepthwiseConv2D({.kernel_size = 3, .strides = 2, .padding = Padding::same, .depth_multiplier = 2}),
          {5, 4, 3}),
      one(DepthwiseConv2D({.kernel_size = 2, .activation = Activation::swish, .use_bias = false}),
          {3, 3, 2})};
  const Pooling2DOptions poolings[] = {
      {}, {.pool_size = 3, .strides = 2, .padding = Padding::same}, {.pool_size = {2, 3}, .strides = {3, 1}}};
  for (const Pooling2DOptions& options : poolings) {
    all["MaxPooling2D"].push_back(one(MaxPooling2D(options), {5, 6, 2}));
    all["AveragePooling2D"].push_back(one(AveragePooling2D(options), {5, 6, 2}));
  }
  all["GlobalAveragePooling2D"] = {one(GlobalAveragePooling2D(), {3, 2, 3})};
  all["BatchNormalization"] = {one(BatchNormalization({.epsilon = 0.01}), {5}),
                               one(BatchNormalization(), {2, 3, 4})};
  all["Dropout"] = {one(Dropout({.rate = 0.4}), {3, 4}), one(Dropout({.rate = 0.0}), {3})};
  all["Flatten"] = {one(Flatten(), {2, 3, 2})};
  all["Reshape"] = {one(Reshape({.target_shape = {3, 4}}), {2, 3, 2})};
  all["ZeroPadding2D"] = {one(ZeroPadding2D({.top = 1, .bottom = 0, .left = 2, .right = 1}), {2, 3, 2})};
  all["Add"] = {one(Add(), {3, 2}, {From::input, From::tanh}),
                one(Add(), {4}, {From::tanh, From::tanh, From::input})};
  all["Concatenate"] = {one(Concatenate({.axis = 1}), {2, 3, 2}, {From::input, From::tanh, From::input}),
                        one(Concatenate({.axis = 2}), {2, 3, 2}, {From::tanh, From::padded}),
                        one(Concatenate(), {2, 3}, {From::input, From::tanh})};
  all["InputLayer"] = {{nullptr, {2, 3}}};
  return all;
}

// The layer on an input, followed by tanh.
Functional model_of(const Case& of, DType dtype) {
  Functional model({.name = "model", .seed = 3, .dtype = dtype});
  const Node in = model.input(of.sample);
  Node last = in;
  if (of.make) {
    std::vector<Node> inputs;
    for (const From from : of.inputs)
      inputs.push_back(from == From::input ? in
                       : from == From::tanh
                           ? model.add(ActivationLayer({.activation = Activation::tanh}), {in})
                           : model.add(ZeroPadding2D({.top = 0, .bottom = 0, .left = 1, .right = 1}), {in}));
    last = model.add(of.make(), inputs);
  }
  model.set_outputs({model.add(ActivationLayer({.activation = Activation::tanh}), {last})});
  model.compile({.loss = MeanSquaredError()});
  stir(model, 4);
  return model;
}

std::vector<DType> dtypes() { return {DType::float32, DType::float64}; }

// The place of a value of a layer, by the layer's name.
Place output(Model& model, std::string_view layer, std::int64_t index) {
  for (std::int64_t i = 0; i < model.size(); ++i)
    if (model.layer(i).name() == layer) return {.kind = Kind::output, .layer = i, .index = index};
  FAIL("no such layer");
  return {};
}

Dataset labeled(const Tensor& x, std::int32_t classes) {
  std::vector<std::int32_t> labels(static_cast<std::size_t>(x.shape()[0]));
  for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<std::int32_t>(i) % classes;
  return Dataset(x, labels);
}

}  // namespace

TEST_CASE(
    "Every layer type tells terms that add up to its values, its inputs' gradients and its parameters' "
    "gradients") {
  const auto all = cases();
  for (const std::string& type : layer_types()) {
    INFO(type);
    REQUIRE_MESSAGE(all.contains(type), "a new layer needs its explain functions and a case here");
    for (const Case& of : all.at(type))
      for (const DType dtype : dtypes())
        for (const std::int64_t batch : {1, 3}) {
          CAPTURE(batch);
          CAPTURE(of.sample.to_string());
          Functional model = model_of(of, dtype);
          Rng rng(9);
          const Tensor x = random_tensor(of.sample.with_leading(batch), rng, -1.0, 1.0, dtype);
          const Tensor y = random_tensor(model.output_shape().with_leading(batch), rng, -1.0, 1.0, dtype);
          CHECK(check_model(model, Dataset(x, y), x) > 0);
        }
  }
}

TEST_CASE("Every number of an MLP with sigmoid, softmax and cross-entropy from logits is explained") {
  for (const DType dtype : dtypes()) {
    Sequential model({.seed = 1, .dtype = dtype});
    model.add(Flatten({.input_shape = {3, 3}}));
    model.add(Dense({.units = 5, .activation = Activation::sigmoid}));
    model.add(Dense({.units = 4, .activation = Activation::softmax}));
    model.compile({.loss = SparseCategoricalCrossentropy()});
    stir(model, 2);
    Rng rng(3);
    const Tensor x = random_tensor({3, 3, 3}, rng, -1.0, 1.0, dtype);
    check_model(model, labeled(x, 4), x, true);
  }
}

TEST_CASE("Every number of an MLP with BatchNormalization and SELU is explained, in training too") {
  for (const DType dtype : dtypes()) {
    Sequential model({.seed = 1, .dtype = dtype});
    model.add(Dense({.units = 6, .kernel_regularizer = L2(0.01), .input_shape = {4}}));
    model.add(BatchNormalization());
    model.add(ActivationLayer({.activation = Activation::selu}));
    model.add(Dense({.units = 3, .kernel_regularizer = {.l1 = 0.02, .l2 = 0.01}}));
    model.add(Softmax());
    model.compile({.loss = CategoricalCrossentropy()});
    stir(model, 2);
    Rng rng(3);
    const Tensor x = random_tensor({5, 4}, rng, -1.0, 1.0, dtype);
    check_model(model, labeled(x, 3), x, true);
  }
}

TEST_CASE("Every number of a CNN with pooling and dropout is explained") {
  for (const DType dtype : dtypes()) {
    Sequential model({.seed = 1, .dtype = dtype});
    model.add(Conv2D({.filters = 3,
                      .kernel_size = 3,
                      .padding = Padding::same,
                      .activation = Activation::relu,
                      .input_shape = {6, 5, 1}}));
    model.add(MaxPooling2D());
    model.add(Dropout({.rate = 0.3}));
    model.add(Conv2D({.filters = 2, .kernel_size = 2, .activation = Activation::gelu}));
    model.add(Flatten());
    model.add(Dense({.units = 3, .activation = Activation::softmax}));
    model.compile({.loss = SparseCategoricalCrossentropy()});
    stir(model, 2);
    Rng rng(3);
    const Tensor x = random_tensor({3, 6, 5, 1}, rng, -1.0, 1.0, dtype);
    check_model(model, labeled(x, 3), x, true);
  }
}

TEST_CASE("Every number of graphs with Add and with Concatenate is explained") {
  for (const bool adds : {true, false})
    for (const DType dtype : dtypes()) {
      CAPTURE(adds);
      Functional model({.name = "graph", .seed = 1, .dtype = dtype});
      const Node in = model.input({4, 4, 2});
      const Node a = model.add(
          Conv2D({.filters = 3, .kernel_size = 3, .padding = Padding::same, .activation = Activation::relu}),
          {in});
      const Node b =
          model.add(BatchNormalization(), {model.add(Conv2D({.filters = 3, .kernel_size = 1}), {a})});
      const Node joined = adds ? model.add(Add(), {a, b}) : model.add(Concatenate(), {a, b, a});
      model.set_outputs({model.add(Dense({.units = 2}), {model.add(GlobalAveragePooling2D(), {joined})})});
      model.compile({.loss = MeanSquaredError()});
      stir(model, 2);
      Rng rng(3);
      const Tensor x = random_tensor({2, 4, 4, 2}, rng, -1.0, 1.0, dtype);
      check_model(model, Dataset(x, random_tensor({2, 2}, rng, -1.0, 1.0, dtype)), x);
    }
}

TEST_CASE("Every loss tells where its gradient comes from, on logits and on predictions") {
  for (const std::string& name : loss_names())
    for (const Activation activation : {Activation::softmax, Activation::sigmoid})
      for (const DType dtype : dtypes()) {
        INFO(name, " behind ", to_string(activation));
        Sequential model({.seed = 1, .dtype = dtype});
        model.add(Dense({.units = 3, .activation = activation, .input_shape = {4}}));
        model.compile({.loss = make_loss(name)});
        Rng rng(3);
        const Tensor x = random_tensor({2, 4}, rng, -1.0, 1.0, dtype);
        Explainer explainer(model);
        explainer.backward(labeled(x, 3));
        const bool logits = make_loss(name)->logits_of() == activation;
        Walk(explainer, model, true, logits).run();
        const Explanation told =
            logits ? explainer.gradient_of_sum(0, 1) : explainer.gradient_of_output(0, 1);
        CHECK(told.combine == Combine::loss);
        CHECK(told.count >= 1);
      }
}

TEST_CASE(
    "The gradient of a softmax from logits is the prediction less the target, by the number of samples") {
  Sequential model;
  model.add(Dense({.units = 3, .activation = Activation::softmax, .input_shape = {2}}));
  model.compile({.loss = SparseCategoricalCrossentropy()});
  Rng rng(3);
  const Tensor x = random_tensor({4, 2}, rng);
  Explainer explainer(model);
  const double loss = explainer.backward(Dataset(x, std::vector<std::int32_t>{2, 0, 1, 2}));
  const Tensor p = model.predict(x);
  CHECK(loss ==
        doctest::Approx(-(std::log(p.at(2)) + std::log(p.at(3)) + std::log(p.at(7)) + std::log(p.at(11))) / 4)
            .epsilon(1e-5));
  const Explanation told = explainer.gradient_of_sum(0, 2, {.sample = 3});
  CHECK(told.value == doctest::Approx((p.at(11) - 1.0) / 4.0).epsilon(1e-5));
  REQUIRE(told.terms.size() == 2);
  CHECK(told.terms[0].factors[0].place == Place{.kind = Kind::output, .layer = 0, .sample = 3, .index = 2});
  CHECK(told.terms[1].factors[0].place.text == "target");
  CHECK(told.terms[1].factors[0].value == 1.0);
}

TEST_CASE("A layer's value tells weights and inputs by name, and what the activation makes of their sum") {
  Sequential model;
  model.add(Dense({.units = 2, .activation = Activation::sigmoid, .input_shape = {2}}));
  model.add(Dense({.units = 1}));
  model.set_weights({Tensor({2, 2}, std::vector<float>{0.5f, 1.0f, -1.0f, 0.25f}),
                     Tensor({2}, std::vector<float>{0.125f, 0.0f}),
                     Tensor({2, 1}, std::vector<float>{2.0f, -3.0f}), Tensor({1}, std::vector<float>{0.5f})});
  Explainer explainer(model);
  explainer.forward(Tensor({1, 2}, std::vector<float>{0.5f, 0.75f}));
  const Explanation told = explainer.value(0, 0);
  CHECK(told.combine == Combine::sum);
  CHECK(told.activation == Activation::sigmoid);
  CHECK(*told.z == doctest::Approx(0.5 * 0.5 - 0.75 + 0.125));
  CHECK(told.value == doctest::Approx(1.0 / (1.0 + std::exp(0.375))));
  REQUIRE(told.terms.size() == 3);
  CHECK(told.terms[1].value == -0.75);
  CHECK(explainer.name(told.terms[1].factors[0].place) == "dense/kernel[1,0]");
  CHECK(explainer.name(told.terms[1].factors[1].place) == "input[1]");
  CHECK(explainer.name(told.terms[2].factors[0].place) == "dense/bias[0]");
  CHECK(told.terms[2].value == 0.125);
  CHECK(explainer.position(told.terms[1].factors[0].place) == std::vector<std::int64_t>{1, 0});
  const Explanation last = explainer.value(1, 0);
  CHECK_FALSE(last.z);
  CHECK(explainer.name(last.terms[0].factors[1].place) == "dense[0]");
  CHECK(explainer.follow(last.terms[0].factors[1].place).value == told.value);
  CHECK(explainer.follow(told.terms[1].factors[1].place).combine == Combine::given);
  CHECK(explainer.number(told.terms[1].factors[1].place) == 0.75);
  CHECK(explainer.name({.kind = Kind::sum, .layer = 0, .index = 1}) == "dense.z[1]");
}

TEST_CASE("Names tell the sample of a batch, and gradients as such") {
  Functional model({.name = "model"});
  const Node in = model.input({4, 4, 1}, "picture");
  const Node convolved =
      model.add(Conv2D({.filters = 2, .kernel_size = 2, .activation = Activation::relu}), {in});
  model.set_outputs({model.add(BatchNormalization(), {convolved})});
  model.compile({.loss = MeanSquaredError()});
  Rng rng(1);
  Explainer explainer(model);
  explainer.backward(Dataset(random_tensor({2, 4, 4, 1}, rng), random_tensor({2, 3, 3, 2}, rng)));
  CHECK(explainer.name({.kind = Kind::input, .sample = 1, .index = 7}) == "picture[1,3,0] of sample 1");
  CHECK(explainer.name({.kind = Kind::output, .layer = 1, .sample = 1, .index = 17}) ==
        "conv2d[2,2,1] of sample 1");
  CHECK(explainer.name({.kind = Kind::sum_gradient, .layer = 1, .index = 0}) ==
        "dLoss/d conv2d.z[0,0,0] of sample 0");
  CHECK(explainer.name({.kind = Kind::parameter_gradient, .layer = 1, .index = 5}) ==
        "dLoss/d conv2d/kernel[1,0,0,1]");
  CHECK(explainer.name({.kind = Kind::input_gradient, .index = 4}) == "dLoss/d picture[1,0,0] of sample 0");
  CHECK(explainer.name({.kind = Kind::output_gradient, .layer = 0, .index = 4}) ==
        "dLoss/d picture[1,0,0] of sample 0");
  CHECK(explainer.name({.kind = Kind::inner, .layer = 2, .number = 0, .index = 1}) ==
        "batch_normalization.mean[1]");
  CHECK(explainer.name({.kind = Kind::inner, .layer = 2, .number = 4, .index = 1}) ==
        "batch_normalization.normalized[0,0,1] of sample 0");
}

TEST_CASE("Of many terms the largest are told, all are counted and summed") {
  Sequential model({.seed = 2});
  model.add(Dense({.units = 3, .input_shape = {784}}));
  Rng rng(4);
  Explainer explainer(model);
  explainer.forward(random_tensor({1, 784}, rng));
  const Explanation all = explainer.value(0, 1), few = explainer.value(0, 1, {.most = 5}),
                    none = explainer.value(0, 1, {.most = 0});
  REQUIRE(all.terms.size() == 785);
  REQUIRE(few.terms.size() == 5);
  CHECK(none.terms.empty());
  CHECK(few.count == 785);
  CHECK(none.total == all.total);
  CHECK(none.rest == all.total);
  std::vector<double> sizes;
  for (const Term& term : all.terms) sizes.push_back(std::abs(term.value));
  std::sort(sizes.rbegin(), sizes.rend());
  double told = 0.0;
  for (std::size_t i = 0; i < few.terms.size(); ++i) {
    CHECK(std::abs(few.terms[i].value) >= sizes[4]);
    if (i > 0)
      CHECK(few.terms[i - 1].factors[1].place.index <
            few.terms[i].factors[1].place.index);  // in the layer's order
    told += few.terms[i].value;
  }
  CHECK(told + few.rest == doctest::Approx(all.total).epsilon(1e-12));
  CHECK(all.rest == 0.0);
}

TEST_CASE("What falls in padding is no term") {
  Sequential model;
  model.add(Conv2D({.filters = 1, .kernel_size = 3, .padding = Padding::same, .input_shape = {4, 4, 2}}));
  model.add(AveragePooling2D({.pool_size = 3, .strides = 1, .padding = Padding::same}));
  Rng rng(1);
  Explainer explainer(model);
  explainer.forward(random_tensor({1, 4, 4, 2}, rng));
  CHECK(explainer.value(0, 0).count == 2 * 2 * 2 + 1);
  CHECK(explainer.value(0, 1).count == 2 * 3 * 2 + 1);
  CHECK(explainer.value(0, 5).count == 3 * 3 * 2 + 1);
  const Explanation mean = explainer.value(1, 0);
  CHECK(mean.combine == Combine::mean);
  CHECK(mean.count == 4);
  CHECK(mean.terms[0].factors[0].value == 0.25);
}

TEST_CASE("MaxPooling2D tells which value won, of equal ones the first, and only that one gets a gradient") {
  Sequential model;
  model.add(MaxPooling2D({.input_shape = {2, 4, 1}}));
  model.compile({.loss = MeanSquaredError()});
  Explainer explainer(model);
  explainer.backward(
      Dataset(Tensor({1, 2, 4, 1}, std::vector<float>{1, 3, 7, 7, 2, -5, 0, 7}), Tensor({1, 1, 2, 1})));
  const Explanation left = explainer.value(0, 0), right = explainer.value(0, 1);
  CHECK(left.combine == Combine::maximum);
  CHECK(left.count == 4);
  REQUIRE(left.chosen);
  CHECK(left.chosen->factors[0].place.index == 1);
  CHECK(right.chosen->factors[0].place.index == 2);
  CHECK(explainer.value(0, 0, {.most = 1}).terms[0].value == 3.0);
  CHECK(explainer.gradient_of_input(2).count == 1);
  CHECK(explainer.gradient_of_input(3).count == 0);
  CHECK(explainer.gradient_of_input(3).value == 0.0);
}

TEST_CASE("A NaN wins a maximum, and is kept as the largest term") {
  Sequential model;
  model.add(MaxPooling2D({.pool_size = {1, 2}, .input_shape = {1, 2, 1}}));
  Explainer explainer(model);
  explainer.forward(Tensor({1, 1, 2, 1}, std::vector<float>{1, std::nanf("")}));
  const Explanation told = explainer.value(0, 0, {.most = 1});
  CHECK(std::isnan(told.value));
  CHECK(told.chosen->factors[0].place.index == 1);
  CHECK(told.terms[0].factors[0].place.index == 1);
}

TEST_CASE(
    "BatchNormalization is explained by moving statistics in inference, by the batch's in training, and "
    "stays as it is") {
  Sequential model;
  model.add(BatchNormalization({.input_shape = {2}}));
  model.compile({.loss = MeanSquaredError()});
  stir(model, 3);
  const std::vector<Tensor> before = model.get_weights();
  Rng rng(4);
  const Tensor x = random_tensor({3, 2}, rng);
  Explainer explainer(model);
  const auto mean_place = [&] {
    const Place normalized = explainer.value(0, 1).terms[0].factors[1].place;
    const Place centered = explainer.follow(normalized).terms[0].factors[0].place;
    return explainer.follow(centered).terms[1].factors[1].place;
  };
  explainer.forward(x);
  CHECK(explainer.name(mean_place()) == "batch_normalization/moving_mean[1]");
  explainer.backward(Dataset(x, random_tensor({3, 2}, rng)), {.training = true});
  CHECK(explainer.name(mean_place()) == "batch_normalization.mean[1]");
  const Explanation mean = explainer.follow(mean_place());
  CHECK(mean.combine == Combine::mean);
  CHECK(mean.count == 3);
  CHECK(mean.value == doctest::Approx((x.at(1) + x.at(3) + x.at(5)) / 3.0));
  // Its own gradient, and what it does to the batch's mean and variance.
  const Explanation gradient = explainer.gradient_of_input(1);
  REQUIRE(gradient.count == 3);
  CHECK(explainer.name(gradient.terms[1].factors[1].place) == "dLoss/d batch_normalization/beta[1]");
  CHECK(explainer.name(gradient.terms[2].factors[2].place) == "dLoss/d batch_normalization/gamma[1]");
  explainer.backward(Dataset(x, random_tensor({3, 2}, rng)));
  CHECK(explainer.gradient_of_input(1).count == 1);
  for (std::size_t i = 0; i < before.size(); ++i)
    for (std::int64_t c = 0; c < 2; ++c) CHECK(model.get_weights()[i].at(c) == before[i].at(c));
}

TEST_CASE("Dropout is explained by mask and scale in training, as a copy otherwise") {
  Sequential model;
  model.add(Dropout({.rate = 0.5, .input_shape = {16}}));
  Rng rng(4);
  const Tensor x = random_tensor({1, 16}, rng, 0.5, 1.0);
  Explainer explainer(model);
  explainer.forward(x, {.training = true, .seed = 8});
  std::int64_t dropped = 0;
  for (std::int64_t i = 0; i < 16; ++i) {
    const Term term = explainer.value(0, i).terms[0];
    REQUIRE(term.factors.size() == 3);
    CHECK(term.factors[1].place.text == "mask");
    CHECK(term.factors[1].value == (explainer.value(0, i).value == 0.0 ? 0.0 : 1.0));
    CHECK(term.factors[2].value == 2.0);
    dropped += term.factors[1].value == 0.0;
  }
  CHECK(dropped > 0);
  CHECK(dropped < 16);
  explainer.forward(x);
  CHECK(explainer.value(0, 3).combine == Combine::copy);
}

TEST_CASE("A softmax tells numerator, denominator and what was subtracted") {
  Sequential model;
  model.add(Softmax({.input_shape = {3}}));
  Explainer explainer(model);
  explainer.forward(Tensor({1, 3}, std::vector<float>{1, 3, 2}));
  const Explanation told = explainer.value(0, 2, {.most = 1});
  CHECK(told.combine == Combine::softmax);
  CHECK(told.shift == 3.0);
  CHECK(told.count == 3);
  REQUIRE(told.chosen);
  CHECK(told.chosen->value == doctest::Approx(std::exp(-1.0)));
  CHECK(told.terms[0].value == 1.0);
  CHECK(told.total == doctest::Approx(1.0 + std::exp(-1.0) + std::exp(-2.0)));
  CHECK(explainer.name(told.chosen->factors[0].place) == "softmax.z[2]");
  CHECK(explainer.name(explainer.follow(told.chosen->factors[0].place).terms[0].factors[0].place) ==
        "input[2]");
}

TEST_CASE("A penalty is a term of its weight's gradient, unless the layer is frozen") {
  Sequential model;
  model.add(Dense({.units = 1, .kernel_regularizer = {.l1 = 0.5, .l2 = 0.25}, .input_shape = {2}}));
  model.compile({.loss = MeanSquaredError()});
  model.set_weights({Tensor({2, 1}, std::vector<float>{0.5f, -2.0f}), Tensor({1})});
  const Dataset data(Tensor({1, 2}, std::vector<float>{1, 1}), Tensor({1, 1}, std::vector<float>{0}));
  Explainer explainer(model);
  const double loss = explainer.backward(data);
  CHECK(loss == doctest::Approx(1.5 * 1.5 + 0.5 * 2.5 + 0.25 * 4.25));
  const Explanation told = explainer.gradient_of_parameter(0, 0, 1);
  REQUIRE(told.count == 3);
  CHECK(told.terms[1].value == -0.5);
  CHECK(told.terms[2].value == -1.0);
  CHECK(told.value == doctest::Approx(-3.0 - 0.5 - 1.0));
  model.layer(0).set_trainable(false);
  CHECK(explainer.backward(data) == doctest::Approx(1.5 * 1.5));
  CHECK(explainer.gradient_of_parameter(0, 0, 1).count == 1);
  CHECK(explainer.gradient_of_parameter(0, 0, 1).value == doctest::Approx(-3.0));
}

TEST_CASE("A layer that only reshapes has a gradient of its own where another layer takes the same value") {
  Functional model({.name = "model", .dtype = DType::float64});
  const Node in = model.input({2, 2, 1});
  const Node x = model.add(ActivationLayer({.activation = Activation::tanh}), {in});
  const Node flat = model.add(Dense({.units = 2}), {model.add(Flatten(), {x})});
  const Node other = model.add(Dense({.units = 2}), {model.add(Reshape({.target_shape = {4}}), {x})});
  model.set_outputs({model.add(Add(), {flat, other})});
  model.compile({.loss = MeanSquaredError()});
  Rng rng(4);
  const Tensor sample = random_tensor({1, 2, 2, 1}, rng, -1.0, 1.0, DType::float64);
  Explainer explainer(model);
  explainer.backward(Dataset(sample, random_tensor({1, 2}, rng, -1.0, 1.0, DType::float64)));
  const std::int64_t activation = output(model, "activation", 0).layer;
  const Explanation told = explainer.gradient_of_output(activation, 3);
  REQUIRE(told.count == 2);
  CHECK(told.terms[0].value != told.terms[1].value);
  CHECK(told.value == doctest::Approx(told.terms[0].value + told.terms[1].value));
  CHECK(told.terms[0].value == explainer.gradient_of_output(output(model, "flatten", 0).layer, 3).value);
}

TEST_CASE("What is explained are the numbers of training: loss, outputs and gradients") {
  Sequential model({.seed = 6});
  model.add(
      Conv2D({.filters = 4, .kernel_size = 3, .activation = Activation::relu, .input_shape = {8, 8, 1}}));
  model.add(MaxPooling2D());
  model.add(Flatten());
  model.add(Dropout({.rate = 0.4}));
  model.add(Dense({.units = 3, .activation = Activation::softmax}));
  model.compile({.loss = SparseCategoricalCrossentropy()});
  Rng rng(7);
  const Tensor x = random_tensor({5, 8, 8, 1}, rng);
  const Dataset data = labeled(x, 3);
  Explainer explainer(model);
  const double loss = explainer.backward(data, {.training = true, .seed = 21});

  Executor executor(model, 5, Executor::Use::training);
  copy(x.view(), executor.input(5));
  const Executor::Pass pass{.training = true, .logits = true, .seed = 21};
  executor.forward(pass);
  std::vector<std::int32_t> labels;
  for (std::int64_t i = 0; i < 5; ++i) labels.push_back(data.label(i));
  const double sum = SparseCategoricalCrossentropy().evaluate(model.backend(), executor.output(), true,
                                                              {labels, {}}, executor.output_gradient());
  executor.backward(pass);
  CHECK(loss == doctest::Approx(sum / 5).epsilon(1e-6));
  const std::pair<std::int64_t, std::int64_t> places[] = {
      {0, 0}, {0, 1}, {4, 0}, {4, 1}};  // of trainable(), in order
  for (std::size_t p = 0; p < 4; ++p) {
    const TensorView gradient = executor.gradients()[p];
    Tensor told(gradient.shape);
    for (std::int64_t i = 0; i < told.elements(); ++i)
      told.set(i, explainer.gradient_of_parameter(places[p].first, places[p].second, i, 0).value);
    CHECK(test::normalized_error(std::as_const(told).view(), gradient) < kShare32);
  }
}

TEST_CASE("The gradient by the input is what central differences give") {
  constexpr double kStep = 1e-5,
                   kTolerance = 1e-8;  // the error of the differences is of the order of kStep^2
  Functional model({.name = "model", .seed = 2, .dtype = DType::float64});
  const Node in = model.input({3, 3, 2});
  const Node a = model.add(
      Conv2D({.filters = 2, .kernel_size = 3, .padding = Padding::same, .activation = Activation::tanh}),
      {in});
  const Node b = model.add(BatchNormalization(), {model.add(Add(), {a, in})});
  model.set_outputs(
      {model.add(Dense({.units = 2, .activation = Activation::softmax}), {model.add(Flatten(), {b})})});
  model.compile({.loss = SparseCategoricalCrossentropy()});
  Rng rng(3);
  Tensor x = random_tensor({3, 3, 3, 2}, rng, -1.0, 1.0, DType::float64);
  Explainer explainer(model), moved(model);
  explainer.backward(labeled(x, 2), {.training = true});
  for (const std::int64_t i : {0, 7, 17, 18, 53}) {
    const double kept = x.at(i);
    x.set(i, kept + kStep);
    const double above = moved.backward(labeled(x, 2), {.training = true});
    x.set(i, kept - kStep);
    const double below = moved.backward(labeled(x, 2), {.training = true});
    x.set(i, kept);
    CHECK(std::abs(explainer.gradient_of_input(i % 18, {.sample = i / 18}).value -
                   (above - below) / (2 * kStep)) < kTolerance);
  }
}

TEST_CASE("A model with several inputs and outputs is explained forwards") {
  Functional model({.name = "pair"});
  const Node a = model.input({2}, "a"), b = model.input({3}, "b");
  const Node joined = model.add(Concatenate(), {a, b});
  model.set_outputs({model.add(Dense({.units = 1}), {joined}),
                     model.add(ActivationLayer({.activation = Activation::relu}), {joined})});
  model.compile({.loss = MeanSquaredError()});
  Rng rng(1);
  const Tensor x = random_tensor({2, 2}, rng), y = random_tensor({2, 3}, rng);
  Explainer explainer(model);
  explainer.forward({x, y});
  Walk(explainer, model, false, false).run();
  const Place from =
      explainer
          .follow(
              {.kind = Kind::output, .layer = output(model, "concatenate", 0).layer, .sample = 1, .index = 4})
          .terms[0]
          .factors[0]
          .place;
  CHECK(explainer.name(from) == "b[2] of sample 1");
  CHECK(explainer.number(from) == y.at(5));
  CHECK_THROWS_WITH_AS(explainer.forward(x), doctest::Contains("has 2 inputs, received 1 tensors"),
                       ValueError);
  CHECK_THROWS_WITH_AS(explainer.forward({x, x}), doctest::Contains("expected (2, 3)"), ShapeError);
  CHECK_THROWS_WITH_AS(explainer.backward(Dataset(x, x)), doctest::Contains("has 2 inputs"), ValueError);
}

TEST_CASE("An Explainer says what is out of range, and which pass is missing") {
  Sequential model({.name = "small"});
  model.add(Dense({.units = 3, .activation = Activation::softmax, .input_shape = {2}}));
  model.add(BatchNormalization());
  Explainer explainer(model);
  CHECK_THROWS_WITH_AS(explainer.value(0, 0), doctest::Contains("no pass yet. Call forward"), ValueError);
  const Tensor x({2, 2});
  explainer.forward(x);
  CHECK_THROWS_WITH_AS(explainer.value(0, 0, {.most = -1}), doctest::Contains("most = -1"), ValueError);
  CHECK_THROWS_WITH_AS(explainer.value(2, 0),
                       doctest::Contains("layer = 2 of model 'small'; it goes from 0 to 1"), ValueError);
  CHECK_THROWS_WITH_AS(explainer.value(-1, 0), doctest::Contains("layer = -1"), ValueError);
  CHECK_THROWS_WITH_AS(explainer.value(0, 3),
                       doctest::Contains("index = 3 of dense (3,); it goes from 0 to 2"), ValueError);
  CHECK_THROWS_WITH_AS(explainer.value(0, -1), doctest::Contains("index = -1"), ValueError);
  CHECK_THROWS_WITH_AS(explainer.value(0, 0, {.sample = 2}),
                       doctest::Contains("sample = 2 of the batch; it goes from 0 to 1"), ValueError);
  CHECK_THROWS_WITH_AS(explainer.follow({.kind = Kind::input, .number = 1}),
                       doctest::Contains("number = 1 of the inputs of model 'small'"), ValueError);
  CHECK_THROWS_WITH_AS(explainer.follow({.kind = Kind::inner, .layer = 0}),
                       doctest::Contains("inner values of dense; there is none"), ValueError);
  CHECK_THROWS_WITH_AS(explainer.follow({.kind = Kind::slope, .layer = 0, .number = 3}),
                       doctest::Contains("number = 3"), ValueError);
  CHECK_THROWS_WITH_AS(explainer.follow({.text = "1 / samples"}),
                       doctest::Contains("constant '1 / samples' stands nowhere"), ValueError);
  CHECK_THROWS_WITH_AS(explainer.gradient_of_parameter(0, 0, 0),
                       doctest::Contains("had no backward pass. Call backward"), ValueError);
  CHECK_THROWS_WITH_AS(explainer.gradient_of_input(0), doctest::Contains("had no backward pass"), ValueError);
  CHECK_THROWS_WITH_AS(explainer.backward(labeled(x, 3)), doctest::Contains("is not compiled"), ValueError);
  CHECK_THROWS_AS(explainer.forward(Tensor({2, 3})), ShapeError);
  CHECK_THROWS_WITH_AS(explainer.forward(Tensor({0, 2})), doctest::Contains("no samples"), ValueError);
  CHECK_THROWS_WITH_AS(explainer.value(0, 0), doctest::Contains("no pass yet"),
                       ValueError);  // the last one failed

  model.compile({.loss = MeanSquaredError()});
  explainer.backward(Dataset(x, Tensor({2, 3})));
  CHECK_THROWS_WITH_AS(explainer.gradient_of_parameter(0, 2, 0),
                       doctest::Contains("number = 2 of the parameters of dense"), ValueError);
  CHECK_THROWS_WITH_AS(explainer.gradient_of_parameter(0, 0, 6),
                       doctest::Contains("index = 6 of dense/kernel (2, 3)"), ValueError);
  CHECK_THROWS_WITH_AS(explainer.gradient_of_parameter(1, 2, 0),
                       doctest::Contains("moving_mean is not moved by a gradient"), ValueError);
  CHECK_THROWS_AS(explainer.backward(Dataset(x, Tensor({2, 2}))), ShapeError);
}

TEST_CASE("Where the loss works on logits the last output has no gradient, and the error says what has") {
  Sequential model;
  model.add(Dense({.units = 3, .activation = Activation::softmax, .input_shape = {2}}));
  model.compile({.loss = SparseCategoricalCrossentropy()});
  Explainer explainer(model);
  explainer.backward(labeled(Tensor({1, 2}), 3));
  CHECK_THROWS_WITH_AS(
      explainer.gradient_of_output(0, 0),
      doctest::Contains("before the softmax of dense, so only that has a gradient. Ask gradient_of_sum"),
      ValueError);
  CHECK(explainer.gradient_of_sum(0, 0).value == doctest::Approx(1.0 / 3.0 - 1.0));
}

TEST_CASE("A layer that does not tell its terms is named") {
  struct Doubling : Layer {
    std::string_view type() const override { return "Doubling"; }
    Shape output_shape(std::span<const Shape> inputs) const override { return inputs[0]; }
    void forward(const ForwardPass& pass) const override {
      pass.backend.add(pass.inputs[0], pass.inputs[0], pass.output);
    }
    void backward(const BackwardPass&) const override {}
    Config config() const override { return {}; }
  };
  Functional model({.name = "own"});
  model.set_outputs({model.add(Doubling(), {model.input({2})})});
  Explainer explainer(model);
  explainer.forward(Tensor({1, 2}));
  CHECK(explainer.number({.kind = Kind::output, .layer = 1, .index = 1}) == 0.0);
  CHECK_THROWS_WITH_AS(
      explainer.value(1, 0),
      doctest::Contains(
          "Doubling 'doubling' does not tell where its numbers come from. Override Layer::explain_sum"),
      ValueError);
}
