#include "run_view.hpp"

#include <algorithm>
#include <cmath>

#include "widgets/callout.hpp"
#include "widgets/controls.hpp"
#include "widgets/log_view.hpp"
#include "widgets/plot.hpp"

namespace neurona::app {
namespace {

constexpr float kSmoothing = 0.96f;
constexpr float kButtonsInBar = 1000;      // width of the window from which the step bar has room for all buttons
constexpr double kWeightsInterval = 0.25;  // seconds between new pictures of the weights while training
constexpr float kLeastNeuron = 34, kMostNeuron = 58, kNeuronGap = 6;

std::string_view status_key(const Experiment& run) {
  using Status = Experiment::Status;
  switch (run.status()) {
    case Status::running:
      return run.validating() ? "status_validating" : "status_running";
    case Status::paused:
      return run.is_visiting() ? "status_visiting" : "status_paused";
    case Status::finished:
      return "status_finished";
    case Status::stopped_early:
      return "status_stopped";
    case Status::failed:
      return "status_failed";
    default:
      return "status_ready";
  }
}

bool buttons_in_bar(const StepContext& c) { return c.ui.screen().w >= kButtonsInBar; }

/// The epochs that were begun; a curve ends where the run does.
float last_epoch(const Experiment& run) {
  constexpr float kRounding = 0.001f;
  return run.x().empty() ? 0.f : std::ceil(run.x().back() - kRounding);
}

/// Validation losses or accuracies by epoch.
void validation_points(const Experiment& run, bool accuracy, std::vector<float>& x, std::vector<float>& y) {
  for (const EpochPoint& p : run.epochs())
    if (p.has_validation) x.push_back(p.epoch), y.push_back(accuracy ? p.val_accuracy : p.val_loss);
}

/// Buttons of a run that the step bar holds where it has room for them.
struct RunButton {
  std::string_view name, label;
};
constexpr RunButton kRunButtons[] = {{"batch", "one_batch"}, {"epoch", "one_epoch"}, {"new-seed", "new_seed"}};

}  // namespace

// ------------------------------------------------------------------------------------------------------- runs

void Runs::branch() {
  std::unique_ptr<Experiment> next = now_->branch();
  now_->visit(now_->trained());
  older_ = std::move(now_), older_letter_ = letter_;
  now_ = std::move(next);
  letter_ = last_letter_ = last_letter_ < 'Z' ? char(last_letter_ + 1) : 'A';
}

void Runs::swap() {
  if (!older_) return;
  now_->pause();
  std::swap(now_, older_), std::swap(letter_, older_letter_);
}

void Runs::reset() {
  older_.reset();
  letter_ = last_letter_ = 'A';
  now_->reset();
}

RunView::RunView(Values& values, Runs& runs)
    : runs_(runs),
      moment_(values, {.name = "moment", .minimum = 0, .maximum = 1e9, .integer = true, .in_address = false}) {}

void RunView::apply() {
  Experiment& run = runs_.now();
  const std::int64_t wanted = moment_.whole(), there = run.going_to().value_or(run.moment());
  if (wanted != there) run.visit(wanted);
}

void RunView::follow() {
  const Experiment& run = runs_.now();
  moment_.follow(double(run.going_to().value_or(run.moment())));
}

void RunView::Smooth::update(const Experiment& run) {
  if (count == run.x().size() && loss.size() == count) return;
  smooth(run.loss(), kSmoothing, loss);
  smooth(run.accuracy(), kSmoothing, accuracy);
  count = run.x().size();
}

Block RunView::trouble(const StepContext& c) const {
  const Experiment& run = runs_.now();
  if (run.status() == Experiment::Status::failed)
    return callout_block(c.ui,
                         "**" + c.word("nan") + ".** " + c.word("nan_note") + "\n\n`" +
                             run.error().substr(0, run.error().find('\n')) + "`",
                         CalloutKind::warning);
  return run.cannot_stop() ? callout_block(c.ui, c.word("cannot_stop"), CalloutKind::warning) : Block{};
}

// ----------------------------------------------------------------------------------------------------- curves

Block RunView::curve(const StepContext& c, bool accuracy) {
  const Experiment& run = runs_.now();
  const std::size_t ended = run.epochs_ended();
  std::string reading;
  if (accuracy && ended > 0 && run.epochs()[ended - 1].has_validation)
    reading = c.word("validation_short") + " " +
              format_number(double(run.epochs()[ended - 1].val_accuracy), 4, c.ui.language());
  const float least = c.compact ? 190.f : 180.f;
  return card(c.ui, c.word(accuracy ? "accuracy" : "loss"), reading,
              block(least, [this, &c, accuracy](Rect in) { draw_curve(c, in, accuracy); }));
}

void RunView::draw_curve(const StepContext& c, Rect in, bool accuracy) {
  Ui& ui = c.ui;
  const Theme& t = ui.theme();
  const Experiment& run = runs_.now();
  const Experiment* older = runs_.older();
  const std::string run_name = runs_.name(), older_name = runs_.older_name();
  if (!accuracy) {  // the legend stands in the card's head
    std::vector<LegendEntry> entries;
    if (older) entries.push_back({older_name, older_name, t.soft});
    if (older)
      entries.push_back({run_name, run_name, t.accent});
    else
      entries.push_back({c.label("training"), c.label("training_short"), t.accent});
    entries.push_back({c.label("validation"), c.label("validation_short"), t.negative});
    legend(ui, {in.x + in.w * 0.3f, in.y - 34, in.w * 0.7f, 22}, entries);
  }
  std::vector<PlotSeries> series;
  std::vector<float> older_x, older_y, epoch_x, epoch_y;
  if (older) {
    older_smooth_.update(*older);
    validation_points(*older, accuracy, older_x, older_y);
    series.push_back({.name = older_name, .x = older->x(), .y = accuracy ? older_smooth_.accuracy : older_smooth_.loss, .color = t.soft});
    series.push_back({.name = older_name, .x = older_x, .y = older_y, .color = fade(t.negative, 0.45f), .markers = true});
  }
  smooth_.update(run);
  validation_points(run, accuracy, epoch_x, epoch_y);
  series.push_back({.name = older ? std::string_view(run_name) : c.label("training"), .x = run.x(), .y = accuracy ? run.accuracy() : run.loss(),
                    .smooth = accuracy ? smooth_.accuracy : smooth_.loss, .color = t.accent});
  series.push_back({.name = c.label("validation"), .x = epoch_x, .y = epoch_y, .color = t.negative, .markers = true});
  std::vector<PlotCursor> cursors;
  const bool past = run.is_visiting();
  if (past || (!run.x().empty() && run.status() == Experiment::Status::running))
    cursors.push_back({.x = run.moment_x(), .color = past ? t.accent : 0, .dashed = !past});
  if (run.begins() > 0) cursors.push_back({.x = run.begins(), .color = t.soft, .label = c.label("branched")});
  std::string stopped, best;
  if (run.stopped_epoch() > 0) {
    stopped = c.word("stopped_at") + " " + std::to_string(run.stopped_epoch());
    best = c.word("best_at") + " " + std::to_string(run.best_epoch());
    cursors.push_back({.x = float(run.stopped_epoch()), .color = t.negative, .label = stopped});
    if (!accuracy && run.best_epoch() != run.stopped_epoch())
      cursors.push_back({.x = float(run.best_epoch()), .color = t.accent, .label = best});
  }
  const float x_max = std::max({1.f, last_epoch(run), older ? last_epoch(*older) : 0.f});
  PlotOptions options{.x_min = 0, .x_max = x_max, .y_min = 0, .y_max = accuracy ? 1.f : 2.5f, .y_auto = !run.x().empty(),
                      .x_name = c.label("epoch"), .cursors = cursors};
  if (past) options.pale_from = run.moment_x();
  const float pressed = plot(ui, accuracy ? "accuracy" : "loss", in, series, options);
  if (std::isnan(pressed) || run.trained() == 0) return;
  const double batch = double(pressed - run.moment_x()) * double(run.state()->batches) + double(run.moment());
  moment_.set(std::clamp(batch, 0.0, double(run.trained())));
}

// ------------------------------------------------------------------------------------------------------ track

Block RunView::track(const StepContext& c) {
  const Experiment& run = runs_.now();
  if (run.trained() == 0) return {};
  const Language l = c.ui.language();
  std::string reading = c.word("batch") + " " + format_integer(run.moment(), l) + " / " + format_integer(run.trained(), l);
  if (run.going_to())
    reading = format_percent(double(run.moment()) / double(std::max<std::int64_t>(1, *run.going_to())), 0, l) + " → " + format_integer(*run.going_to(), l);
  return card(c.ui, c.word("moment") + " · " + c.word("run") + " " + runs_.name(), reading,
              block(44, [this, &c](Rect in) { draw_track(c, in); }));
}

void RunView::draw_track(const StepContext& c, Rect in) {
  Ui& ui = c.ui;
  const Theme& t = ui.theme();
  Experiment& run = runs_.now();
  const bool can_branch = run.is_visiting() && !run.going_to();
  Rect buttons = in;
  const auto small_button = [&](std::string_view name, std::string_view label, bool enabled) {
    const std::string_view word = c.label(label);
    return button(ui, name, buttons.cut_right(button_width(ui, word), 8), word, {.enabled = enabled});
  };
  if (small_button("branch", "branch", can_branch)) runs_.branch(), follow();
  if (runs_.older() && small_button("swap-runs", "swap_runs", run.status() != Experiment::Status::running)) runs_.swap(), follow();
  else if (run.is_visiting() && small_button("to-now", "to_now", true)) moment_.set(double(run.trained()));
  Rect line = buttons;
  double value = double(run.going_to().value_or(run.moment()));
  const double most = double(run.trained());
  for (const SnapshotShelf::Kept& kept : run.shelf().all()) {
    const float x = line.x + 7 + (line.w - 14) * float(double(kept.batch) / most);
    ui.fill({x - 0.5f, line.center().y + 8, 1, 5}, t.faint);
  }
  const std::string spoken = format_integer((long long)(value), ui.language());
  if (slider(ui, "moment", line, value,
             {.minimum = 0, .maximum = most, .integer = true, .enabled = most > 0, .spoken = c.label("moment"), .value_text = spoken}))
    moment_.set(value);
}

Block RunView::log(const StepContext& c) const {
  const Experiment& run = runs_.now();
  std::string reading = c.word(status_key(run));
  if (const double rate = run.samples_per_second(); rate > 0 && !run.is_visiting())
    reading = format_integer(std::llround(rate / 100) * 100, c.ui.language()) + " " + c.word("images_per_second");
  return card(c.ui, c.word("log"), reading, block(90, [&run, &c](Rect in) {
                const std::vector<std::string> lines = run.log();
                if (lines.empty())
                  c.ui.text_in({in.x, in.y, in.w, 22}, c.label("not_yet"), c.ui.style(Type::small));
                else
                  log_view(c.ui, in, lines);
              }));
}

// ---------------------------------------------------------------------------------------------------- weights

Block RunView::weights(const StepContext& c) {
  const Experiment& run = runs_.now();
  const int units = run.applied().units.empty() ? 0 : run.applied().units[0];
  const std::string of = " " + c.word("of") + " " + std::to_string(units);
  std::vector<Block> both;
  both.push_back(block(96, [this, &c](Rect in) { draw_gallery(c.ui, in, runs_.now(), gallery_); }));
  if (runs_.older()) both.push_back(block(96, [this, &c](Rect in) { draw_gallery(c.ui, in, *runs_.older(), older_gallery_); }));
  const std::string names = runs_.older() ? " · " + runs_.name() + " | " + runs_.older_name() : std::string();
  return card(c.ui, c.word("hidden") + names, gallery_.shown > 0 ? std::to_string(gallery_.shown) + of : std::string(),
              row(std::move(both), {.gap = 18}));
}

void RunView::draw_gallery(Ui& ui, Rect in, const Experiment& run, Gallery& g) const {
  if (!run.has_data() || run.applied().units.empty()) return;
  const int units = run.applied().units[0];
  const GalleryLayout layout = gallery_layout(in.w, in.h, units, kLeastNeuron, kMostNeuron, kNeuronGap);
  const int shown = std::clamp(layout.shown, 1, units);
  const bool rests = run.status() != Experiment::Status::running;
  const bool due = run.revision() != g.revision && (rests || ui.time() - g.time > kWeightsInterval);
  if (due || shown != g.shown || g.dark != ui.theme().dark || g.of != &run) {
    if (shown != g.shown) ui.request_frames(1);  // the card's reading tells it
    std::vector<float> all(std::size_t(shown) * 784), one;
    for (int i = 0; i < shown; ++i) {
      run.hidden_weights(i, one);
      std::copy(one.begin(), one.end(), all.begin() + std::ptrdiff_t(i) * 784);
    }
    g.sheet.update(ui.theme(), all, shown, 28, 28, Scale::diverging);
    g.revision = run.revision(), g.time = ui.time(), g.shown = shown, g.dark = ui.theme().dark, g.of = &run;
  }
  for (int i = 0; i < std::min(shown, layout.shown); ++i) g.sheet.draw(ui, i, gallery_cell(in, layout, i), 6);
}

// --------------------------------------------------------------------------------------------- steering a run

void RunView::run_button(const StepContext& c, std::string_view name, std::string_view label, Rect rect,
                         const std::function<void()>& new_seed) {
  Experiment& run = runs_.now();
  const bool enabled = run.has_data() && run.status() != Experiment::Status::running && !run.going_to();
  if (!button(c.ui, name, rect, c.label(label), {.enabled = enabled})) return;
  if (name == "new-seed") return new_seed();
  run.start(name == "batch" ? Experiment::Goal::batch : Experiment::Goal::epoch);
}

Block RunView::buttons(const StepContext& c, std::function<void()> new_seed) {
  if (buttons_in_bar(c)) return {};
  std::vector<Block> all;
  for (const RunButton& b : kRunButtons) {
    const float width = button_width(c.ui, c.label(b.label));
    all.push_back(block(44, [this, &c, &b, new_seed](Rect rect) { run_button(c, b.name, b.label, rect, new_seed); })
                      .weighing(width)
                      .between(0, width + 40));
  }
  return row(std::move(all), {.gap = 8});
}

Block RunView::bar(const StepContext& c, std::function<void()> new_seed) {
  return block(44, [this, &c, new_seed = std::move(new_seed)](Rect area) { draw_bar(c, area, new_seed); });
}

void RunView::draw_bar(const StepContext& c, Rect area, const std::function<void()>& new_seed) {
  Ui& ui = c.ui;
  Experiment& run = runs_.now();
  const bool data = run.has_data(), running = run.status() == Experiment::Status::running;
  const float height = std::min(area.h, c.compact ? 44.f : 38.f);
  Rect row{area.x, area.center().y - height / 2, area.w, height};
  if (button(ui, running ? "pause" : "play", row.cut_left(c.compact ? 48.f : 52.f, 8), {},
             {.icon = running ? Icon::pause : Icon::play, .enabled = data && !run.going_to(),
              .spoken = c.label(running ? "pause" : "play")})) {
    if (running) run.pause();
    else run.start(Experiment::Goal::run);
  }
  const auto room_for = [&](std::string_view label) { return row.cut_left(button_width(ui, c.label(label)), 8); };
  if (buttons_in_bar(c)) {
    run_button(c, "batch", "one_batch", room_for("one_batch"), new_seed);
    run_button(c, "epoch", "one_epoch", room_for("one_epoch"), new_seed);
  }
  if (button(ui, "reset", row.cut_left(c.compact ? 48.f : 44.f, 8), {},
             {.icon = Icon::reset, .enabled = data, .spoken = c.label("reset")}))
    runs_.reset(), follow();
  if (buttons_in_bar(c) && row.w - button_width(ui, c.label("new_seed")) > 100)
    run_button(c, "new-seed", "new_seed", room_for("new_seed"), new_seed);
  if (!run.state() || row.w <= 40) return;
  const std::int64_t done = std::min(run.moment(), run.batches()), all = run.batches();
  const std::string reading = c.word("batch") + " " + format_integer(done, ui.language()) + " / " + format_integer(all, ui.language());
  const TextStyle mono = ui.style(Type::mono_small);
  const float width = ui.measure(reading, mono).x + 2;
  if (row.w > width + 60) ui.text_in(row.cut_right(width, 14), reading, mono, 1);
  const float share = float(done) / float(std::max<std::int64_t>(all, 1));
  progress_line(ui, {row.x + 6, row.center().y - 2, std::max(20.f, row.w - 10), 4}, share);
}

}  // namespace neurona::app
