// The training lesson while and after the network learns: curves, stopping, the exam.
#include <algorithm>
#include <array>
#include <cmath>

#include "../app.hpp"
#include "../widgets/bar_list.hpp"
#include "../widgets/callout.hpp"
#include "../widgets/confusion_matrix.hpp"
#include "../widgets/controls.hpp"
#include "../widgets/log_view.hpp"
#include "../widgets/plot.hpp"
#include "train_stages.hpp"

namespace neurona::app {
namespace {

constexpr float kGap = 14;
constexpr float kNarrow = 560;
constexpr double kWeightsInterval = 0.25;  // seconds between new pictures of the weights while training
constexpr float kSmoothing = 0.96f;
constexpr int kGalleryErrors = 200;
constexpr float kStaleVeil = 0.5f;  // over what is of an earlier network

std::string status_text(LessonContext& c, const TrainingLab& lab) {
  using Status = TrainingLab::Status;
  switch (lab.status()) {
    case Status::running: return std::string(c.text.label(lab.validating() ? "status_validating" : "status_running"));
    case Status::paused: return std::string(c.text.label("status_paused"));
    case Status::finished: return std::string(c.text.label("status_finished"));
    case Status::stopped_early: return std::string(c.text.label("status_stopped"));
    case Status::failed: return std::string(c.text.label("status_failed"));
    default: return std::string(c.text.label("status_ready"));
  }
}

/// What went wrong in the run, if anything did. Returns the height used; with draw = false it only measures.
float trouble(LessonContext& c, TrainView& view, Rect area, bool draw = true) {
  std::string text;
  if (view.lab.status() == TrainingLab::Status::failed)
    text = "**" + std::string(c.text.label("nan")) + ".** " + std::string(c.text.label("nan_note")) + "\n\n`" +
           view.lab.error().substr(0, view.lab.error().find('\n')) + "`";
  else if (view.lab.cannot_stop())
    text = c.text.label("cannot_stop");
  else
    return 0;
  return callout(c.ui, area.min(), area.w, text, CalloutKind::warning, draw) + kGap;
}

/// How the run ended, once it has. Returns the height used; with draw = false it only measures.
float outcome(LessonContext& c, TrainView& view, Rect area, bool draw = true) {
  const TrainingLab& lab = view.lab;
  const bool stopped = lab.status() == TrainingLab::Status::stopped_early;
  if (!stopped && lab.status() != TrainingLab::Status::finished) return 0;
  const std::string text = stopped ? std::string(c.text.label("stopped_at")) + " **" + std::to_string(lab.stopped_epoch()) + "** · " +
                                         std::string(c.text.label("best_at")) + " **" + std::to_string(lab.best_epoch()) + "**"
                                   : std::string(c.text.label("ran_out"));
  return callout(c.ui, area.min(), area.w, text, stopped ? CalloutKind::passed : CalloutKind::note, draw) + kGap;
}

void update_smooth(TrainView& view) {
  const TrainingLab& lab = view.lab;
  if (view.smoothed == lab.x().size() && view.smooth_loss.size() == lab.x().size()) return;
  smooth(lab.loss(), kSmoothing, view.smooth_loss);
  smooth(lab.accuracy(), kSmoothing, view.smooth_accuracy);
  view.smoothed = lab.x().size();
}

void hidden_neurons(LessonContext& c, TrainView& view, Rect area) {
  Ui& ui = c.ui;
  TrainingLab& lab = view.lab;
  const int units = lab.applied().units;
  Rect probe = area.inset(17);
  probe.h = std::max(20.f, area.h - card_chrome_height());
  const GalleryLayout layout = gallery_layout(probe.w, probe.h, units, 34, 58, 6);
  const int shown = std::max(1, std::min(layout.shown, units));
  Rect in = card(ui, area, c.text.label("hidden"), std::to_string(shown) + " " + std::string(c.text.label("of")) + " " + std::to_string(units));
  if (!lab.has_data()) return;
  const double now = ui.time();
  const bool new_theme = view.dark != ui.theme().dark;
  const bool due = lab.revision() != view.weights_key && (now - view.weights_time > kWeightsInterval || lab.status() != TrainingLab::Status::running);
  if (due || new_theme || shown != view.weights_shown) {
    std::vector<float> all(std::size_t(shown) * 784);
    for (int i = 0; i < shown; ++i) {
      lab.hidden_weights(i, view.scratch);
      std::copy(view.scratch.begin(), view.scratch.end(), all.begin() + std::ptrdiff_t(i) * 784);
    }
    view.weights.update(ui.theme(), all, shown, 28, 28, Scale::diverging);
    view.weights_key = lab.revision(), view.weights_time = now, view.weights_shown = shown, view.dark = ui.theme().dark;
  }
  const GalleryLayout cells = gallery_layout(in.w, in.h, shown, 34, 58, 6);
  for (int i = 0; i < std::min(shown, cells.shown); ++i) view.weights.draw(ui, i, gallery_cell(in, cells, i), 6);
}

void log_card(LessonContext& c, TrainView& view, Rect area) {
  Ui& ui = c.ui;
  const double rate = view.lab.samples_per_second();
  std::string reading = status_text(c, view.lab);
  if (rate > 0) reading = format_integer((long long)(std::round(rate / 100) * 100), ui.language()) + " " + std::string(c.text.label("images_per_second"));
  const Rect in = card(ui, area, c.text.label("log"), reading);
  if (view.lab.log().empty())
    ui.text_in({in.x, in.y, in.w, 22}, c.text.label("not_yet"), ui.style(Type::small));
  else
    log_view(ui, in, view.lab.log());
}

}  // namespace

// ---------------------------------------------------------------------------------------------------- curves

void curve(LessonContext& c, TrainView& view, Rect area, bool accuracy) {
  Ui& ui = c.ui;
  const Theme& t = ui.theme();
  const TrainingLab& lab = view.lab;
  update_smooth(view);
  static thread_local std::vector<float> epoch_x, epoch_y;
  epoch_x.clear(), epoch_y.clear();
  for (const EpochPoint& p : lab.epochs())
    if (p.has_validation) epoch_x.push_back(p.epoch), epoch_y.push_back(accuracy ? p.val_accuracy : p.val_loss);
  Rect in = card(ui, area, c.text.label(accuracy ? "accuracy" : "loss"));
  // The legend, or on the accuracy the last validation value, stands in the card's head.
  const Rect head{in.x + in.w * 0.3f, area.y + 13, in.w * 0.7f, 22};
  if (accuracy && !epoch_y.empty()) {
    ui.text_in(head, std::string(c.text.label("validation_short")) + " " + format_number(double(epoch_y.back()), 4, ui.language()),
               ui.style(Type::mono_small), 1);
  } else if (!accuracy) {
    const std::array<LegendEntry, 2> entries = {LegendEntry{c.text.label("training"), c.text.label("training_short"), t.accent},
                                                LegendEntry{c.text.label("validation"), c.text.label("validation_short"), t.negative}};
    legend(ui, head, entries);
  }
  const std::array<PlotSeries, 2> series = {
      PlotSeries{.name = c.text.label("training"),
                 .x = lab.x(),
                 .y = accuracy ? lab.accuracy() : lab.loss(),
                 .smooth = accuracy ? view.smooth_accuracy : view.smooth_loss,
                 .color = t.accent},
      PlotSeries{.name = c.text.label("validation"), .x = epoch_x, .y = epoch_y, .color = t.negative, .markers = true}};
  std::vector<PlotCursor> cursors;
  if (!lab.x().empty() && lab.status() == TrainingLab::Status::running) cursors.push_back({.x = lab.x().back()});
  std::string stopped, best;
  if (lab.stopped_epoch() > 0) {
    stopped = std::string(c.text.label("stopped_at")) + " " + std::to_string(lab.stopped_epoch());
    best = std::string(c.text.label("best_at")) + " " + std::to_string(lab.best_epoch());
    cursors.push_back({.x = float(lab.stopped_epoch()), .color = t.negative, .label = stopped});
    if (!accuracy && lab.best_epoch() != lab.stopped_epoch()) cursors.push_back({.x = float(lab.best_epoch()), .color = t.accent, .label = best});
  }
  // At least one epoch in view, then as many as are done: the curve fills its room from the start.
  const float done = lab.x().empty() ? 0.f : lab.x().back();
  const float x_max = std::max(1.f, std::ceil(done + 0.001f));
  plot(ui, accuracy ? "accuracy" : "loss", in, series,
       {.x_min = 0, .x_max = x_max, .y_min = 0, .y_max = accuracy ? 1.f : 2.5f, .y_auto = !lab.x().empty(),
        .x_name = c.text.label("epoch"), .cursors = cursors});
}

// ------------------------------------------------------------------------------------------------------- fit

constexpr SettingsShown kFitSettings{.optimiser = true, .seed = true};

float fit_stage_height(LessonContext& c, TrainView& view, float width) {
  const float above = settings_height(c, width, kFitSettings) + kGap + trouble(c, view, {0, 0, width, 0}, false);
  if (width < kNarrow) return above + 2 * (270 + kGap) + 210 + kGap + 190;
  return above + 260 + kGap + 190;
}

void fit_stage(LessonContext& c, TrainView& view, Rect area) {
  settings(c, view, area.cut_top(settings_height(c, area.w, kFitSettings), kGap), kFitSettings);
  area.cut_top(trouble(c, view, area));
  if (area.w < kNarrow) {
    curve(c, view, area.cut_top(270, kGap), false);
    curve(c, view, area.cut_top(270, kGap), true);
    hidden_neurons(c, view, area.cut_top(210, kGap));
    log_card(c, view, area);
    return;
  }
  Rect below = area.cut_bottom(std::clamp(area.h * 0.36f, 150.f, 230.f), kGap);
  curve(c, view, area.column(0, 2, kGap), false);
  curve(c, view, area.column(1, 2, kGap), true);
  Rect log = below.cut_right(below.w * 0.5f, kGap);
  hidden_neurons(c, view, below);
  log_card(c, view, log);
}

// -------------------------------------------------------------------------------------------------- stopping

float stopping_stage_height(LessonContext& c, TrainView& view, float width) {
  const Rect room{0, 0, width, 0};
  return settings_height(c, width, {.stopping = true}) + kGap + trouble(c, view, room, false) + outcome(c, view, room, false) +
         (width < kNarrow ? 300.f + kGap + 190.f : 320.f + kGap + 150.f);
}

void stopping_stage(LessonContext& c, TrainView& view, Rect area) {
  settings(c, view, area.cut_top(settings_height(c, area.w, {.stopping = true}), kGap), {.stopping = true});
  area.cut_top(trouble(c, view, area));
  area.cut_top(outcome(c, view, area));
  log_card(c, view, area.cut_bottom(std::clamp(area.h * 0.33f, 130.f, 200.f), kGap));
  curve(c, view, area, false);
}

// -------------------------------------------------------------------------------------------------- evaluate

namespace {

/// The button that begins the exam, and its marks.
void exam_bar(LessonContext& c, TrainView& view, Rect area) {
  Ui& ui = c.ui;
  TrainingLab& lab = view.lab;
  const TrainingLab::Judgement& j = lab.judgement();
  Rect bar = card(ui, area, 12);
  const std::string_view action = c.text.label(j.complete ? "evaluate_again" : "evaluate");
  if (button(ui, "evaluate", bar.cut_left(button_width(ui, action), 16), action,
             {.kind = lab.judgement_current() ? ButtonKind::plain : ButtonKind::primary, .enabled = lab.has_data() && !lab.evaluating()}))
    lab.evaluate();
  if (lab.evaluating()) {
    progress_line(ui, {bar.x, bar.center().y - 2, bar.w, 4}, float(lab.evaluation_progress()));
  } else if (j.complete) {
    const TextStyle mono = ui.style(Type::mono);
    const std::string accuracy = std::string(c.text.label("accuracy")) + " " + format_number(j.accuracy, 4, ui.language());
    const std::string both = std::string(c.text.label("loss")) + " " + format_number(j.loss, 4, ui.language()) + "   " + accuracy;
    const std::string& numbers = ui.measure(both, mono).x <= bar.w ? both : accuracy;  // a phone has room for one
    const bool current = lab.judgement_current();
    if (!current && !c.compact) {
      const TextStyle small = ui.style(Type::small);
      const std::string_view stale = c.text.label("stale");
      const float width = ui.measure(stale, small).x + 1;
      if (ui.measure(numbers, mono).x + 16 + width <= bar.w) ui.text_in(bar.cut_right(width, 16), stale, small, 1);
    }
    ui.text_in(bar, numbers, current ? mono : mono.with(ui.theme().soft));
  } else {
    ui.text_in(bar, c.text.label(lab.x().empty() ? "train_first" : "evaluate_first"), ui.style(Type::small));
  }
}

}  // namespace

float evaluate_stage_height(LessonContext&, TrainView&, float width) {
  return 62 + kGap + (width < kNarrow ? card_chrome_height() + width - 34 + kGap + 260 : 460);
}

void evaluate_stage(LessonContext& c, TrainView& view, Rect area) {
  Ui& ui = c.ui;
  const Theme& t = ui.theme();
  TrainingLab& lab = view.lab;
  const TrainingLab::Judgement& j = lab.judgement();

  exam_bar(c, view, area.cut_top(62, kGap));
  const bool stale = j.complete && !lab.judgement_current();
  const bool narrow = area.w < kNarrow;
  Rect matrix = narrow ? area.cut_top(card_chrome_height() + area.w - 34, kGap)
                       : area.cut_left(std::min(area.w * 0.58f, area.h - card_chrome_height() + 60), kGap);
  Rect in = card(ui, matrix, c.text.label("confusion"),
                 stale        ? std::string(c.text.label("stale"))
                 : j.complete ? format_integer((long long)j.predicted.size(), ui.language())
                              : std::string());
  const ConfusionHit hit = confusion_matrix(ui, "confusion", in, j.confusion, 10,
                                            {.truth = c.text.label("truth"),
                                             .predicted = c.text.label("predicted"),
                                             .label = c.text.label("confusion"),
                                             .selected_truth = view.truth,
                                             .selected_predicted = view.predicted});
  if (stale) ui.fill(in, fade(t.panel, kStaleVeil));
  if (hit.truth >= 0 && j.complete)
    ui.tooltip("confusion", hit.cell,
               {.title = std::string(c.text.label("truth")) + " " + std::to_string(hit.truth) + " · " + std::string(c.text.label("predicted")) + " " + std::to_string(hit.predicted),
                .value = format_integer(j.confusion[std::size_t(hit.truth * 10 + hit.predicted)], ui.language()),
                .source = std::string(stale ? c.text.label("stale") : std::string_view())});
  if (hit.clicked && j.complete) {
    const bool same = hit.truth == view.truth && hit.predicted == view.predicted;
    view.truth = same ? -1 : hit.truth, view.predicted = same ? -1 : hit.predicted;
    view.looked_at_confusion = view.looked_at_confusion || (!same && hit.truth != hit.predicted);
  }

  // The images of the chosen cell, or all the misread ones.
  std::vector<std::int32_t> chosen;
  if (j.complete) {
    if (view.truth >= 0) {
      for (std::size_t i = 0; i < j.predicted.size() && chosen.size() < kGalleryErrors; ++i)
        if (lab.test_images()->labels[i] == view.truth && j.predicted[i] == view.predicted) chosen.push_back(std::int32_t(i));
    } else {
      chosen.assign(j.misclassified.begin(), j.misclassified.begin() + std::ptrdiff_t(std::min<std::size_t>(j.misclassified.size(), kGalleryErrors)));
    }
  }
  std::string title(c.text.label("wrong")), reading;
  if (view.truth >= 0)
    title = std::string(c.text.label("wrong_cell")) + " " + std::to_string(view.truth) + " " + std::string(c.text.label("said")) + " " + std::to_string(view.predicted);
  if (j.complete)
    reading = format_integer(view.truth >= 0 ? j.confusion[std::size_t(view.truth * 10 + view.predicted)] : (long long)j.misclassified.size(), ui.language());
  const Rect in_gallery = card(ui, area, title, reading);
  if (chosen.empty()) {
    if (j.complete) ui.text_in({in_gallery.x, in_gallery.y, in_gallery.w, 22}, c.text.label("no_errors"), ui.style(Type::small));
    return;
  }
  const int key = ((lab.judgement().revision * 11 + view.truth + 1) * 11 + view.predicted + 1) * 2 + (t.dark ? 1 : 0);
  if (view.errors_key != key) {
    std::vector<std::uint8_t> pixels;
    for (const std::int32_t i : chosen) {
      const auto image = lab.test_images()->image(i);
      pixels.insert(pixels.end(), image.begin(), image.end());
    }
    view.errors.update(t, pixels, int(chosen.size()), 28, 28);
    view.errors_key = key;
  }
  const GalleryLayout layout = gallery_layout(in_gallery.w, in_gallery.h, int(chosen.size()), 44, 64, 8);
  const GalleryHit seen = gallery(ui, "wrong", in_gallery, layout, view.errors, 4, c.text.label("wrong"));
  if (stale) ui.fill(in_gallery, fade(t.panel, kStaleVeil));
  if (seen.index < 0) return;
  const auto index = std::size_t(chosen[std::size_t(seen.index)]);
  ui.tooltip("wrong", gallery_cell(in_gallery, layout, seen.index),
             {.title = std::string(c.text.label("truth")) + " " + std::to_string(lab.test_images()->labels[index]),
              .value = std::string(c.text.label("predicted")) + " " + std::to_string(j.predicted[index]),
              .source = "test[" + std::to_string(index) + "]"});
}

// ----------------------------------------------------------------------------------------------------- exams

float exams_card_height() { return card_chrome_height() + 260; }
float exams_stage_height(LessonContext&, TrainView&, float) { return 62 + kGap + exams_card_height(); }

void exams_stage(LessonContext& c, TrainView& view, Rect area) {
  Ui& ui = c.ui;
  const Theme& t = ui.theme();
  TrainingLab& lab = view.lab;
  const TrainingLab::Judgement& j = lab.judgement();
  exam_bar(c, view, area.cut_top(62, kGap));
  const bool stale = j.complete && !lab.judgement_current();
  // Where there is room: how the first two marks came about.
  constexpr float kLeastCurve = 200;
  if (area.h > exams_card_height() + kGap + kLeastCurve) {
    const Rect bars = area.cut_top(exams_card_height(), kGap);
    curve(c, view, area, /*accuracy=*/true);
    area = bars;
  }
  Rect in = card(ui, area, c.text.label("exams"), c.text.label("accuracy"));
  struct Exam {
    std::string name;
    double accuracy;  // below 0: not taken yet
    ImU32 color;
  };
  const EpochPoint* epoch = lab.weights_epoch();
  const bool best = epoch && epoch != &lab.epochs().back();
  const std::array<Exam, 3> exams = {
      Exam{std::string(c.text.label(best ? "exam_training_best" : "exam_training")), epoch ? double(epoch->accuracy) : -1, t.accent},
      Exam{std::string(c.text.label("exam_validation")), epoch && epoch->has_validation ? double(epoch->val_accuracy) : -1, t.negative},
      Exam{stale ? std::string(c.text.label("test")) + " · " + std::string(c.text.label("stale")) : std::string(c.text.label("exam_test")),
           j.complete ? j.accuracy : -1, stale ? t.rest : t.ink}};
  // Bars begin at 80 %: the differences are what matters here, and the scale says so.
  constexpr double kFrom = 0.8;
  const Rect scale = in.cut_bottom(22, 6);
  for (int i = 0; i < 3; ++i) {
    const Exam& exam = exams[std::size_t(i)];
    Rect row = in.row(i, 3, 10);
    Rect head = row.cut_top(22, 6);
    const std::string reading = exam.accuracy < 0 ? "–" : format_number(exam.accuracy, 4, ui.language());
    ui.text_in(head.cut_right(70, 10), reading, ui.style(Type::mono).with(i == 2 && stale ? t.soft : t.ink), 1);
    ui.text_in(head, exam.name, ui.style(Type::small));
    Rect track = row.cut_top(std::min(18.f, row.h));
    ui.fill(track, t.track, 5);
    const float share = exam.accuracy < 0 ? 0.f : float(std::clamp((exam.accuracy - kFrom) / (1 - kFrom), 0.0, 1.0));
    if (share > 0) ui.fill({track.x, track.y, std::max(6.f, track.w * ui.animate("exam" + std::to_string(i), share)), track.h}, exam.color, 5);
  }
  const TextStyle mono = ui.style(Type::mono_small);
  ui.text_in(scale, format_percent(kFrom, 0, ui.language()), mono);
  ui.text_in(scale, format_percent(1, 0, ui.language()), mono, 1);
  ui.text_in(scale, format_percent((1 + kFrom) / 2, 0, ui.language()), mono, 0.5f);
}

}  // namespace neurona::app
