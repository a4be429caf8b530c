// The training lesson while the network learns: curves, weights, stopping.
#include <algorithm>

#include "../data_notice.hpp"
#include "../platform.hpp"
#include "../widgets/callout.hpp"
#include "../widgets/controls.hpp"
#include "../widgets/heat_map.hpp"
#include "train_room.hpp"

namespace neurona::app {
namespace {

constexpr float kNarrow = 560;
constexpr double kWeightsInterval = 0.25;  // seconds between new pictures of the weights while training
constexpr float kGoodAccuracy = 0.95f;

/// A step with a run: its bar steers it, its mirror tells how it goes.
class RunStep : public Step {
 public:
  explicit RunStep(TrainRoom& room) : room_(room) {}
  Block bar(StepContext& c) override { return room_.run_bar(c); }

  std::string spoken(StepContext& c) override {
    const TrainingLab& lab = room_.lab;
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
    const auto& epochs = room_.lab.epochs();
    return std::any_of(epochs.begin(), epochs.end(), [](const EpochPoint& p) { return p.has_validation && p.val_accuracy >= kGoodAccuracy; });
  }

  Block stage(StepContext& c) override {
    std::vector<Block> parts, curves, below;
    curves.push_back(room_.curve(c, false));
    curves.push_back(room_.curve(c, true));
    below.push_back(hidden_neurons(c));
    below.push_back(room_.log(c));
    parts.push_back(data_notice(c));
    parts.push_back(room_.run_buttons(c));
    parts.push_back(room_.settings_of(c, {&room_.learning_rate, &room_.batch_size, &room_.validation_split, &room_.epochs, &room_.seed}));
    parts.push_back(room_.trouble(c));
    parts.push_back(row(std::move(curves), {.fold_below = kNarrow}).sharing(0.6f));
    parts.push_back(row(std::move(below), {.fold_below = kNarrow}).sharing(0.4f));
    return stage_of(c, std::move(parts));
  }

 private:
  Block hidden_neurons(const StepContext& c) {
    const std::string reading = std::to_string(shown_) + " " + c.word("of") + " " + std::to_string(room_.lab.applied().units);
    return card(c.ui, c.word("hidden"), shown_ > 0 ? reading : std::string(), block(96, [this, &c](Rect in) { draw_neurons(c.ui, in); }));
  }

  void draw_neurons(Ui& ui, Rect in) {
    const TrainingLab& lab = room_.lab;
    if (!lab.has_data()) return;
    const int units = lab.applied().units;
    const GalleryLayout layout = gallery_layout(in.w, in.h, units, 34, 58, 6);
    const int shown = std::clamp(layout.shown, 1, units);
    const bool due = lab.revision() != revision_ && (ui.time() - time_ > kWeightsInterval || lab.status() != TrainingLab::Status::running);
    if (due || shown != shown_ || dark_ != ui.theme().dark) {
      if (shown != shown_) ui.request_frames(1);  // the card's reading tells it
      std::vector<float> all(std::size_t(shown) * 784), one;
      for (int i = 0; i < shown; ++i) {
        lab.hidden_weights(i, one);
        std::copy(one.begin(), one.end(), all.begin() + std::ptrdiff_t(i) * 784);
      }
      weights_.update(ui.theme(), all, shown, 28, 28, Scale::diverging);
      revision_ = lab.revision(), time_ = ui.time(), shown_ = shown, dark_ = ui.theme().dark;
    }
    for (int i = 0; i < std::min(shown, layout.shown); ++i) weights_.draw(ui, i, gallery_cell(in, layout, i), 6);
  }

  ImageSheet weights_;
  int revision_ = -1, shown_ = 0;
  double time_ = -1;
  bool dark_ = false;
};

class StoppingStep : public RunStep {
 public:
  using RunStep::RunStep;
  std::string_view id() const override { return "early-stopping"; }
  bool done(StepContext&) override { return room_.lab.status() == TrainingLab::Status::stopped_early; }

  Block stage(StepContext& c) override {
    std::vector<Block> parts;
    parts.push_back(data_notice(c));
    parts.push_back(room_.run_buttons(c));
    parts.push_back(room_.settings_of(c, {&room_.learning_rate, &room_.units, &room_.epochs, &room_.patience, &room_.early_stopping,
                                          &room_.restore_best_weights}));
    parts.push_back(room_.trouble(c));
    parts.push_back(outcome(c));
    parts.push_back(room_.curve(c, false).sharing(0.7f));
    parts.push_back(room_.log(c).sharing(0.3f).at_most(200));
    return stage_of(c, std::move(parts));
  }

 private:
  /// How the run ended, once it has.
  Block outcome(const StepContext& c) const {
    const TrainingLab& lab = room_.lab;
    if (lab.status() == TrainingLab::Status::finished) return callout_block(c.ui, c.word("ran_out"), CalloutKind::note);
    if (lab.status() != TrainingLab::Status::stopped_early) return {};
    const std::string text = c.word("stopped_at") + " **" + std::to_string(lab.stopped_epoch()) + "** · " + c.word("best_at") + " **" +
                             std::to_string(lab.best_epoch()) + "**";
    return callout_block(c.ui, text, CalloutKind::passed);
  }
};

}  // namespace

std::unique_ptr<Step> make_fit_step(TrainRoom& room, Values&) { return std::make_unique<FitStep>(room); }
std::unique_ptr<Step> make_stopping_step(TrainRoom& room, Values&) { return std::make_unique<StoppingStep>(room); }

}  // namespace neurona::app
