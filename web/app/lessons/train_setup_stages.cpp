// The training lesson before the first batch: data, layers, loss and settings.
#include <algorithm>
#include <array>
#include <cmath>

#include "../app.hpp"
#include "../widgets/callout.hpp"
#include "../widgets/controls.hpp"
#include "../widgets/log_view.hpp"
#include "../widgets/plot.hpp"
#include "train_stages.hpp"

namespace neurona::app {
namespace {

constexpr float kGap = 14;
constexpr int kGalleryImages = 240;
constexpr float kNarrow = 560;

std::span<const Activation> activations() {
  static constexpr Activation kAll[] = {Activation::sigmoid, Activation::tanh, Activation::relu, Activation::selu};
  return kAll;
}

std::span<const std::string_view> activation_names() {
  static constexpr std::string_view kNames[] = {"sigmoid", "tanh", "relu", "selu"};
  return kNames;
}

/// A setting that a slider moves.
struct Slider {
  std::string_view name, label;
  double minimum, maximum;
  bool logarithmic, integer;
  int decimals;  ///< of the reading; -1: three significant digits; -2: per cent
  double (*get)(const TrainingSettings&);
  void (*set)(TrainingSettings&, double);
};

constexpr Slider kLearningRate{"learning_rate", "learning_rate", 0.001, 30, true, false, -1,
                               [](const TrainingSettings& s) { return s.learning_rate; },
                               [](TrainingSettings& s, double v) {
                                 // Two significant digits: 0,1 and not 0,0997.
                                 const double unit = std::pow(10.0, std::floor(std::log10(v)) - 1);
                                 s.learning_rate = std::round(v / unit) * unit;
                               }};
constexpr Slider kUnits{"units", "units", 1, 512, true, true, 0, [](const TrainingSettings& s) { return double(s.units); },
                        [](TrainingSettings& s, double v) { s.units = int(v); }};
constexpr Slider kBatch{"batch_size", "batch_size", 1, 512, true, true, 0,
                        [](const TrainingSettings& s) { return double(s.batch_size); },
                        [](TrainingSettings& s, double v) { s.batch_size = int(v); }};
constexpr Slider kSplit{"validation_split", "validation_split", 0, 0.5, false, false, -2,
                        [](const TrainingSettings& s) { return s.validation_split; },
                        [](TrainingSettings& s, double v) { s.validation_split = std::round(v * 100) / 100; }};
constexpr Slider kEpochs{"epochs", "epochs", 1, 30, false, true, 0, [](const TrainingSettings& s) { return double(s.epochs); },
                         [](TrainingSettings& s, double v) { s.epochs = int(v); }};
constexpr Slider kPatience{"patience", "patience", 0, 10, false, true, 0,
                           [](const TrainingSettings& s) { return double(s.patience); },
                           [](TrainingSettings& s, double v) { s.patience = int(v); }};

std::vector<const Slider*> sliders_of(SettingsShown shown) {
  std::vector<const Slider*> list;
  if (shown.network) list.push_back(&kUnits);
  if (shown.optimiser) list.insert(list.end(), {&kLearningRate, &kBatch, &kSplit, &kEpochs});
  if (shown.stopping) list.insert(list.end(), {&kLearningRate, &kUnits, &kEpochs, &kPatience});
  return list;
}

int slider_columns(float width) { return width >= 620 ? 2 : 1; }

constexpr double kLargestSeed = 4294967295.0;

float seed_height(LessonContext& c) { return c.compact ? 44.f : 36.f; }

}  // namespace

// ---------------------------------------------------------------------------------------------------- notice

float data_notice(LessonContext& c, TrainView& view, Rect area, bool draw) {
  Ui& ui = c.ui;
  const CourseData& data = view.data;
  const Language language = ui.language();
  if (data.status() == CourseData::Status::failed) {
    const std::string text = "**" + std::string(c.text.label("failed")) + "** " + data.error();
    const float height = callout(ui, area.min(), area.w, text, CalloutKind::warning, draw);
    const std::string_view retry = tr(Msg::retry, language), embedded = c.text.label("use_embedded");
    if (draw) {
      Rect row{area.x, area.y + height + 8, area.w, 40};
      if (button(ui, "retry", row.cut_left(button_width(ui, retry, {.icon = Icon::retry}), 10), retry,
                 {.kind = ButtonKind::primary, .icon = Icon::retry}))
        view.data.retry();
      const float width = button_width(ui, embedded);
      if (width > row.w) row = {area.x, row.y + 46, area.w, 40};
      if (button(ui, "use-embedded", row.cut_left(std::min(width, row.w)), embedded)) view.data.use_embedded();
    }
    const bool two_rows = button_width(ui, retry, {.icon = Icon::retry}) + 10 + button_width(ui, embedded) > area.w;
    return height + 8 + 40 + (two_rows ? 46 : 0) + kGap;
  }
  if (data.embedded() && data.status() == CourseData::Status::ready)
    return callout(ui, area.min(), area.w, c.text.label("embedded"), CalloutKind::note, draw) + kGap;
  if (data.status() != CourseData::Status::loading) return 0;
  if (draw) {
    Rect box = area;
    box.h = 58;
    Rect in = card(ui, box, 14);
    std::string reading = format_percent(data.progress(), 0, language);
    if (data.received_bytes() > 0) reading = format_bytes(data.received_bytes(), language) + " · " + reading;
    Rect line = in.cut_top(18, 8);
    const TextStyle mono = ui.style(Type::mono_small);
    ui.text_in(line.cut_right(ui.measure(reading, mono).x + 2, 12), reading, mono, 1);
    ui.text_in(line, c.text.label("loading"), ui.style(Type::small));
    progress_line(ui, in.cut_top(4), float(data.progress()));
  }
  return 58 + kGap;
}

// -------------------------------------------------------------------------------------------------- settings

float settings_height(LessonContext& c, float width, SettingsShown shown) {
  const float inside = width - 34;
  const int count = int(sliders_of(shown).size()), columns = slider_columns(inside);
  const int rows = (count + columns - 1) / columns;
  float height = float(rows) * (labelled_slider_height((inside - 24 * float(columns - 1)) / float(columns)) + 6);
  if (shown.network) height += 8 + segmented_height(c.ui, inside, activation_names());
  if (shown.seed) height += 8 + seed_height(c);
  if (shown.stopping) height += 8 + (pill_width(c.ui, c.text.label("early_stopping")) + pill_width(c.ui, c.text.label("restore")) + 10 > inside ? 82.f : 38.f);
  return height + card_chrome_height();
}

void settings(LessonContext& c, TrainView& view, Rect area, SettingsShown shown) {
  Ui& ui = c.ui;
  TrainingSettings next = view.lab.settings();
  Rect in = card(ui, area, c.text.label("settings"), view.lab.pending() ? c.text.label("pending") : std::string_view());
  const std::vector<const Slider*> list = sliders_of(shown);
  const int columns = slider_columns(in.w);
  const float width = (in.w - 24 * float(columns - 1)) / float(columns), height = labelled_slider_height(width);
  for (std::size_t i = 0; i < list.size(); ++i) {
    const Slider& s = *list[i];
    const Rect row{in.x + float(int(i) % columns) * (width + 24), in.y + float(int(i) / columns) * (height + 6), width, height};
    double value = s.get(next);
    const std::string reading = s.decimals == -2   ? format_percent(value, 0, ui.language())
                                : s.decimals == -1 ? format_significant(value, 2, ui.language())
                                                   : format_integer((long long)value, ui.language());
    if (labelled_slider(ui, s.name, row, c.text.label(s.label), reading, value,
                        {.minimum = s.minimum, .maximum = s.maximum, .logarithmic = s.logarithmic, .integer = s.integer,
                         .spoken = c.text.label(s.label), .value_text = reading}))
      s.set(next, value);
  }
  const int rows = (int(list.size()) + columns - 1) / columns;
  in.cut_top(float(rows) * (height + 6), 8);
  if (shown.seed) {
    Rect row = in.cut_top(seed_height(c), 8);
    row.w = width;
    long long seed = (long long)next.seed;
    const std::string_view label = c.text.label("seed");
    if (stepper(ui, "seed", row.cut_right(std::min(190.f, row.w * 0.6f), 12), label, seed, 0, (long long)kLargestSeed))
      next.seed = std::uint64_t(seed);
    ui.text_in(row, label, ui.style(Type::small));
  }
  if (shown.network) {
    const auto names = activation_names();
    int chosen = 0;
    for (std::size_t i = 0; i < names.size(); ++i)
      if (activations()[i] == next.activation) chosen = int(i);
    if (segmented(ui, "activation", in.cut_top(segmented_height(ui, in.w, names)), names, chosen))
      next.activation = activations()[std::size_t(chosen)];
  }
  if (shown.stopping) {
    const std::string_view stop = c.text.label("early_stopping"), restore = c.text.label("restore");
    const float first = pill_width(ui, stop), second = pill_width(ui, restore);
    Rect row = in.cut_top(38, 6);
    if (pill(ui, "early_stopping", row.cut_left(std::min(first, row.w), 10), stop, next.early_stopping))
      next.early_stopping = !next.early_stopping;
    if (second > row.w) row = in.cut_top(38);
    if (pill(ui, "restore_best_weights", row.cut_left(std::min(second, row.w)), restore, next.restore_best_weights))
      next.restore_best_weights = !next.restore_best_weights;
  }
  if (!(next == view.lab.settings())) {
    view.lab.set_settings(next);
    c.app.mark_url();
  }
}

// ------------------------------------------------------------------------------------------------------ data

float data_stage_height(LessonContext&, TrainView&, float width) {
  return width < kNarrow ? card_chrome_height() + 300 + kGap + card_chrome_height() + width - 34 + 58 : 520;
}

void data_stage(LessonContext& c, TrainView& view, Rect area) {
  Ui& ui = c.ui;
  const Theme& t = ui.theme();
  const ImageSet* set = view.data.train().get();
  const bool narrow = area.w < kNarrow;
  Rect right = narrow ? area : area.cut_right(std::clamp(area.w * 0.46f, 260.f, 560.f), kGap);
  Rect left = narrow ? right.cut_top(card_chrome_height() + 300, kGap) : area;
  const int shown = set ? int(std::min<std::int64_t>(kGalleryImages, set->size())) : 0;

  const std::string count = set ? format_integer(set->size(), ui.language()) : std::string();
  Rect in = card(ui, left, c.text.label("images"), count);
  if (set) {
    const int key = (t.dark ? 1 : 0) + (view.data.embedded() ? 2 : 0);
    if (view.gallery_key != key) {
      view.gallery.update(t, std::span(set->pixels).first(std::size_t(shown) * 784), shown, 28, 28);
      view.gallery_key = key;
    }
    const GalleryLayout layout = gallery_layout(in.w, in.h, shown, 30, 52, 5);
    const GalleryHit hit = gallery(ui, "images", in, layout, view.gallery, 3, c.text.label("images"));
    if (hit.clicked && hit.index >= 0) view.chosen = hit.index;
    view.image = hit.index >= 0 ? hit.index : std::max(0, view.chosen);
    if (view.chosen >= 0 && view.chosen < layout.shown)
      ui.stroke(gallery_cell(in, layout, view.chosen).inset(-1.5f), t.accent, 4, 2);
  } else {
    progress_line(ui, in.cut_top(4), -1);
  }

  const int label = set ? int(set->labels[std::size_t(view.image)]) : -1;
  Rect chosen = card(ui, right, c.text.label("chosen"),
                     label >= 0 ? std::string(c.text.label("label")) + " " + std::to_string(label) : std::string());
  std::string counts;
  if (const TrainingState* state = view.lab.state())
    counts = format_integer(state->samples, ui.language()) + " · " + format_integer(state->validation_samples, ui.language()) + " · " +
             format_integer(view.data.test()->size(), ui.language());
  const TextStyle mono = ui.style(Type::mono_small), caption = ui.style(Type::caption);
  const std::string_view names = c.text.label("split_line");
  const float counts_width = ui.measure(counts, mono).x + 2;
  const bool one_line = ui.measure(names, caption).x + 12 + counts_width <= chosen.w;
  Rect foot = chosen.cut_bottom(one_line ? 20 : 38, 8);
  if (one_line)
    ui.text_in(foot.cut_right(counts_width, 12), counts, mono, 1);
  else
    ui.text_in(foot.cut_bottom(19), counts, mono);
  ui.text_in(foot, names, caption);
  if (!set) return;
  const Rect map = chosen.square();
  const auto image = set->image(view.image);
  std::array<float, 784> values;
  for (std::size_t i = 0; i < 784; ++i) values[i] = float(image[i]) / 255.f;
  ui.fill(map, mix(t.panel, t.background, 0.8f), 6);
  const int cell = heat_map(ui, "chosen", map, values, 28, 28, {.ground = false, .label = c.text.label("chosen")});
  const float unit = map.w / 28;
  if (unit > 15) {  // large enough to print each grey in its cell
    for (int i = 0; i < 784; ++i) {
      const Rect at = heat_map_cell(map, 28, 28, i);
      const float v = values[std::size_t(i)];
      const ImU32 ink = v > 0 ? ink_on(t, ink_scale(t, v)) : fade(t.soft, 0.88f);
      ui.text_in(at, std::to_string(image[std::size_t(i)]), {Face::mono, unit * 0.42f, ink, 0}, 0.5f);
    }
  }
  ui.stroke(map, t.line, 6);
  if (cell >= 0) {
    const Rect at = heat_map_cell(map, 28, 28, cell);
    ui.stroke(at, t.accent, 1, 2);
    const std::string grey = std::to_string(image[std::size_t(cell)]);
    ui.tooltip("chosen", at,
               {.title = std::string(c.text.label("raw")) + " " + grey,
                .value = format_number(double(values[std::size_t(cell)]), 3, ui.language()),
                .numbers = grey + " / 255 = " + format_number(double(values[std::size_t(cell)]), 3, ui.language())});
  }
}

// ----------------------------------------------------------------------------------------------------- build

float build_stage_height(LessonContext& c, TrainView&, float width) {
  const float control = settings_height(c, width, {.network = true});
  return control + kGap + (width < kNarrow ? 340.f : 380.f);
}

void build_stage(LessonContext& c, TrainView& view, Rect area) {
  Ui& ui = c.ui;
  const Theme& t = ui.theme();
  settings(c, view, area.cut_top(settings_height(c, area.w, {.network = true}), kGap), {.network = true});
  const TrainingSettings& s = view.lab.settings();
  const long long first = 784ll * s.units + s.units, second = 10ll * s.units + 10;
  const Rect in = card(ui, area, c.text.label("network"),
                       format_integer(first + second, ui.language()) + " " + std::string(c.text.label("parameters")));
  // Three columns of neurons and the wires between them; the hidden column grows with the slider.
  Rect picture = in;
  const Rect foot = picture.cut_bottom(44, 6);
  const int hidden = std::clamp(int(std::round(4.0 + 4.2 * std::log2(double(s.units) + 1))), 2, 34);
  struct Column {
    float x;
    int count;
    ImU32 color;
    std::string name;
  };
  const std::array<Column, 3> columns = {Column{picture.x + picture.w * 0.14f, 28, t.soft, "784"},
                                         Column{picture.x + picture.w * 0.5f, hidden, t.accent, std::to_string(s.units)},
                                         Column{picture.x + picture.w * 0.86f, 10, t.ink, "10"}};
  const auto place = [&](const Column& column, int i) {
    const float pitch = std::min(picture.h / float(column.count), 22.f);
    return ImVec2{column.x, picture.center().y + (float(i) - float(column.count - 1) / 2) * pitch};
  };
  for (std::size_t k = 0; k < 2; ++k)
    for (int i = 0; i < columns[k].count; ++i)
      for (int j = 0; j < columns[k + 1].count; ++j)
        ui.draw()->AddLine(place(columns[k], i), place(columns[k + 1], j), fade(k == 0 ? t.soft : t.accent, k == 0 ? 0.10f : 0.20f), 1);
  for (const Column& column : columns)
    for (int i = 0; i < column.count; ++i) {
      const float radius = std::clamp(std::min(picture.h / float(column.count), 22.f) * 0.34f, 2.f, 7.f);
      ui.draw()->AddCircleFilled(place(column, i), radius, t.panel, 16);
      ui.draw()->AddCircle(place(column, i), radius, column.color, 16, 1.5f);
    }
  const std::array<std::string, 3> sizes = {"", format_integer(first, ui.language()), format_integer(second, ui.language())};
  for (std::size_t k = 0; k < 3; ++k) {
    const Rect label{columns[k].x - in.w * 0.16f, foot.y, in.w * 0.32f, 20};
    ui.text_in(label, columns[k].name, {Face::mono, 15, t.ink, 0}, 0.5f);
  }
  for (std::size_t k = 1; k < 3; ++k) {
    const float middle = (columns[k - 1].x + columns[k].x) / 2;
    ui.text_in({middle - in.w * 0.17f, foot.y + 20, in.w * 0.34f, 20}, sizes[k], ui.style(Type::mono_small), 0.5f);
  }
}

// --------------------------------------------------------------------------------------------------- compile

float compile_stage_height(LessonContext& c, TrainView&, float width) {
  return settings_height(c, width, {.optimiser = true}) + kGap + (width < kNarrow ? 320.f : 360.f);
}

void compile_stage(LessonContext& c, TrainView& view, Rect area) {
  Ui& ui = c.ui;
  const Theme& t = ui.theme();
  settings(c, view, area.cut_top(settings_height(c, area.w, {.optimiser = true}), kGap), {.optimiser = true});
  const Rect in = card(ui, area, c.text.label("cost"), "−ln p");
  constexpr int kPoints = 200;
  constexpr float kUntrained = 0.1f;
  static const auto curve = [] {
    std::array<std::array<float, kPoints>, 2> points;
    for (int i = 0; i < kPoints; ++i) {
      const float p = 0.006f + (1 - 0.006f) * float(i) / (kPoints - 1);
      points[0][std::size_t(i)] = p, points[1][std::size_t(i)] = -std::log(p);
    }
    return points;
  }();
  const float at[1] = {kUntrained}, cost[1] = {-std::log(kUntrained)};
  const std::array<PlotSeries, 2> series = {
      PlotSeries{.name = "−ln p", .x = curve[0], .y = curve[1], .color = t.accent},
      PlotSeries{.name = c.text.label("untrained"), .x = at, .y = cost, .color = t.negative, .markers = true, .line = false}};
  const std::array<PlotCursor, 1> cursors = {PlotCursor{.x = kUntrained, .color = t.negative, .label = c.text.label("untrained")}};
  plot(ui, "cost", in, series,
       {.x_min = 0, .x_max = 1, .y_min = 0, .y_max = 5, .x_integer = false, .x_name = c.text.label("probability_correct"), .cursors = cursors});
}

}  // namespace neurona::app
