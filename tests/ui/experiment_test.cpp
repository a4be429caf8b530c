// The laboratory of the lesson "Build, train, evaluate": what works at once, what waits, what is shown of a run.
#include "experiment.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "neurona/data/embedded_digits.hpp"

using namespace neurona;
using namespace neurona::app;

namespace {

/// A laboratory with `count` images to train on.
Experiment& with_data(Experiment& run, int count = 640) {
  run.set_data(std::make_shared<const ImageSet>(data::embedded_digits({.count = count, .first = 0, .seed = 1})),
               std::make_shared<const ImageSet>(data::embedded_digits({.count = 200, .first = 0, .seed = 2})));
  while (run.advance(5)) {
  }
  return run;
}

void work(Experiment& run) {
  while (run.advance(5)) {
  }
}

}  // namespace

TEST_CASE("The laboratory shares its images with whoever has them") {
  Experiment run;
  CHECK(!run.has_data());
  const auto digits = std::make_shared<const ImageSet>(data::embedded_digits({.count = 100, .first = 0, .seed = 1}));
  run.set_data(digits, digits);
  CHECK(run.status() == Experiment::Status::ready);
  CHECK(digits.use_count() >= 5);  // ours, the laboratory's two, its two Datasets'
}

TEST_CASE("What takes effect on reset waits for the reset, through pause and play") {
  Experiment run;
  with_data(run);
  run.start(Experiment::Goal::epoch);
  work(run);
  REQUIRE(run.epochs().size() == 1);
  RunSettings s = run.settings();
  s.units = {17};
  run.set_settings(s);
  CHECK(run.pending());
  run.start(Experiment::Goal::batch);
  work(run);
  CHECK(run.epochs().size() == 1);  // the same run
  CHECK(run.applied().units[0] == 100);
  s.units = {100};
  run.set_settings(s);
  CHECK(!run.pending());  // back to what runs: nothing waits
  s.units = {17};
  run.set_settings(s);
  run.reset();
  CHECK(!run.pending());
  CHECK(run.applied().units[0] == 17);
  CHECK(run.epochs().empty());
}

TEST_CASE("A finished run starts anew with what waits; more epochs work at once") {
  Experiment run;
  with_data(run);
  RunSettings s = run.settings();
  s.epochs = 2, s.early_stopping = false;
  run.set_settings(s);
  run.start(Experiment::Goal::epoch);
  work(run);
  s.epochs = 3;
  run.set_settings(s);
  CHECK(!run.pending());
  run.start(Experiment::Goal::run);
  work(run);
  CHECK(run.status() == Experiment::Status::finished);
  CHECK(run.epochs().size() == 3);
  s.seed = 2;
  run.set_settings(s);
  CHECK(run.pending());
  run.start(Experiment::Goal::batch);
  work(run);
  CHECK(!run.pending());
  CHECK(run.epochs().empty());
}

TEST_CASE("A judgement is of the weights that were judged") {
  Experiment run;
  with_data(run);
  run.start(Experiment::Goal::epoch);
  work(run);
  run.evaluate();
  work(run);
  CHECK(run.judgement_current());
  run.start(Experiment::Goal::batch);
  work(run);
  CHECK(run.judgement().complete);
  CHECK(!run.judgement_current());
}

TEST_CASE("Early stopping: the marks are those of the epoch whose weights the network has") {
  for (const bool restore : {false, true}) {
    Experiment run;
    with_data(run);
    RunSettings s = run.settings();
    s.learning_rate = 4, s.epochs = 50, s.restore_best_weights = restore, s.validation_split = 0.2;
    run.set_settings(s);
    CHECK(run.weights_epoch() == nullptr);
    run.start(Experiment::Goal::run);
    work(run);
    REQUIRE(run.status() == Experiment::Status::stopped_early);
    REQUIRE(run.best_epoch() < run.stopped_epoch());
    CHECK(run.weights_epoch()->epoch == float(restore ? run.best_epoch() : run.stopped_epoch()));
  }
}

TEST_CASE("A run that ends by its epochs has the weights of the best one, if these were to be restored") {
  for (const bool restore : {false, true}) {
    Experiment run;
    with_data(run);
    RunSettings s = run.settings();
    s.learning_rate = 4, s.epochs = 10, s.patience = 10, s.restore_best_weights = restore, s.validation_split = 0.2;
    run.set_settings(s);
    run.start(Experiment::Goal::run);
    work(run);
    REQUIRE(run.status() == Experiment::Status::finished);
    const EpochPoint* best = &run.epochs().front();
    for (const EpochPoint& epoch : run.epochs())
      if (epoch.val_loss < best->val_loss) best = &epoch;
    REQUIRE(best != &run.epochs().back());
    CHECK(run.weights_epoch() == (restore ? best : &run.epochs().back()));
  }
}

TEST_CASE("Early stopping without validation data says so and does not count as stopped") {
  Experiment run;
  with_data(run);
  RunSettings s = run.settings();
  s.validation_split = 0, s.epochs = 2;
  run.set_settings(s);
  CHECK(!run.cannot_stop());
  run.start(Experiment::Goal::run);
  work(run);
  CHECK(run.cannot_stop());
  CHECK(run.status() == Experiment::Status::finished);
}

// ----------------------------------------------------------------------------------------------- time machine

namespace {

/// The bits of all weights.
std::vector<float> weights_of(const Experiment& run) {
  std::vector<float> out;
  for (const Tensor& tensor : run.model()->get_weights()) {
    const auto values = std::as_const(tensor).values();
    out.insert(out.end(), values.begin(), values.end());
  }
  return out;
}

void go_to(Experiment& run, std::int64_t batch) {
  run.visit(batch);
  work(run);
}

}  // namespace

TEST_CASE("Every moment of a run comes back bit for bit, back and forth, and so does its end") {
  // Little memory: most moments lie between two snapshots.
  Experiment run(1 << 20);
  with_data(run);
  RunSettings s = run.settings();
  s.epochs = 3, s.units = {20}, s.validation_split = 0.1, s.early_stopping = false;
  run.set_settings(s);
  std::vector<std::vector<float>> recorded = {weights_of(run)};
  std::vector<std::string> lines = {""};
  while (run.status() != Experiment::Status::finished) {
    run.start(Experiment::Goal::batch);
    work(run);
    if (run.trained() == 20) {  // takes effect at once, and again when one goes over it
      s.learning_rate = 0.4;
      run.set_settings(s);
    }
    if (std::int64_t(recorded.size()) == run.moment()) recorded.push_back(weights_of(run)), lines.push_back(run.log().back());
  }
  const std::int64_t end = run.trained();
  REQUIRE(end == 54);
  REQUIRE(recorded.size() >= 54);
  CHECK(run.shelf().all().size() > 3);
  CHECK(run.shelf().size_bytes() <= run.shelf().memory_bytes());
  const std::vector<float> last = weights_of(run);
  for (const std::int64_t batch : {53, 1, 19, 20, 21, 0, 36, 35, 37, 2}) {
    go_to(run, batch);
    CAPTURE(batch);
    CHECK(run.moment() == batch);
    CHECK(run.is_visiting());
    CHECK(weights_of(run) == recorded[std::size_t(batch)]);
    CHECK(run.epochs_ended() == std::size_t(batch / 18));
  }
  go_to(run, end);
  CHECK(!run.is_visiting());
  CHECK(run.status() == Experiment::Status::finished);
  CHECK(weights_of(run) == last);
  CHECK(run.epochs().size() == 3);
}

TEST_CASE("Playing from an earlier moment goes over what was trained, then on, as if nobody had looked back") {
  const auto trained = [](bool looks_back) {
    Experiment run;
    with_data(run);
    RunSettings s = run.settings();
    s.epochs = 2, s.units = {10};
    run.set_settings(s);
    run.start(Experiment::Goal::epoch);
    work(run);
    if (looks_back) go_to(run, 3);
    run.start(Experiment::Goal::run);
    work(run);
    CHECK(run.status() == Experiment::Status::finished);
    CHECK(run.x().size() == 38);  // nothing was recorded twice
    return weights_of(run);
  };
  CHECK(trained(false) == trained(true));
}

TEST_CASE("A branch with nothing changed ends as the run that it left; with another rate it does not") {
  Experiment run;
  with_data(run);
  RunSettings s = run.settings();
  s.epochs = 2, s.units = {10}, s.early_stopping = false;
  run.set_settings(s);
  run.start(Experiment::Goal::run);
  work(run);
  const std::vector<float> last = weights_of(run);
  go_to(run, 25);
  const std::unique_ptr<Experiment> same = run.branch();
  CHECK(same->moment() == 25);
  CHECK(same->begins() == doctest::Approx(25.0 / 19));
  same->start(Experiment::Goal::run);
  work(*same);
  CHECK(weights_of(*same) == last);
  go_to(*same, 10);  // its past is the older run's
  CHECK(same->moment() == 10);

  s.learning_rate = 1;
  run.set_settings(s);
  CHECK(run.pending());  // the past is not changed
  const std::unique_ptr<Experiment> faster = run.branch();
  CHECK(!faster->pending());
  faster->start(Experiment::Goal::run);
  work(*faster);
  CHECK(weights_of(*faster) != last);
  CHECK(faster->applied().learning_rate == 1);

  s.batch_size = 8;
  run.set_settings(s);
  const std::unique_ptr<Experiment> anew = run.branch();
  CHECK(weights_of(*anew) == weights_of(run));
  CHECK(anew->moment() == 0);
  CHECK(anew->moment_x() == doctest::Approx(25.0 / 19));
  anew->start(Experiment::Goal::epoch);
  work(*anew);
  CHECK(anew->epochs().back().epoch == doctest::Approx(1 + 25.0 / 19));
}

TEST_CASE("A judgement is of its moment: it is current again when one comes back") {
  Experiment run;
  with_data(run);
  run.start(Experiment::Goal::epoch);
  work(run);
  go_to(run, 5);
  run.evaluate();
  work(run);
  CHECK(run.judgement_current());
  go_to(run, 6);
  CHECK(!run.judgement_current());
  go_to(run, 5);
  CHECK(run.judgement_current());
}

TEST_CASE("A run that failed can be looked at as it was before") {
  Experiment run;
  with_data(run);
  RunSettings s = run.settings();
  s.activation = Activation::linear, s.learning_rate = 100;
  run.set_settings(s);
  run.start(Experiment::Goal::run);
  work(run);
  REQUIRE(run.status() == Experiment::Status::failed);
  const std::int64_t end = run.trained();
  REQUIRE(end > 0);
  go_to(run, 0);
  CHECK(run.moment() == 0);
  go_to(run, end);
  CHECK(run.status() == Experiment::Status::failed);
}

TEST_CASE("The library's networks train as experiments, too") {
  for (const char* network : {"mlp-improved", "lenet"}) {
    Experiment run;
    with_data(run, 96);
    RunSettings s = run.settings();
    s.network = network, s.epochs = 1, s.learning_rate = 0.01;
    run.set_settings(s);
    run.start(Experiment::Goal::run);
    work(run);
    CAPTURE(network);
    CHECK(run.status() == Experiment::Status::finished);
    const std::vector<float> last = weights_of(run);
    go_to(run, 1);
    CHECK(weights_of(run) != last);
    go_to(run, run.trained());
    CHECK(weights_of(run) == last);
  }
}

TEST_CASE("Snapshots are spread over the run within their memory, closer where the loss moves") {
  Experiment source;
  with_data(source, 64);
  RunSettings s = source.settings();
  s.units = {4};
  source.set_settings(s);
  source.start(Experiment::Goal::batch);
  work(source);
  const Snapshot& one = source.shelf().all().back().snapshot;
  SnapshotShelf shelf(one.size_bytes() * 12);
  for (std::int64_t batch = 0; batch <= 1000; ++batch)
    if (shelf.wants(batch, 1000)) shelf.keep(batch, 2.3 * std::exp(-double(batch) / 100), one);
  const auto& kept = shelf.all();
  CHECK(kept.size() == 12);
  CHECK(kept.front().batch == 0);
  CHECK(shelf.before(0)->batch == 0);
  CHECK(shelf.before(1000)->batch == kept.back().batch);
  const auto early = std::count_if(kept.begin(), kept.end(), [](const auto& k) { return k.batch <= 300; });
  CHECK(early >= 6);  // the loss falls there
  CHECK(early <= 11);
  for (std::size_t i = 1; i < kept.size(); ++i) CHECK(kept[i].batch - kept[i - 1].batch < 400);
}
