// The training lesson after the network has learned: the exam, and its three marks.
#include <algorithm>
#include <array>

#include "../data_notice.hpp"
#include "../widgets/confusion_matrix.hpp"
#include "../widgets/controls.hpp"
#include "../widgets/heat_map.hpp"
#include "train_room.hpp"

namespace neurona::app {
namespace {

constexpr float kNarrow = 560;
constexpr std::size_t kGalleryErrors = 200;
constexpr float kStaleVeil = 0.5f;  // over what is of an earlier network

bool is_stale(const Experiment& lab) { return lab.judgement().complete && !lab.judgement_current(); }

// -------------------------------------------------------------------------------------------------- evaluate

class EvaluateStep : public Step {
 public:
  explicit EvaluateStep(TrainRoom& room) : room_(room) {}
  std::string_view id() const override { return "evaluate"; }
  bool done(StepContext&) override { return looked_; }

  Block stage(StepContext& c) override {
    const Experiment& lab = room_.run();
    const Judgement& j = lab.judgement();
    const Language l = c.ui.language();
    std::string read = j.complete ? format_integer((long long)j.predicted.size(), l) : std::string();
    if (is_stale(lab)) read = c.word("stale");
    const bool cell = truth_ >= 0;
    std::string title = c.word("wrong"), count;
    if (cell) title = c.word("wrong_cell") + " " + std::to_string(truth_) + " " + c.word("said") + " " + std::to_string(predicted_);
    if (j.complete) count = format_integer(cell ? (long long)(j.confusion[index()]) : (long long)(j.misclassified.size()), l);
    std::vector<Block> cards, parts;
    Block matrix = square(0, [this, &c](Rect in) { draw_matrix(c, in); });
    if (!c.compact) matrix.least = [](float) { return 340.f; };
    cards.push_back(card(c.ui, c.word("confusion"), read, std::move(matrix)).weighing(0.58f));
    cards.push_back(card(c.ui, title, count, block(200, [this, &c](Rect in) { draw_images(c, in); })).weighing(0.42f));
    parts.push_back(data_notice(c));
    parts.push_back(room_.exam_bar(c));
    parts.push_back(row(std::move(cards), {.fold_below = kNarrow}).sharing(1));
    return stage_of(c, std::move(parts));
  }

 private:
  std::size_t index() const { return std::size_t(truth_ * 10 + predicted_); }

  void draw_matrix(const StepContext& c, Rect in) {
    Ui& ui = c.ui;
    const Judgement& j = room_.run().judgement();
    const ConfusionHit hit = confusion_matrix(ui, "confusion", in, j.confusion, 10,
                                              {.truth = c.label("truth"),
                                               .predicted = c.label("predicted"),
                                               .label = c.label("confusion"),
                                               .selected_truth = truth_,
                                               .selected_predicted = predicted_});
    if (is_stale(room_.run())) ui.fill(in, fade(ui.theme().panel, kStaleVeil));
    if (hit.truth < 0 || !j.complete) return;
    const int count = j.confusion[std::size_t(hit.truth * 10 + hit.predicted)];
    ui.tooltip("confusion", hit.cell,
               {.title = c.word("truth") + " " + std::to_string(hit.truth) + " · " + c.word("predicted") + " " + std::to_string(hit.predicted),
                .value = format_integer(count, ui.language()),
                .source = is_stale(room_.run()) ? c.word("stale") : std::string()});
    if (!hit.clicked) return;
    const bool same = hit.truth == truth_ && hit.predicted == predicted_;
    truth_ = same ? -1 : hit.truth, predicted_ = same ? -1 : hit.predicted;
    looked_ = looked_ || (!same && hit.truth != hit.predicted);
  }

  /// The images of the chosen cell, or all the misread ones.
  std::vector<std::int32_t> chosen() const {
    const Judgement& j = room_.run().judgement();
    std::vector<std::int32_t> out;
    if (!j.complete) return out;
    if (truth_ < 0) {
      out.assign(j.misclassified.begin(), j.misclassified.begin() + std::ptrdiff_t(std::min(j.misclassified.size(), kGalleryErrors)));
      return out;
    }
    for (std::size_t i = 0; i < j.predicted.size() && out.size() < kGalleryErrors; ++i)
      if (room_.run().test_images()->labels[i] == truth_ && j.predicted[i] == predicted_) out.push_back(std::int32_t(i));
    return out;
  }

  void draw_images(const StepContext& c, Rect in) {
    Ui& ui = c.ui;
    const Theme& t = ui.theme();
    const Judgement& j = room_.run().judgement();
    const std::vector<std::int32_t> images = chosen();
    if (images.empty()) {
      if (j.complete) ui.text_in({in.x, in.y, in.w, 22}, c.label("no_errors"), ui.style(Type::small));
      return;
    }
    const ImageSet& test = *room_.run().test_images();
    const int key = ((j.serial * 11 + truth_ + 1) * 11 + predicted_ + 1) * 2 + (t.dark ? 1 : 0);
    if (sheet_key_ != key) {
      std::vector<std::uint8_t> pixels;
      for (const std::int32_t i : images) pixels.insert(pixels.end(), test.image(i).begin(), test.image(i).end());
      sheet_.update(t, pixels, int(images.size()), 28, 28);
      sheet_key_ = key;
    }
    const GalleryLayout layout = gallery_layout(in.w, in.h, int(images.size()), 44, 64, 8);
    const GalleryHit seen = gallery(ui, "wrong", in, layout, sheet_, 4, c.label("wrong"));
    if (is_stale(room_.run())) ui.fill(in, fade(t.panel, kStaleVeil));
    if (seen.index < 0) return;
    const auto i = std::size_t(images[std::size_t(seen.index)]);
    ui.tooltip("wrong", gallery_cell(in, layout, seen.index),
               {.title = c.word("truth") + " " + std::to_string(test.labels[i]),
                .value = c.word("predicted") + " " + std::to_string(j.predicted[i]),
                .source = "test[" + std::to_string(i) + "]"});
  }

  TrainRoom& room_;
  int truth_ = -1, predicted_ = -1;  // the chosen cell
  bool looked_ = false;
  ImageSheet sheet_;
  int sheet_key_ = -1;
};

// ----------------------------------------------------------------------------------------------------- exams

class ExamsStep : public Step {
 public:
  explicit ExamsStep(TrainRoom& room) : room_(room) {}
  std::string_view id() const override { return "three-exams"; }

  Block stage(StepContext& c) override {
    std::vector<Block> parts;
    parts.push_back(data_notice(c));
    parts.push_back(room_.exam_bar(c));
    parts.push_back(card(c.ui, c.word("exams"), c.word("accuracy"), block(260, [this, &c](Rect in) { draw_bars(c, in); })));
    if (!c.compact) parts.push_back(room_.view.curve(c, true).sharing(1));  // how the first two marks came about
    return stage_of(c, std::move(parts));
  }

 private:
  struct Exam {
    std::string name;
    double accuracy;  // below 0: not taken yet
    ImU32 color, ink;
  };

  std::array<Exam, 3> exams(const StepContext& c) const {
    const Theme& t = c.ui.theme();
    const Experiment& lab = room_.run();
    const EpochPoint* epoch = lab.weights_epoch();
    const bool best = epoch && epoch != &lab.epochs()[lab.epochs_ended() - 1], stale = is_stale(lab);
    const double training = epoch ? double(epoch->accuracy) : -1;
    const double validation = epoch && epoch->has_validation ? double(epoch->val_accuracy) : -1;
    return {Exam{c.word(best ? "exam_training_best" : "exam_training"), training, t.accent, t.ink},
            Exam{c.word("exam_validation"), validation, t.negative, t.ink},
            Exam{stale ? c.word("test") + " · " + c.word("stale") : c.word("exam_test"),
                 lab.judgement().complete ? lab.judgement().accuracy : -1, stale ? t.rest : t.ink, stale ? t.soft : t.ink}};
  }

  void draw_bars(const StepContext& c, Rect in) const {
    Ui& ui = c.ui;
    // Bars begin at 80 %: the differences are what matters here, and the scale says so.
    constexpr double kFrom = 0.8;
    const Rect scale = in.cut_bottom(22, 6);
    int i = 0;
    for (const Exam& exam : exams(c)) {
      Rect row = in.row(i, 3, 10);
      Rect head = row.cut_top(22, 6);
      const std::string reading = exam.accuracy < 0 ? "–" : format_number(exam.accuracy, 4, ui.language());
      ui.text_in(head.cut_right(70, 10), reading, ui.style(Type::mono).with(exam.ink), 1);
      ui.text_in(head, exam.name, ui.style(Type::small));
      const Rect track = row.cut_top(std::min(18.f, row.h));
      ui.fill(track, ui.theme().track, 5);
      const float share = exam.accuracy < 0 ? 0.f : float(std::clamp((exam.accuracy - kFrom) / (1 - kFrom), 0.0, 1.0));
      const float shown = ui.animate("exam" + std::to_string(i++), share);
      if (share > 0) ui.fill({track.x, track.y, std::max(6.f, track.w * shown), track.h}, exam.color, 5);
    }
    const TextStyle mono = ui.style(Type::mono_small);
    for (const double at : {0.0, 0.5, 1.0}) ui.text_in(scale, format_percent(kFrom + (1 - kFrom) * at, 0, ui.language()), mono, float(at));
  }

  TrainRoom& room_;
};

}  // namespace

std::unique_ptr<Step> make_evaluate_step(TrainRoom& room, Values&) { return std::make_unique<EvaluateStep>(room); }
std::unique_ptr<Step> make_exams_step(TrainRoom& room, Values&) { return std::make_unique<ExamsStep>(room); }

}  // namespace neurona::app
