// Each layer with its options, and a graph, against the fixtures: outputs and gradients for a given gradient
// from above.
#include "neurona/layers.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "backend/backend.hpp"
#include "golden/compare.hpp"
#include "golden/fixture.hpp"
#include "golden/random.hpp"
#include "model/executor.hpp"

using namespace neurona;
using nlohmann::json;
using test::Fixture;
using test::kBackends;
using test::kTolerance;
using test::relative_error;
using test::to_vector;

namespace {

// As in generate/layers.mjs.
constexpr double kUnit = 1.0 / 64.0;
constexpr std::int64_t kInputLimit = 125, kWeightLimit = 60, kPositiveLimit = 40;

// Inputs are odd multiples of the unit: none is zero, where a kinked activation has no derivative.
std::vector<double> draw_input(test::Random& random, std::int64_t count) {
  std::vector<double> x = random.values(count, kInputLimit, 1.0);
  for (double& value : x) value = (static_cast<std::int64_t>(value) % 2 == 0 ? value + 1.0 : value) * kUnit;
  return x;
}

void fill(TensorView view, const std::vector<double>& values) {
  REQUIRE(view.elements() == static_cast<std::int64_t>(values.size()));
  float* elements = view.as<float>();
  for (std::size_t i = 0; i < values.size(); ++i) elements[i] = static_cast<float>(values[i]);
}

// Scales and variances lie about 1, all else about 0.
void draw_weights(test::Random& random, Layer& layer) {
  for (Parameter& parameter : layer.parameters()) {
    const bool positive = parameter.name == "gamma" || parameter.name == "moving_variance";
    fill(parameter.value.view(),
         random.values(parameter.value.elements(), positive ? kPositiveLimit : kWeightLimit, kUnit,
                       positive ? 1.0 : 0.0));
  }
}

std::vector<double> identity(std::int64_t n) {
  std::vector<double> matrix(static_cast<std::size_t>(n * n), 0.0);
  for (std::int64_t i = 0; i < n; ++i) matrix[static_cast<std::size_t>(i * n + i)] = 1.0;
  return matrix;
}

// What the layer's parameters are compared with: gradients of those that are trained, new values of the
// others.
void check_parameters(const Fixture& fixture, const std::string& prefix, const std::string& moving,
                      const Layer& layer, std::span<Parameter* const> trainable,
                      std::span<const TensorView> gradients) {
  std::size_t trained = 0, moved = 0;
  for (const Parameter& parameter : layer.parameters()) {
    CAPTURE(parameter.name);
    if (!parameter.trainable) {
      CHECK(relative_error(to_vector(parameter.value.view()),
                           fixture.values(moving + std::to_string(moved++))) < kTolerance);
      continue;
    }
    const auto place = std::find(trainable.begin(), trainable.end(), &parameter);
    REQUIRE(place != trainable.end());
    CHECK(relative_error(to_vector(gradients[static_cast<std::size_t>(place - trainable.begin())]),
                         fixture.values(prefix + std::to_string(trained++))) < kTolerance);
  }
  CHECK_FALSE(fixture.has(prefix + std::to_string(trained)));
  CHECK_FALSE(fixture.has(moving + std::to_string(moved)));
}

// The inputs are the kernels of Dense layers behind a batch that is the identity matrix: so the network's own
// backward pass gives the gradients by the inputs, exactly, as those of kernels.
void check_layer(const Fixture& fixture, const json& spec, const std::string& backend) {
  const std::string name = spec.at("name");
  const std::int64_t samples = spec.at("samples");
  test::Random random(spec.at("seed"));

  Functional model;
  model.set_backend(make_backend(backend));
  const Node batch = model.input({samples});
  std::vector<Node> inputs;
  std::vector<Layer*> sources;
  for (const json& extents : spec.at("input_shapes")) {
    const Shape shape = test::to_shape(extents);
    auto source = std::make_unique<Dense>(DenseOptions{.units = shape.elements(), .use_bias = false});
    sources.push_back(source.get());
    inputs.push_back(model.add(std::move(source), {batch}));
    if (shape.rank() > 1)
      inputs.back() =
          model.add(Reshape({.target_shape = shape, .name = "source_shape_" + std::to_string(inputs.size())}),
                    {inputs.back()});
  }
  auto made = test::make_layer(spec);
  Layer& layer = *made;
  model.set_outputs({model.add(std::move(made), inputs)});

  for (Layer* source : sources)
    fill(source->parameters()[0].value.view(), draw_input(random, source->parameters()[0].value.elements()));
  draw_weights(random, layer);

  Executor executor(model, samples, Executor::Use::training);
  fill(executor.input(samples), identity(samples));
  if (fixture.has(name + "/inference")) {
    executor.forward({.training = false});
    CHECK(relative_error(to_vector(executor.output()), fixture.values(name + "/inference")) < kTolerance);
  }
  executor.forward({.training = true});
  REQUIRE(executor.output().shape == fixture.shape(name + "/output"));
  CHECK(relative_error(to_vector(executor.output()), fixture.values(name + "/output")) < kTolerance);
  fill(executor.output_gradient(), random.values(executor.output().elements(), kWeightLimit, kUnit));
  executor.backward({.training = true});
  for (std::size_t i = 0; i < sources.size(); ++i) {
    CAPTURE(i);
    REQUIRE(executor.trainable()[i] == &sources[i]->parameters()[0]);
    CHECK(relative_error(to_vector(executor.gradients()[i]),
                         fixture.values(name + "/inputs/" + std::to_string(i))) < kTolerance);
  }
  check_parameters(fixture, name + "/weights/", name + "/moving/", layer, executor.trainable(),
                   executor.gradients());
}

}  // namespace

TEST_CASE(
    "Each layer equals Keras with its options: outputs, gradients by inputs and weights, moving statistics") {
  const Fixture fixture("layers.safetensors");
  REQUIRE(fixture.cases().size() == 203);
  for (const std::string backend : kBackends)
    for (const json& spec : fixture.cases()) {
      INFO(backend, ", ", spec.at("name").get<std::string>());
      check_layer(fixture, spec, backend);
    }
}

TEST_CASE("A graph with two inputs, shared values and two outputs equals Keras: outputs and every gradient") {
  const Fixture fixture("graph.safetensors");
  const json& spec = fixture.cases().at(0);
  const std::int64_t samples = spec.at("samples");
  for (const std::string backend : kBackends) {
    INFO(backend);
    Functional model;
    model.set_backend(make_backend(backend));
    std::map<std::string, Node> nodes;
    std::vector<std::pair<std::string, Layer*>> layers;
    std::vector<Node> outputs;
    for (const json& input : spec.at("inputs"))
      nodes[input.at("name")] = model.input(test::to_shape(input.at("shape")));
    for (const json& node : spec.at("nodes")) {
      std::vector<Node> inputs;
      for (const std::string input : node.at("inputs")) inputs.push_back(nodes.at(input));
      auto layer = test::make_layer(node);
      layers.emplace_back(node.at("name"), layer.get());
      nodes[node.at("name")] = model.add(std::move(layer), inputs);
    }
    for (const std::string output : spec.at("outputs")) outputs.push_back(nodes.at(output));
    model.set_outputs(outputs);

    Executor executor(model, samples, Executor::Use::training);
    test::Random random(spec.at("seed"));
    for (std::size_t i = 0; i < spec.at("inputs").size(); ++i) {
      const TensorView input = executor.input(samples, i);
      fill(input, draw_input(random, input.elements()));
    }
    for (const auto& [name, layer] : layers) draw_weights(random, *layer);
    for (const bool training : {false, true}) {
      CAPTURE(training);
      executor.forward({.training = training});
      for (std::size_t i = 0; i < outputs.size(); ++i)
        CHECK(relative_error(to_vector(executor.output(i)),
                             fixture.values((training ? "graph/output/" : "graph/inference/") +
                                            std::to_string(i))) < kTolerance);
    }
    for (std::size_t i = 0; i < outputs.size(); ++i)
      fill(executor.output_gradient(i), random.values(executor.output(i).elements(), kWeightLimit, kUnit));
    executor.backward({.training = true});
    for (const auto& [name, layer] : layers) {
      CAPTURE(name);
      check_parameters(fixture, "graph/weights/" + name + "/",
                       name == "normal" ? "graph/moving/" : "graph/none/", *layer, executor.trainable(),
                       executor.gradients());
    }
  }
}
