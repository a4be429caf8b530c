// The training lesson while the network learns: curves, weights, stopping.
#include <algorithm>

#include "../data_notice.hpp"
#include "../widgets/callout.hpp"
#include "train_room.hpp"

namespace neurona::app {
namespace {

constexpr float kNarrow = 560;
constexpr float kGoodAccuracy = 0.95f;

/// A step with a run: its bar steers it, its mirror tells how it goes.
class RunStep : public Step {
 public:
  explicit RunStep(TrainRoom& room) : room_(room) {}
  Block bar(StepContext& c) override { return room_.view.bar(c, room_.on_new_seed()); }

  std::string spoken(StepContext& c) override {
    const Experiment& lab = room_.run();
    if (lab.epochs().empty()) return {};
    const EpochPoint& p = lab.epochs().back();
    const Language l = c.ui.language();
    return c.word("epoch") + " " + std::to_string(int(p.epoch)) + ": " + c.word("spoken_loss") + " " + format_number(double(p.loss), 2, l) +
           ", " + c.word("spoken_accuracy") + " " + format_percent(double(p.accuracy), 1, l) + ".";
  }

 protected:
  TrainRoom& room_;
};

class FitStep : public RunStep {
 public:
  using RunStep::RunStep;
  std::string_view id() const override { return "fit"; }
  bool done(StepContext&) override {
    const auto& epochs = room_.run().epochs();
    return std::any_of(epochs.begin(), epochs.end(), [](const EpochPoint& p) { return p.has_validation && p.val_accuracy >= kGoodAccuracy; });
  }

  Block stage(StepContext& c) override {
    std::vector<Block> parts, curves, below;
    curves.push_back(room_.view.curve(c, false));
    curves.push_back(room_.view.curve(c, true));
    below.push_back(room_.view.weights(c));
    below.push_back(room_.view.log(c));
    parts.push_back(data_notice(c));
    parts.push_back(room_.view.buttons(c, room_.on_new_seed()));
    parts.push_back(room_.settings_of(c, {&room_.learning_rate, &room_.batch_size, &room_.validation_split, &room_.epochs, &room_.seed}));
    parts.push_back(room_.view.trouble(c));
    parts.push_back(row(std::move(curves), {.fold_below = kNarrow}).sharing(0.6f));
    parts.push_back(room_.view.track(c));
    parts.push_back(row(std::move(below), {.fold_below = kNarrow}).sharing(0.4f));
    return stage_of(c, std::move(parts));
  }
};

class StoppingStep : public RunStep {
 public:
  using RunStep::RunStep;
  std::string_view id() const override { return "early-stopping"; }
  bool done(StepContext&) override { return room_.run().status() == Experiment::Status::stopped_early; }

  Block stage(StepContext& c) override {
    std::vector<Block> parts;
    parts.push_back(data_notice(c));
    parts.push_back(room_.view.buttons(c, room_.on_new_seed()));
    parts.push_back(room_.settings_of(c, {&room_.learning_rate, &room_.units, &room_.epochs, &room_.patience, &room_.early_stopping,
                                          &room_.restore_best_weights}));
    parts.push_back(room_.view.trouble(c));
    parts.push_back(outcome(c));
    parts.push_back(room_.view.curve(c, false).sharing(0.7f));
    parts.push_back(room_.view.log(c).sharing(0.3f).at_most(200));
    return stage_of(c, std::move(parts));
  }

 private:
  /// How the run ended, once it has.
  Block outcome(const StepContext& c) const {
    const Experiment& lab = room_.run();
    if (lab.status() == Experiment::Status::finished) return callout_block(c.ui, c.word("ran_out"), CalloutKind::note);
    if (lab.status() != Experiment::Status::stopped_early) return {};
    const std::string text = c.word("stopped_at") + " **" + std::to_string(lab.stopped_epoch()) + "** · " + c.word("best_at") + " **" +
                             std::to_string(lab.best_epoch()) + "**";
    return callout_block(c.ui, text, CalloutKind::passed);
  }
};

}  // namespace

std::unique_ptr<Step> make_fit_step(TrainRoom& room, Values&) { return std::make_unique<FitStep>(room); }
std::unique_ptr<Step> make_stopping_step(TrainRoom& room, Values&) { return std::make_unique<StoppingStep>(room); }

}  // namespace neurona::app
