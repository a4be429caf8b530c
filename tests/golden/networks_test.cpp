// The tutorial's networks with BatchNormalization and convolutions against the fixtures.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "backend/backend.hpp"
#include "golden/compare.hpp"
#include "golden/fixture.hpp"
#include "golden/random.hpp"
#include "model/executor.hpp"
#include "neurona/train.hpp"
#include "train/batches.hpp"

using namespace neurona;
using nlohmann::json;
using test::Fixture;
using test::kBackends;
using test::kTolerance;
using test::loss_error;
using test::minus;
using test::relative_error;
using test::to_vector;

namespace {

Sequential make_model(const json& spec, const std::string& backend) {
  Sequential model;
  model.set_backend(make_backend(backend));
  for (const json& layer : spec.at("layers"))
    model.add(test::make_layer(layer, model.size() == 0 ? test::to_shape(spec.at("input_shape")) : Shape()));
  test::Random random(spec.at("seed"));
  std::vector<Tensor> weights;
  for (const json& weight : spec.at("weights")) {
    Tensor& tensor = weights.emplace_back(test::to_shape(weight.at("shape")));
    const std::vector<double> drawn =
        random.values(tensor.elements(), weight.at("limit"), spec.at("unit"), weight.at("offset"));
    for (std::size_t i = 0; i < drawn.size(); ++i) tensor.set(static_cast<std::int64_t>(i), drawn[i]);
  }
  model.set_weights(weights);
  model.compile({.loss = make_loss(spec.at("loss").get<std::string>()),
                 .optimizer = SGD({.learning_rate = spec.at("learning_rate")})});
  return model;
}

// The images of another fixture.
Dataset make_images(const json& spec) {
  const Fixture fixture(spec.at("images").get<std::string>() + ".safetensors");
  return test::make_dataset(fixture, fixture.cases().at(0));
}

// Where changes are smaller than this share of the weights, the rounding of the weights shows in them: three
// steps on either side round by up to 6 * 2^-25, which is half of kTolerance of this share.
constexpr double kRoundedShare = 1.0 / 256.0;

// A tensor whose fixture holds all of it, or of a large one some elements and signed sums of all rows and
// columns, which every element enters (generate/networks.mjs).
void check_tensor(const Fixture& fixture, const std::string& name, const json& weight,
                  const std::vector<double>& values, double small_scale, double least) {
  if (!weight.contains("witness")) {
    CHECK(relative_error(values, fixture.values(name), small_scale, least) < kTolerance);
    return;
  }
  const json& witness = weight.at("witness");
  const auto size = static_cast<std::int64_t>(values.size());
  const std::size_t columns = witness.at("columns");
  test::Random random(witness.at("seed"));
  std::vector<double> picked(witness.at("picked").get<std::size_t>());
  for (double& value : picked) value = values[static_cast<std::size_t>(random.below(size))];
  std::vector<double> row_sums(values.size() / columns), column_sums(columns);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double value = random.below(2) == 0 ? values[i] : -values[i];
    row_sums[i / columns] += value;
    column_sums[i % columns] += value;
  }
  // The rounding of n terms with random signs is that of one, times the root of n.
  const auto least_of_sum = [&](std::size_t terms) { return least * std::sqrt(static_cast<double>(terms)); };
  CHECK(relative_error(picked, fixture.values(name + "/picked"), small_scale, least) < kTolerance);
  CHECK(relative_error(row_sums, fixture.values(name + "/rows"), small_scale, least_of_sum(columns)) <
        kTolerance);
  CHECK(relative_error(column_sums, fixture.values(name + "/columns"), small_scale,
                       least_of_sum(row_sums.size())) < kTolerance);
}

void check_output(const Fixture& fixture, const json& spec, Model& model, const Dataset& data) {
  const std::vector<double> output = to_vector(model.predict(data.slice(0, spec.at("batch_size"))).view());
  CHECK(relative_error(output, fixture.values(spec.at("name").get<std::string>() + "/output")) < kTolerance);
}

void check_gradients(const Fixture& fixture, const json& spec, Model& model, const Dataset& data) {
  const std::int64_t batch_size = spec.at("batch_size");
  Executor executor(model, batch_size, Executor::Use::training);
  Batches batches(data, executor);
  batches.start_plain();
  REQUIRE(batches.next() == batch_size);
  const Executor::Pass pass{.training = true, .logits = wants_logits(model)};
  executor.forward(pass);
  model.compile_options().loss->evaluate(model.backend(), executor.output(), pass.logits, batches.targets(),
                                         executor.output_gradient());
  executor.backward(pass);
  std::size_t trained = 0;
  for (std::size_t i = 0; i < spec.at("weights").size(); ++i) {
    CAPTURE(i);
    const json& weight = spec.at("weights")[i];
    if (!weight.at("trainable")) continue;
    REQUIRE(trained < executor.gradients().size());
    check_tensor(fixture, spec.at("name").get<std::string>() + "/gradients/" + std::to_string(i), weight,
                 to_vector(executor.gradients()[trained++]), test::kSmallScale, 0.0);
  }
  CHECK(trained == executor.gradients().size());
}

// An epoch of SGD: the loss of each batch, and what became of weights and moving statistics.
void check_epoch(const Fixture& fixture, const json& spec, Model& model, const Dataset& data) {
  const std::string name = spec.at("name");
  const std::vector<Tensor> before = model.get_weights();
  FitJob job(model, data, {.batch_size = spec.at("batch_size"), .shuffle = false});
  std::vector<double> losses;
  bool more = true;
  while (more) {
    more = job.step();
    losses.push_back(job.state().batch_loss);
  }
  CHECK(loss_error(losses, fixture.values(name + "/losses")) < kTolerance);
  const std::vector<Tensor> after = model.get_weights();
  REQUIRE(after.size() == spec.at("weights").size());
  for (std::size_t i = 0; i < after.size(); ++i) {
    CAPTURE(i);
    // The changes, which are small beside the weights: their rounding is that of the weights, so they are
    // compared with the largest of them.
    const std::vector<double> old = to_vector(before[i].view());
    check_tensor(fixture, name + "/changes/" + std::to_string(i), spec.at("weights")[i],
                 minus(to_vector(after[i].view()), old), 1.0, kRoundedShare * test::largest(old));
  }
}

void check_network(const std::string& file, const std::string& backend) {
  const Fixture fixture(file);
  const json& spec = fixture.cases().at(0);
  INFO(backend, ", ", file);
  const Dataset data = make_images(spec);
  Sequential model = make_model(spec, backend);
  check_output(fixture, spec, model, data);
  check_gradients(fixture, spec, model, data);
  // The pass above moved the moving statistics: begin again.
  Sequential fresh = make_model(spec, backend);
  check_epoch(fixture, spec, fresh, data);
}

}  // namespace

TEST_CASE(
    "The improved MLP equals Keras: first output, losses, all gradients, weights and moving statistics after "
    "three steps") {
  for (const char* backend : kBackends) check_network("mlp-improved.safetensors", backend);
}

TEST_CASE(
    "The CNN equals Keras: first output, losses, all gradients, weights and moving statistics after three "
    "steps") {
  for (const char* backend : kBackends) check_network("cnn.safetensors", backend);
}

TEST_CASE("Ten training losses of a convolutional network equal those of Keras") {
  for (const char* backend : kBackends) check_network("conv-trajectory.safetensors", backend);
}
