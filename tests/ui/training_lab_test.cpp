// The laboratory of the lesson "Build, train, evaluate": what works at once, what waits, what is shown of a run.
#include "training_lab.hpp"

#include <doctest/doctest.h>

#include "neurona/data/embedded_digits.hpp"

using namespace neurona;
using namespace neurona::app;

namespace {

/// A laboratory with `count` images to train on.
TrainingLab& with_data(TrainingLab& lab, int count = 640) {
  lab.set_data(std::make_shared<const ImageSet>(data::embedded_digits({.count = count, .first = 0, .seed = 1})),
               std::make_shared<const ImageSet>(data::embedded_digits({.count = 200, .first = 0, .seed = 2})));
  while (lab.advance(5)) {
  }
  return lab;
}

void work(TrainingLab& lab) {
  while (lab.advance(5)) {
  }
}

}  // namespace

TEST_CASE("The laboratory shares its images with whoever has them") {
  TrainingLab lab;
  CHECK(!lab.has_data());
  const auto digits = std::make_shared<const ImageSet>(data::embedded_digits({.count = 100, .first = 0, .seed = 1}));
  lab.set_data(digits, digits);
  CHECK(lab.status() == TrainingLab::Status::ready);
  CHECK(digits.use_count() >= 5);  // ours, the laboratory's two, its two Datasets'
}

TEST_CASE("What takes effect on reset waits for the reset, through pause and play") {
  TrainingLab lab;
  with_data(lab);
  lab.start(TrainingLab::Goal::epoch);
  work(lab);
  REQUIRE(lab.epochs().size() == 1);
  TrainingSettings s = lab.settings();
  s.units = 17;
  lab.set_settings(s);
  CHECK(lab.pending());
  lab.start(TrainingLab::Goal::batch);
  work(lab);
  CHECK(lab.epochs().size() == 1);  // the same run
  CHECK(lab.applied().units == 100);
  s.units = 100;
  lab.set_settings(s);
  CHECK(!lab.pending());  // back to what runs: nothing waits
  s.units = 17;
  lab.set_settings(s);
  lab.reset();
  CHECK(!lab.pending());
  CHECK(lab.applied().units == 17);
  CHECK(lab.epochs().empty());
}

TEST_CASE("A finished run starts anew with what waits; more epochs work at once") {
  TrainingLab lab;
  with_data(lab);
  TrainingSettings s = lab.settings();
  s.epochs = 2, s.early_stopping = false;
  lab.set_settings(s);
  lab.start(TrainingLab::Goal::epoch);
  work(lab);
  s.epochs = 3;
  lab.set_settings(s);
  CHECK(!lab.pending());
  lab.start(TrainingLab::Goal::run);
  work(lab);
  CHECK(lab.status() == TrainingLab::Status::finished);
  CHECK(lab.epochs().size() == 3);
  s.seed = 2;
  lab.set_settings(s);
  CHECK(lab.pending());
  lab.start(TrainingLab::Goal::batch);
  work(lab);
  CHECK(!lab.pending());
  CHECK(lab.epochs().empty());
}

TEST_CASE("A judgement is of the weights that were judged") {
  TrainingLab lab;
  with_data(lab);
  lab.start(TrainingLab::Goal::epoch);
  work(lab);
  lab.evaluate();
  work(lab);
  CHECK(lab.judgement_current());
  lab.start(TrainingLab::Goal::batch);
  work(lab);
  CHECK(lab.judgement().complete);
  CHECK(!lab.judgement_current());
}

TEST_CASE("Early stopping: the marks are those of the epoch whose weights the network has") {
  for (const bool restore : {false, true}) {
    TrainingLab lab;
    with_data(lab);
    TrainingSettings s = lab.settings();
    s.learning_rate = 4, s.epochs = 50, s.restore_best_weights = restore, s.validation_split = 0.2;
    lab.set_settings(s);
    CHECK(lab.weights_epoch() == nullptr);
    lab.start(TrainingLab::Goal::run);
    work(lab);
    REQUIRE(lab.status() == TrainingLab::Status::stopped_early);
    REQUIRE(lab.best_epoch() < lab.stopped_epoch());
    CHECK(lab.weights_epoch()->epoch == float(restore ? lab.best_epoch() : lab.stopped_epoch()));
  }
}

TEST_CASE("A run that ends by its epochs has the weights of the best one, if these were to be restored") {
  for (const bool restore : {false, true}) {
    TrainingLab lab;
    with_data(lab);
    TrainingSettings s = lab.settings();
    s.learning_rate = 4, s.epochs = 10, s.patience = 10, s.restore_best_weights = restore, s.validation_split = 0.2;
    lab.set_settings(s);
    lab.start(TrainingLab::Goal::run);
    work(lab);
    REQUIRE(lab.status() == TrainingLab::Status::finished);
    const EpochPoint* best = &lab.epochs().front();
    for (const EpochPoint& epoch : lab.epochs())
      if (epoch.val_loss < best->val_loss) best = &epoch;
    REQUIRE(best != &lab.epochs().back());
    CHECK(lab.weights_epoch() == (restore ? best : &lab.epochs().back()));
  }
}

TEST_CASE("Early stopping without validation data says so and does not count as stopped") {
  TrainingLab lab;
  with_data(lab);
  TrainingSettings s = lab.settings();
  s.validation_split = 0, s.epochs = 2;
  lab.set_settings(s);
  CHECK(!lab.cannot_stop());
  lab.start(TrainingLab::Goal::run);
  work(lab);
  CHECK(lab.cannot_stop());
  CHECK(lab.status() == TrainingLab::Status::finished);
}
