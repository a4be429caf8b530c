#include "train_room.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "../control_view.hpp"
#include "../widgets/callout.hpp"
#include "../widgets/controls.hpp"
#include "../widgets/log_view.hpp"
#include "../widgets/plot.hpp"

namespace neurona::app {
namespace {

constexpr float kSmoothing = 0.96f;
constexpr float kButtonsInBar = 1000;  // width of the window from which the step bar has room for all buttons

std::string_view status_key(const TrainingLab& lab) {
  using Status = TrainingLab::Status;
  switch (lab.status()) {
    case Status::running: return lab.validating() ? "status_validating" : "status_running";
    case Status::paused: return "status_paused";
    case Status::finished: return "status_finished";
    case Status::stopped_early: return "status_stopped";
    case Status::failed: return "status_failed";
    default: return "status_ready";
  }
}

/// Buttons of a run that the step bar holds where it has room for them.
struct RunButton {
  std::string_view name, label;
};
constexpr RunButton kRunButtons[] = {{"batch", "one_batch"}, {"epoch", "one_epoch"}, {"new-seed", "new_seed"}};

bool buttons_in_bar(const StepContext& c) { return c.ui.screen().w >= kButtonsInBar; }

}  // namespace

TrainRoom::TrainRoom(Values& values)
    : learning_rate(values, {.name = "learning_rate", .minimum = 0.001, .maximum = 100, .initial = 0.1, .spacing = Spacing::logarithmic}),
      units(values, {.name = "units", .minimum = 1, .maximum = 512, .initial = 100, .spacing = Spacing::logarithmic, .integer = true}),
      batch_size(values, {.name = "batch_size", .minimum = 1, .maximum = 1024, .initial = 32, .spacing = Spacing::logarithmic, .integer = true}),
      validation_split(values, {.name = "validation_split", .minimum = 0, .maximum = 0.5, .initial = 0.05, .step = 0.01, .percent = true}),
      epochs(values, {.name = "epochs", .minimum = 1, .maximum = 50, .initial = 10, .integer = true}),
      patience(values, {.name = "patience", .minimum = 0, .maximum = 10, .initial = 0, .integer = true}),
      seed(values, {.name = "seed", .minimum = 0, .maximum = 4294967295.0, .initial = 1, .spacing = Spacing::steps, .integer = true}),
      activation(values, {.name = "activation", .options = {"sigmoid", "tanh", "relu", "selu", "linear"}}),
      early_stopping(values, {.name = "early_stopping", .initial = true}),
      restore_best_weights(values, {.name = "restore_best_weights", .initial = false}) {}

TrainingSettings TrainRoom::settings() const {
  TrainingSettings s;
  s.learning_rate = learning_rate.value();
  s.units = int(units.whole()), s.batch_size = int(batch_size.whole());
  s.validation_split = validation_split.value();
  s.epochs = int(epochs.whole()), s.patience = int(patience.whole());
  s.seed = std::uint64_t(seed.whole());
  for (const Activation a : {Activation::sigmoid, Activation::tanh, Activation::relu, Activation::selu, Activation::linear})
    if (to_string(a) == activation.value()) s.activation = a;
  s.early_stopping = early_stopping.on(), s.restore_best_weights = restore_best_weights.on();
  return s;
}

void TrainRoom::new_seed() {
  seed.set(seed.value() < seed.spec().maximum ? seed.value() + 1 : 0);
  lab.set_settings(settings());
  lab.reset();
}

Block TrainRoom::settings_of(const StepContext& c, const std::vector<Control*>& controls) const {
  return settings_card(c, controls, lab.pending() ? c.label("pending") : std::string_view());
}

Block TrainRoom::trouble(const StepContext& c) const {
  if (lab.status() == TrainingLab::Status::failed)
    return callout_block(c.ui,
                         "**" + c.word("nan") + ".** " + c.word("nan_note") + "\n\n`" +
                             lab.error().substr(0, lab.error().find('\n')) + "`",
                         CalloutKind::warning);
  return lab.cannot_stop() ? callout_block(c.ui, c.word("cannot_stop"), CalloutKind::warning) : Block{};
}

// ---------------------------------------------------------------------------------------------- curves and log

void TrainRoom::smooth_curves() {
  if (smoothed_ == lab.x().size() && smooth_loss_.size() == lab.x().size()) return;
  smooth(lab.loss(), kSmoothing, smooth_loss_);
  smooth(lab.accuracy(), kSmoothing, smooth_accuracy_);
  smoothed_ = lab.x().size();
}

Block TrainRoom::curve(const StepContext& c, bool accuracy) {
  const bool has = accuracy && !lab.epochs().empty() && lab.epochs().back().has_validation;
  std::string reading;
  if (has)
    reading = c.word("validation_short") + " " + format_number(double(lab.epochs().back().val_accuracy), 4, c.ui.language());
  const float least = c.compact ? 190.f : 180.f;
  return card(c.ui, c.word(accuracy ? "accuracy" : "loss"), reading,
              block(least, [this, &c, accuracy](Rect in) { draw_curve(c, in, accuracy); }));
}

void TrainRoom::draw_curve(const StepContext& c, Rect in, bool accuracy) {
  Ui& ui = c.ui;
  const Theme& t = ui.theme();
  smooth_curves();
  std::vector<float> epoch_x, epoch_y;
  for (const EpochPoint& p : lab.epochs())
    if (p.has_validation) epoch_x.push_back(p.epoch), epoch_y.push_back(accuracy ? p.val_accuracy : p.val_loss);
  if (!accuracy) {  // the legend stands in the card's head
    const std::array<LegendEntry, 2> entries = {LegendEntry{c.label("training"), c.label("training_short"), t.accent},
                                                LegendEntry{c.label("validation"), c.label("validation_short"), t.negative}};
    legend(ui, {in.x + in.w * 0.3f, in.y - 34, in.w * 0.7f, 22}, entries);
  }
  const std::array<PlotSeries, 2> series = {
      PlotSeries{.name = c.label("training"), .x = lab.x(), .y = accuracy ? lab.accuracy() : lab.loss(),
                 .smooth = accuracy ? smooth_accuracy_ : smooth_loss_, .color = t.accent},
      PlotSeries{.name = c.label("validation"), .x = epoch_x, .y = epoch_y, .color = t.negative, .markers = true}};
  std::vector<PlotCursor> cursors;
  if (!lab.x().empty() && lab.status() == TrainingLab::Status::running) cursors.push_back({.x = lab.x().back()});
  std::string stopped, best;
  if (lab.stopped_epoch() > 0) {
    stopped = c.word("stopped_at") + " " + std::to_string(lab.stopped_epoch());
    best = c.word("best_at") + " " + std::to_string(lab.best_epoch());
    cursors.push_back({.x = float(lab.stopped_epoch()), .color = t.negative, .label = stopped});
    if (!accuracy && lab.best_epoch() != lab.stopped_epoch())
      cursors.push_back({.x = float(lab.best_epoch()), .color = t.accent, .label = best});
  }
  // The epochs that were begun; the curve ends where the run does.
  constexpr float kRounding = 0.001f;
  const float done = lab.x().empty() ? 0.f : lab.x().back();
  plot(ui, accuracy ? "accuracy" : "loss", in, series,
       {.x_min = 0, .x_max = std::max(1.f, std::ceil(done - kRounding)), .y_min = 0, .y_max = accuracy ? 1.f : 2.5f,
        .y_auto = !lab.x().empty(), .x_name = c.label("epoch"), .cursors = cursors});
}

Block TrainRoom::log(const StepContext& c) const {
  const double rate = lab.samples_per_second();
  std::string reading = c.word(status_key(lab));
  if (rate > 0)
    reading = format_integer(std::llround(rate / 100) * 100, c.ui.language()) + " " + c.word("images_per_second");
  return card(c.ui, c.word("log"), reading, block(90, [this, &c](Rect in) {
                if (lab.log().empty())
                  c.ui.text_in({in.x, in.y, in.w, 22}, c.label("not_yet"), c.ui.style(Type::small));
                else
                  log_view(c.ui, in, lab.log());
              }));
}

// --------------------------------------------------------------------------------------------- steering a run

void TrainRoom::run_button(const StepContext& c, std::string_view name, std::string_view label, Rect rect) {
  const bool enabled = lab.has_data() && lab.status() != TrainingLab::Status::running;
  if (!button(c.ui, name, rect, c.label(label), {.enabled = enabled})) return;
  if (name == "new-seed") return new_seed();
  lab.start(name == "batch" ? TrainingLab::Goal::batch : TrainingLab::Goal::epoch);
}

Block TrainRoom::run_buttons(const StepContext& c) {
  if (buttons_in_bar(c)) return {};
  std::vector<Block> buttons;
  for (const RunButton& b : kRunButtons) {
    const float width = button_width(c.ui, c.label(b.label));
    buttons.push_back(block(44, [this, &c, &b](Rect rect) { run_button(c, b.name, b.label, rect); })
                          .weighing(width)
                          .between(0, width + 40));
  }
  return row(std::move(buttons), {.gap = 8});
}

Block TrainRoom::run_bar(const StepContext& c) {
  return block(44, [this, &c](Rect area) { draw_run_bar(c, area); });
}

void TrainRoom::draw_run_bar(const StepContext& c, Rect area) {
  Ui& ui = c.ui;
  const bool data = lab.has_data(), running = lab.status() == TrainingLab::Status::running;
  const float height = std::min(area.h, c.compact ? 44.f : 38.f);
  Rect row{area.x, area.center().y - height / 2, area.w, height};
  if (button(ui, running ? "pause" : "play", row.cut_left(c.compact ? 48.f : 52.f, 8), {},
             {.icon = running ? Icon::pause : Icon::play, .enabled = data, .spoken = c.label(running ? "pause" : "play")})) {
    if (running) lab.pause();
    else lab.start(TrainingLab::Goal::run);
  }
  const auto room_for = [&](std::string_view label) { return row.cut_left(button_width(ui, c.label(label)), 8); };
  if (buttons_in_bar(c)) {
    run_button(c, "batch", "one_batch", room_for("one_batch"));
    run_button(c, "epoch", "one_epoch", room_for("one_epoch"));
  }
  if (button(ui, "reset", row.cut_left(c.compact ? 48.f : 44.f, 8), {},
             {.icon = Icon::reset, .enabled = data, .spoken = c.label("reset")}))
    lab.reset();
  if (buttons_in_bar(c) && row.w - button_width(ui, c.label("new_seed")) > 100)
    run_button(c, "new-seed", "new_seed", room_for("new_seed"));
  if (!lab.state() || row.w <= 40) return;
  const auto [done, all] = lab.batches_done();
  const std::string reading = c.word("batch") + " " + format_integer(done, ui.language()) + " / " + format_integer(all, ui.language());
  const TextStyle mono = ui.style(Type::mono_small);
  const float width = ui.measure(reading, mono).x + 2;
  if (row.w > width + 60) ui.text_in(row.cut_right(width, 14), reading, mono, 1);
  const float share = float(done) / float(std::max<std::int64_t>(all, 1));
  progress_line(ui, {row.x + 6, row.center().y - 2, std::max(20.f, row.w - 10), 4}, share);
}

// ----------------------------------------------------------------------------------------------------- exams

Block TrainRoom::exam_bar(const StepContext& c) {
  return card(c.ui, block(38, [this, &c](Rect bar) { draw_exam_bar(c, bar); }));
}

void TrainRoom::draw_exam_bar(const StepContext& c, Rect bar) {
  Ui& ui = c.ui;
  const TrainingLab::Judgement& j = lab.judgement();
  const std::string_view action = c.label(j.complete ? "evaluate_again" : "evaluate");
  if (button(ui, "evaluate", bar.cut_left(button_width(ui, action), 16), action,
             {.kind = lab.judgement_current() ? ButtonKind::plain : ButtonKind::primary, .enabled = lab.has_data() && !lab.evaluating()}))
    lab.evaluate();
  if (lab.evaluating())
    return progress_line(ui, {bar.x, bar.center().y - 2, bar.w, 4}, float(lab.evaluation_progress()));
  if (!j.complete)
    return ui.text_in(bar, c.label(lab.x().empty() ? "train_first" : "evaluate_first"), ui.style(Type::small));
  const TextStyle mono = ui.style(Type::mono);
  const std::string accuracy = c.word("accuracy") + " " + format_number(j.accuracy, 4, ui.language());
  const std::string both = c.word("loss") + " " + format_number(j.loss, 4, ui.language()) + "   " + accuracy;
  const std::string& numbers = ui.measure(both, mono).x <= bar.w ? both : accuracy;  // a phone has room for one
  const bool current = lab.judgement_current();
  const TextStyle small = ui.style(Type::small);
  const float width = ui.measure(c.label("stale"), small).x + 1;
  if (!current && !c.compact && ui.measure(numbers, mono).x + 16 + width <= bar.w)
    ui.text_in(bar.cut_right(width, 16), c.label("stale"), small, 1);
  ui.text_in(bar, numbers, current ? mono : mono.with(ui.theme().soft));
}

}  // namespace neurona::app
