#include "train.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

#include "../course_data.hpp"
#include "../platform.hpp"
#include "train_room.hpp"

namespace neurona::app {
namespace {

constexpr double kNewsInterval = 0.1;  // seconds between frames and events of training: numbers must stay readable

std::string_view name_of(Experiment::Status status) {
  constexpr std::string_view kNames[] = {"no_data", "ready", "running", "paused", "finished", "stopped_early", "failed"};
  return kNames[std::size_t(status)];
}

nlohmann::json training_json(const Experiment& lab) {
  nlohmann::json json = {{"status", name_of(lab.status())}, {"error", lab.error()}, {"pending", lab.pending()}};
  if (const TrainingState* state = lab.state()) {
    json["epoch"] = lab.epochs_ended();
    json["epochs"] = state->epochs;
    json["batch"] = state->batch;
    json["batches"] = state->batches;
    json["validating"] = lab.validating();
    json["moment"] = lab.moment();
    json["trained"] = lab.trained();
    json["visiting"] = lab.is_visiting();
    json["traveling"] = lab.going_to().has_value();
    json["samples_per_second"] = std::round(lab.samples_per_second());
    // Between two epochs the numbers are those of the one that ended.
    const bool between = state->batch == 0 && !lab.history().epochs.empty();
    for (const auto& [name, value] : between ? lab.history().epochs.back() : state->logs) json[name] = value;
  }
  if (const std::size_t ended = lab.epochs_ended(); ended > 0 && lab.epochs()[ended - 1].has_validation) {
    json["val_loss"] = lab.epochs()[ended - 1].val_loss;
    json["val_accuracy"] = lab.epochs()[ended - 1].val_accuracy;
  }
  const Judgement& j = lab.judgement();
  json["evaluating"] = lab.evaluating();
  if (j.complete)
    json["test_loss"] = j.loss, json["test_accuracy"] = j.accuracy, json["test_current"] = lab.judgement_current();
  return json;
}

class TrainLesson : public Lesson {
 public:
  TrainLesson() {
    for (const auto make : {make_data_step, make_build_step, make_compile_step, make_fit_step, make_stopping_step,
                            make_evaluate_step, make_exams_step})
      add_step(make(room_, values()));
  }
  std::string_view id() const override { return "train"; }
  void apply(Services&) override {
    room_.run().set_settings(room_.settings());
    room_.view.apply();
  }

  bool work(Services& services, double budget_ms) override {
    Experiment& lab = room_.run();
    if (wish_ == "embedded") services.data.use_embedded();
    if (wish_ == "retry") services.data.retry();
    wish_ = {};
    const CourseData& data = services.data;
    if (data.status() == CourseData::Status::ready && data.train().get() != lab.train_images())
      lab.set_data(data.train(), data.test());
    const Experiment::Status before = lab.status();
    const bool more = room_.runs.advance(budget_ms);
    room_.view.follow();
    const double now = services.platform.now_seconds();
    if (lab.revision() != told_ && (lab.status() != before || !more || now - told_at_ > kNewsInterval)) {
      told_ = lab.revision(), told_at_ = now;
      services.platform.emit("training", training_json(lab).dump());
      services.ui.request_frames(1);
    }
    return more;
  }

  std::string state_json(Services&) override {
    return nlohmann::json{{"training", training_json(room_.run())}}.dump();
  }

 private:
  void act(std::string_view action) {
    using Goal = Experiment::Goal;
    if (action == "play") room_.run().start(Goal::run);
    else if (action == "pause") room_.run().pause();
    else if (action == "batch") room_.run().start(Goal::batch);
    else if (action == "epoch") room_.run().start(Goal::epoch);
    else if (action == "reset") room_.runs.reset();
    else if (action == "branch") room_.runs.branch(), room_.view.follow();
    else if (action == "evaluate") room_.run().evaluate();
    else wish_ = action;  // about the data: with the next work
  }

  TrainRoom room_{values()};
  Action training_{values(),
                   {.name = "training", .options = {"play", "pause", "batch", "epoch", "reset", "evaluate", "branch", "embedded", "retry"}},
                   [this](std::string_view action) { act(action); }};
  std::string_view wish_;
  int told_ = -1;  // the lab's revision that was told last
  double told_at_ = -1;
};

}  // namespace

std::unique_ptr<Lesson> make_train_lesson() { return std::make_unique<TrainLesson>(); }

}  // namespace neurona::app
