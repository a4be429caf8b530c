// The library against an independent implementation of Keras: see README.md, also for how errors are
// measured.
#include <doctest/doctest.h>

#include <algorithm>

#include "backend/backend.hpp"
#include "golden/compare.hpp"
#include "golden/fixture.hpp"
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

// Of the first kernel of images the fixture holds only the rows (inputs) that some pixel reaches. The rest is
// `elsewhere`: zero gradients, unchanged weights.
std::vector<double> expected(const Fixture& fixture, const std::string& name, const std::string& tensor,
                             std::size_t i, std::vector<double> elsewhere) {
  const std::string full_name = name + "/" + tensor + "/" + std::to_string(i);
  const std::vector<double> stored = fixture.values(full_name);
  if (i > 0 || !fixture.has(name + "/rows")) return stored;
  const auto units = static_cast<std::size_t>(fixture.shape(full_name)[1]);
  const std::vector<double> rows = fixture.values(name + "/rows");
  for (std::size_t r = 0; r < rows.size(); ++r)
    std::copy_n(stored.begin() + static_cast<std::ptrdiff_t>(r * units), units,
                elsewhere.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(rows[r]) * units));
  return elsewhere;
}

void check_first_output(const Fixture& fixture, const json& spec, Model& model) {
  const std::string name = spec.at("name");
  const std::vector<double> output = fixture.values(name + "/output");
  const Dataset first = test::make_dataset(fixture, spec).slice(0, fixture.shape(name + "/output")[0]);
  CHECK(relative_error(to_vector(model.predict(first).view()), output) < kTolerance);
}

void check_first_gradients(const Fixture& fixture, const json& spec, Model& model) {
  const std::string name = spec.at("name");
  const std::int64_t batch_size =
      std::min(spec.at("batch_size").get<std::int64_t>(), spec.at("samples").get<std::int64_t>());
  Executor executor(model, batch_size, Executor::Use::training);
  Batches batches(test::make_dataset(fixture, spec), executor);
  batches.start_plain();
  REQUIRE(batches.next() == batch_size);
  const Executor::Pass pass{.training = true, .logits = wants_logits(model)};
  executor.forward(pass);
  const double sum = model.compile_options().loss->evaluate(model.backend(), executor.output(), pass.logits,
                                                            batches.targets(), executor.output_gradient());
  CHECK(loss_error({{sum / static_cast<double>(batch_size)}}, {{fixture.values(name + "/losses")[0]}}) <
        kTolerance);
  executor.backward(pass);
  REQUIRE(executor.gradients().size() == spec.at("weight_units").size());
  for (std::size_t i = 0; i < executor.gradients().size(); ++i) {
    CAPTURE(i);
    const std::vector<double> gradient = to_vector(executor.gradients()[i]);
    const std::vector<double> zeros(gradient.size());
    CHECK(relative_error(gradient, expected(fixture, name, "gradients", i, zeros)) < kTolerance);
  }
}

void check_weights(const Fixture& fixture, const std::string& name, const std::vector<Tensor>& before,
                   const std::vector<Tensor>& after) {
  for (std::size_t i = 0; i < after.size(); ++i) {
    CAPTURE(i);
    const std::vector<double> old = to_vector(before[i].view()), is = to_vector(after[i].view());
    const std::vector<double> should = expected(fixture, name, "after", i, old);
    CHECK(relative_error(is, should) < kTolerance);
    // The steps themselves, which are small beside the weights. Their rounding is that of the weights, so
    // they are compared with the largest of them.
    CHECK(relative_error(minus(is, old), minus(should, old), 1.0) < kTolerance);
  }
}

void check_epoch(const Fixture& fixture, const json& spec, Model& model) {
  const std::string name = spec.at("name");
  const std::vector<Tensor> before = model.get_weights();
  FitJob job(model, test::make_dataset(fixture, spec),
             {.batch_size = spec.at("batch_size"), .shuffle = false});
  std::vector<double> losses;
  bool more = true;
  while (more) {
    more = job.step();
    losses.push_back(job.state().batch_loss);
  }
  CHECK(loss_error(losses, fixture.values(name + "/losses")) < kTolerance);
  check_weights(fixture, name, before, model.get_weights());
}

// First output, first gradients, and an epoch of every case of a file, on every backend.
void check_file(const std::string& file, std::size_t cases) {
  const Fixture fixture(file);
  REQUIRE(fixture.cases().size() == cases);
  for (const std::string backend : kBackends) {
    for (const json& spec : fixture.cases()) {
      INFO(backend, ", ", spec.at("name").get<std::string>());
      Sequential model = test::make_model(fixture, spec, backend);
      check_first_output(fixture, spec, model);
      check_first_gradients(fixture, spec, model);
      check_epoch(fixture, spec, model);
    }
  }
}

}  // namespace

TEST_CASE("The tutorial's MLP equals Keras: first output, loss, all gradients, weights after three steps") {
  check_file("mlp.safetensors", 1);
}

TEST_CASE(
    "Small networks equal Keras: each activation under both losses, momentum, Nesterov, ragged batches") {
  check_file("dense.safetensors", 20);
}

TEST_CASE("RMSprop, Adam and AdamW move as in Keras over seven steps, wherever epsilon and momentum stand") {
  check_file("optimizers.safetensors", 16);
}

TEST_CASE("Ten training losses of a run equal those of Keras") { check_file("trajectory.safetensors", 1); }

TEST_CASE(
    "fit equals Keras: losses and accuracies of five epochs, on training data and on the tail held out") {
  const Fixture fixture("fit.safetensors");
  const json& spec = fixture.cases().at(0);
  for (const std::string backend : kBackends) {
    INFO(backend);
    Sequential model = test::make_model(fixture, spec, backend);
    const std::vector<Tensor> before = model.get_weights();
    const History history =
        model.fit(test::make_dataset(fixture, spec), {.epochs = spec.at("epochs"),
                                                      .batch_size = spec.at("batch_size"),
                                                      .validation_split = spec.at("validation_split"),
                                                      .shuffle = false});
    for (const char* name : {"loss", "accuracy", "val_loss", "val_accuracy"}) {
      CAPTURE(name);
      CHECK(loss_error(history[name], fixture.values(std::string("fit/history/") + name)) < kTolerance);
    }
    check_weights(fixture, "fit", before, model.get_weights());
  }
}

TEST_CASE(
    "A loss beyond 100 is not clipped: log-sum-exp in float64, sample by sample, its gradient and a step") {
  const Fixture fixture("extreme.safetensors");
  const json& spec = fixture.cases().at(0);
  const std::vector<double> sample_losses = fixture.values("extreme/sample_losses");
  for (const std::string backend : kBackends) {
    INFO(backend);
    Sequential model = test::make_model(fixture, spec, backend);
    const Dataset data = test::make_dataset(fixture, spec);
    CHECK(model.evaluate(data).loss > 100.0);
    CHECK(loss_error(std::vector{model.evaluate(data).loss}, fixture.values("extreme/losses")) < kTolerance);
    std::vector<double> losses;
    for (std::int64_t n = 0; n < data.size(); ++n) losses.push_back(model.evaluate(data.slice(n, 1)).loss);
    CHECK(relative_error(losses, sample_losses) < kTolerance);
    check_first_gradients(fixture, spec, model);
    check_epoch(fixture, spec, model);
  }
}
