#include <doctest/doctest.h>

#include <functional>
#include <utility>
#include <vector>

#include "neurona/applications.hpp"
#include "neurona/error.hpp"
#include "neurona/formats.hpp"
#include "neurona/layers.hpp"
#include "neurona/model.hpp"
#include "neurona/predictor.hpp"
#include "neurona/train.hpp"
#include "support/files.hpp"
#include "support/samples.hpp"

using namespace neurona;

TEST_CASE("The tutorial's network has 79,510 parameters and Keras' summary") {
  const Model model = make_network("mlp");
  CHECK(model.count_params() == 79510);
  CHECK(model.summary() ==
        "Model: \"sequential\"\n"
        "_________________________________________________________________\n"
        "Layer (type)                 Output Shape              Param #   \n"
        "=================================================================\n"
        "flatten (Flatten)            (None, 784)               0         \n"
        "_________________________________________________________________\n"
        "dense (Dense)                (None, 100)               78500     \n"
        "_________________________________________________________________\n"
        "dense_1 (Dense)              (None, 10)                1010      \n"
        "=================================================================\n"
        "Total params: 79,510\n"
        "Trainable params: 79,510\n"
        "Non-trainable params: 0\n"
        "_________________________________________________________________\n");
}

TEST_CASE("A Sequential model says what is missing or wrong") {
  Sequential model;
  CHECK_THROWS_WITH_AS(model.add(Dense({.units = 3})),
                       "Sequential 'sequential': the first layer, Dense, needs input_shape, the shape of one sample. For MNIST: "
                       "{.input_shape = {28, 28}}.",
                       ValueError);
  model.add(Dense({.units = 3, .input_shape = {2}, .name = "a"}));
  CHECK_THROWS_WITH_AS(model.add(Dense({.units = 3, .name = "a"})),
                       "Sequential 'sequential' already has a layer 'a'. Give it another name.", ValueError);
  CHECK_THROWS_AS(model.layer("b"), ValueError);
  CHECK_THROWS_WITH_AS(model.predict(Tensor({1, 3})), "Model 'sequential' received samples of shape (3,); expected (2,).\n"
                       "  Give it samples of that shape, or build it with another input_shape.", ShapeError);
  CHECK_THROWS_AS(model.fit(Dataset(Tensor({1, 2}), std::vector<std::int32_t>{0})), ValueError);
  CHECK_THROWS_WITH_AS(model.set_weights({Tensor({2, 3}), Tensor({4})}),
                       "set_weights: 'a/bias' received shape (4,), expected (3,).", ShapeError);
  CHECK_THROWS_AS(Sequential().predict(Tensor({1, 1})), ValueError);
}

TEST_CASE("Predictions do not depend on the batch size, and activations end in the prediction") {
  Model model = make_network("mlp", 4);
  const Dataset data(test::easy_images(21, 2));
  const Tensor all = model.predict(data, 32);
  for (std::int64_t batch : {1, 2, 20}) {
    const Tensor again = model.predict(data, batch);
    // The same products in the same order.
    CHECK(test::normalized_error(again.view(), all.view()) == 0.0);
  }
  Tensor x({1, 28, 28});
  std::vector<std::int32_t> label(1);
  data.gather(std::vector<std::int32_t>{0}, x.view(), label, {});
  const auto inside = model.activations(x);
  REQUIRE(inside.size() == 3);
  CHECK(inside[0].output.shape() == Shape({784}));
  CHECK(inside[1].layer == "dense");
  CHECK(inside[1].output.shape() == Shape({100}));
  for (std::int64_t i = 0; i < 10; ++i) CHECK(inside[2].output.at(i) == all.at(i));
}

TEST_CASE("The same seed draws the same weights, another seed others, and reset draws anew") {
  Model a = make_network("mlp", 1), b = make_network("mlp", 1), c = make_network("mlp", 2);
  const auto same = [](const Model& m, const Model& n) {
    return test::normalized_error(m.get_weights()[0].view(), n.get_weights()[0].view()) == 0.0;
  };
  CHECK(same(a, b));
  CHECK(!same(a, c));
  c.reset(1);
  CHECK(same(a, c));
}

TEST_CASE("An empty data set is predicted without harm") {
  Model model = make_network("mlp", 1);
  CHECK(model.predict(Dataset(test::easy_images(3, 1)).slice(0, 0)).shape() == Shape({0, 10}));
}

TEST_CASE("A model says which layers it has when asked for others, and activations wants one sample") {
  Model model = make_network("mlp", 1);
  CHECK_THROWS_WITH_AS(model.layer(3), "Model 'sequential' has no layer 3; it has 3, counted from 0.", ValueError);
  CHECK_THROWS_AS(model.layer(-1), ValueError);
  CHECK_THROWS_AS(model.set_backend(nullptr), ValueError);
  CHECK_THROWS_WITH_AS(model.activations(Tensor({2, 28, 28})), doctest::Contains("it takes one sample"), ShapeError);
}

TEST_CASE("A float64 model runs on the reference backend and refuses the cpu backend") {
  Sequential model({.dtype = DType::float64});
  model.add(Dense({.units = 2, .input_shape = {3}}));
  CHECK(model.predict(Tensor({1, 3}, DType::float64)).dtype() == DType::float64);
  CHECK_THROWS_AS(model.set_backend(make_backend("cpu")), BackendError);
  CHECK_THROWS_AS(make_backend("tpu"), BackendError);
}

TEST_CASE("A model that was moved from answers with an error, and is good again once another is moved into it") {
  Sequential model({.name = "first"});
  model.add(Dense({.units = 2, .input_shape = {3}}));
  model.compile({.loss = MeanSquaredError()});
  Sequential taken = std::move(model);
  const Tensor x({1, 3});
  const Dataset data(x, Tensor({1, 2}));
  const test::TemporaryFolder folder;
  const std::vector<std::pair<const char*, std::function<void()>>> uses = {
      {"fit", [&] { model.fit(data); }},
      {"evaluate", [&] { model.evaluate(data); }},
      {"predict", [&] { model.predict(x); }},
      {"predict of several", [&] { model.predict({x}); }},
      {"activations", [&] { model.activations(x); }},
      {"summary", [&] { model.summary(); }},
      {"costs", [&] { model.costs(); }},
      {"name", [&] { static_cast<void>(model.name()); }},
      {"size", [&] { static_cast<void>(model.size()); }},
      {"layer", [&] { model.layer(0); }},
      {"layer by name", [&] { model.layer("dense"); }},
      {"parameters", [&] { model.parameters(); }},
      {"set_weights", [&] { model.set_weights({}); }},
      {"add", [&] { model.add(Flatten({.input_shape = {3}})); }},
      {"compile", [&] { model.compile({}); }},
      {"set_backend", [&] { model.set_backend(make_backend("cpu")); }},
      {"metadata", [&] { model.metadata()["a"] = "b"; }},
      {"reset", [&] { model.reset(1); }},
      {"to_safetensors", [&] { to_safetensors(model); }},
      {"save", [&] { save(model, folder / "moved.safetensors"); }},
      {"FitJob", [&] { FitJob job(model, data); }},
      {"Predictor", [&] { Predictor predictor(model); }},
  };
  for (const auto& [name, use] : uses) {
    INFO(name);
    CHECK_THROWS_WITH_AS(use(), doctest::Contains("it was moved from"), ValueError);
  }
  CHECK(taken.predict(x).shape() == Shape{1, 2});
  Functional graph;
  const Functional also_taken = std::move(graph);
  CHECK_THROWS_WITH_AS(graph.input({3}), doctest::Contains("it was moved from"), ValueError);
  model = std::move(taken);
  CHECK(model.name() == "first");
}
