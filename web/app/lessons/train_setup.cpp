// The training lesson before the first batch: data, layers, loss and settings.
#include <algorithm>
#include <array>
#include <cmath>

#include "../control_view.hpp"
#include "../course_data.hpp"
#include "../data_notice.hpp"
#include "../guess.hpp"
#include "../widgets/controls.hpp"
#include "../widgets/heat_map.hpp"
#include "../widgets/plot.hpp"
#include "train_room.hpp"

namespace neurona::app {
namespace {

constexpr int kGalleryImages = 240;
constexpr float kNarrow = 560;
constexpr std::int64_t kManyParameters = 100'000;

// ------------------------------------------------------------------------------------------------------ data

class DataStep : public Step {
 public:
  explicit DataStep(TrainRoom& room) : room_(room) {}
  std::string_view id() const override { return "data"; }
  bool done(StepContext&) override { return chosen_ >= 0; }

  Block stage(StepContext& c) override {
    const ImageSet* set = room_.run().train_images();
    const std::string count = set ? format_integer(set->size(), c.ui.language()) : std::string();
    const std::string label = set ? c.word("label") + " " + std::to_string(int(set->labels[std::size_t(shown(*set))])) : std::string();
    std::vector<Block> cards, parts;
    cards.push_back(card(c.ui, c.word("images"), count, block(c.compact ? 300 : 380, [this, &c](Rect in) { draw_gallery(c, in); }))
                        .weighing(0.54f));
    cards.push_back(card(c.ui, c.word("chosen"), label, square(58, [this, &c](Rect in) { draw_chosen(c, in); }))
                        .weighing(0.46f)
                        .between(0, 560));
    parts.push_back(data_notice(c));
    parts.push_back(row(std::move(cards), {.fold_below = kNarrow}).sharing(1));
    return stage_of(c, std::move(parts));
  }

  std::string live_numbers(StepContext& c) override {
    const ImageSet* set = room_.run().train_images();
    if (!set) return {};
    const int gray = set->image(shown(*set))[14 * 28 + 14];
    return std::to_string(gray) + " / 255 = " + format_number(gray / 255.0, 3, c.ui.language());
  }

 private:
  std::int64_t shown(const ImageSet& set) const { return std::min<std::int64_t>(image_, set.size() - 1); }

  void draw_gallery(const StepContext& c, Rect in) {
    Ui& ui = c.ui;
    const ImageSet* set = room_.run().train_images();
    if (!set) return progress_line(ui, in.cut_top(4), -1);
    const int count = int(std::min<std::int64_t>(kGalleryImages, set->size()));
    if (sheet_of_ != set || sheet_dark_ != ui.theme().dark) {
      sheet_.update(ui.theme(), std::span(set->pixels).first(std::size_t(count) * 784), count, 28, 28);
      sheet_of_ = set, sheet_dark_ = ui.theme().dark;
    }
    const GalleryLayout layout = gallery_layout(in.w, in.h, count, 30, 52, 5);
    const GalleryHit hit = gallery(ui, "images", in, layout, sheet_, 3, c.label("images"));
    if (hit.clicked && hit.index >= 0) chosen_ = hit.index;
    image_ = hit.index >= 0 ? hit.index : std::max(0, chosen_);
    if (chosen_ >= 0 && chosen_ < layout.shown)
      ui.stroke(gallery_cell(in, layout, chosen_).inset(-1.5f), ui.theme().accent, 4, 2);
  }

  /// How many images there are of each kind, below the large image.
  void draw_counts(const StepContext& c, Rect& in) const {
    Ui& ui = c.ui;
    std::string counts;
    if (const TrainingState* state = room_.run().state())
      counts = format_integer(state->samples, ui.language()) + " · " + format_integer(state->validation_samples, ui.language()) +
               " · " + format_integer(room_.run().test_images()->size(), ui.language());
    const TextStyle mono = ui.style(Type::mono_small), caption = ui.style(Type::caption);
    const float width = ui.measure(counts, mono).x + 2;
    const bool one_line = ui.measure(c.label("split_line"), caption).x + 12 + width <= in.w;
    Rect foot = in.cut_bottom(one_line ? 20 : 38, 8);
    ui.text_in(one_line ? foot.cut_right(width, 12) : foot.cut_bottom(19), counts, mono, one_line ? 1.f : 0.f);
    ui.text_in(foot, c.label("split_line"), caption);
  }

  void draw_chosen(const StepContext& c, Rect in) const {
    Ui& ui = c.ui;
    const Theme& t = ui.theme();
    draw_counts(c, in);
    const ImageSet* set = room_.run().train_images();
    if (!set) return;
    const Rect map = in.square();
    const auto image = set->image(shown(*set));
    std::array<float, 784> values;
    for (std::size_t i = 0; i < 784; ++i) values[i] = float(image[i]) / 255.f;
    ui.fill(map, mix(t.panel, t.background, 0.8f), 6);
    const int cell = heat_map(ui, "chosen", map, values, 28, 28, {.ground = false, .label = c.label("chosen")});
    const float unit = map.w / 28;
    for (int i = 0; i < 784 && unit > 15; ++i) {  // large enough to print each gray in its cell
      const float v = values[std::size_t(i)];
      const ImU32 ink = v > 0 ? ink_on(t, ink_scale(t, v)) : fade(t.soft, 0.88f);
      ui.text_in(heat_map_cell(map, 28, 28, i), std::to_string(image[std::size_t(i)]), {Face::mono, unit * 0.42f, ink, 0}, 0.5f);
    }
    ui.stroke(map, t.line, 6);
    if (cell < 0) return;
    const Rect at = heat_map_cell(map, 28, 28, cell);
    ui.stroke(at, t.accent, 1, 2);
    const std::string gray = std::to_string(image[std::size_t(cell)]);
    const std::string scaled = format_number(double(values[std::size_t(cell)]), 3, ui.language());
    ui.tooltip("chosen", at, {.title = c.word("raw") + " " + gray, .value = scaled, .numbers = gray + " / 255 = " + scaled});
  }

  TrainRoom& room_;
  int image_ = 0;    // that is shown large: pointed at, else chosen
  int chosen_ = -1;  // -1: none yet
  ImageSheet sheet_;
  const ImageSet* sheet_of_ = nullptr;
  bool sheet_dark_ = false;
};

// ----------------------------------------------------------------------------------------------------- build

class BuildStep : public Step {
 public:
  explicit BuildStep(TrainRoom& room) : room_(room) {}
  std::string_view id() const override { return "build"; }
  bool done(StepContext&) override { return first() + second() > kManyParameters; }

  Block stage(StepContext& c) override {
    const std::string reading = format_integer(first() + second(), c.ui.language()) + " " + c.word("parameters");
    std::vector<Block> parts;
    parts.push_back(data_notice(c));
    parts.push_back(room_.settings_of(c, {&room_.units, &room_.activation}));
    parts.push_back(card(c.ui, c.word("network"), reading, block(300, [this, &c](Rect in) { draw_network(c.ui, in); })).sharing(1));
    return stage_of(c, std::move(parts));
  }

  std::string live_numbers(StepContext& c) override {
    const std::string h = std::to_string(room_.units.whole());
    return "784·" + h + " + " + h + " + " + h + "·10 + 10 = " + format_integer(first() + second(), c.ui.language());
  }

 private:
  std::int64_t first() const { return 785 * room_.units.whole(); }
  std::int64_t second() const { return 10 * room_.units.whole() + 10; }

  /// Three columns of neurons and the wires between them; the hidden column grows with the slider.
  void draw_network(Ui& ui, Rect in) const {
    const Theme& t = ui.theme();
    Rect picture = in;
    const Rect foot = picture.cut_bottom(44, 6);
    const double units = room_.units.value();
    const int hidden = std::clamp(int(std::round(4.0 + 4.2 * std::log2(units + 1))), 2, 34);
    struct Column {
      float x;
      int count;
      ImU32 color;
      std::string name;
    };
    const std::array<Column, 3> columns = {Column{picture.x + picture.w * 0.14f, 28, t.soft, "784"},
                                           Column{picture.x + picture.w * 0.5f, hidden, t.accent, std::to_string(int(units))},
                                           Column{picture.x + picture.w * 0.86f, 10, t.ink, "10"}};
    const auto pitch = [&](const Column& column) { return std::min(picture.h / float(column.count), 22.f); };
    const auto place = [&](const Column& column, int i) {
      return ImVec2{column.x, picture.center().y + (float(i) - float(column.count - 1) / 2) * pitch(column)};
    };
    for (std::size_t k = 0; k < 2; ++k)
      for (int i = 0; i < columns[k].count; ++i)
        for (int j = 0; j < columns[k + 1].count; ++j)
          ui.draw()->AddLine(place(columns[k], i), place(columns[k + 1], j), fade(k == 0 ? t.soft : t.accent, k == 0 ? 0.10f : 0.20f), 1);
    for (const Column& column : columns)
      for (int i = 0; i < column.count; ++i) {
        const float radius = std::clamp(pitch(column) * 0.34f, 2.f, 7.f);
        ui.draw()->AddCircleFilled(place(column, i), radius, t.panel, 16);
        ui.draw()->AddCircle(place(column, i), radius, column.color, 16, 1.5f);
      }
    const std::array<std::int64_t, 3> sizes = {0, first(), second()};
    for (std::size_t k = 0; k < 3; ++k) {
      ui.text_in({columns[k].x - in.w * 0.16f, foot.y, in.w * 0.32f, 20}, columns[k].name, {Face::mono, 15, t.ink, 0}, 0.5f);
      if (k == 0) continue;
      const float middle = (columns[k - 1].x + columns[k].x) / 2;
      ui.text_in({middle - in.w * 0.17f, foot.y + 20, in.w * 0.34f, 20}, format_integer(sizes[k], ui.language()), ui.style(Type::mono_small), 0.5f);
    }
  }

  TrainRoom& room_;
};

// --------------------------------------------------------------------------------------------------- compile

/// What a wrong answer costs; guess first what the untrained network pays.
class CompileStep : public Step {
 public:
  CompileStep(TrainRoom& room, Values& values)
      : room_(room), guess_(values, {.name = "untrained_loss", .minimum = 0, .maximum = 6, .initial = 1, .step = 0.05, .digits = 3}) {}
  std::string_view id() const override { return "compile"; }
  Guess* guess() override { return &guess_; }

  Block stage(StepContext& c) override {
    std::vector<Block> parts;
    parts.push_back(data_notice(c));
    parts.push_back(room_.settings_of(c, {&room_.learning_rate, &room_.batch_size, &room_.validation_split, &room_.epochs}));
    parts.push_back(card(c.ui, c.word("cost"), "−ln p", block(260, [this, &c](Rect in) { draw_cost(c, in); })).sharing(1));
    return stage_of(c, std::move(parts));
  }

  std::string live_numbers(StepContext& c) override {
    const double p = guess_.answer() ? 0.1 : 0.5;  // a tenth for each digit would tell the answer
    return "−ln " + format_number(p, 1, c.ui.language()) + " = " + format_number(-std::log(p), 2, c.ui.language());
  }

  bool work(Services& services, double budget_ms) override {
    if (!guess_.committed() || guess_.answer() || !room_.run().has_data()) return false;
    if (!exam_) exam_ = std::make_unique<UntrainedExam>(room_.settings(), room_.run());
    if (exam_->advance(budget_ms)) return true;
    guess_.set_answer(exam_->loss());
    exam_.reset();
    services.ui.request_frames();
    return false;
  }

 private:
  void draw_cost(const StepContext& c, Rect in) const {
    constexpr int kPoints = 200;
    static const auto curve = [] {
      std::array<std::array<float, kPoints>, 2> points;
      for (int i = 0; i < kPoints; ++i) {
        const float p = 0.006f + (1 - 0.006f) * float(i) / (kPoints - 1);
        points[0][std::size_t(i)] = p, points[1][std::size_t(i)] = -std::log(p);
      }
      return points;
    }();
    const Theme& t = c.ui.theme();
    std::vector<PlotSeries> series = {PlotSeries{.name = "−ln p", .x = curve[0], .y = curve[1], .color = t.accent}};
    // The untrained network stands on its curve once one has guessed: at the probability that costs as much.
    const float cost = guess_.answer() ? float(*guess_.answer()) : 0, p = std::exp(-cost);
    std::vector<PlotCursor> cursors;
    if (guess_.answer()) {
      series.push_back({.name = c.label("untrained"), .x = {&p, 1}, .y = {&cost, 1}, .color = t.negative, .markers = true, .line = false});
      cursors.push_back({.x = p, .color = t.negative, .label = c.label("untrained")});
    }
    plot(c.ui, "cost", in, series,
         {.x_min = 0, .x_max = 1, .y_min = 0, .y_max = 5, .x_integer = false, .x_name = c.label("probability_correct"), .cursors = cursors});
  }

  TrainRoom& room_;
  Guess guess_;
  std::unique_ptr<UntrainedExam> exam_;
};

}  // namespace

std::unique_ptr<Step> make_data_step(TrainRoom& room, Values&) { return std::make_unique<DataStep>(room); }
std::unique_ptr<Step> make_build_step(TrainRoom& room, Values&) { return std::make_unique<BuildStep>(room); }
std::unique_ptr<Step> make_compile_step(TrainRoom& room, Values& values) { return std::make_unique<CompileStep>(room, values); }

}  // namespace neurona::app
