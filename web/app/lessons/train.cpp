#include "train.hpp"

#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "../app.hpp"
#include "../widgets/controls.hpp"
#include "train_stages.hpp"

namespace neurona::app {
namespace {

enum Step { kData, kBuild, kCompile, kFit, kStopping, kEvaluate, kExams, kStepCount };

struct Stage {
  float (*height)(LessonContext&, TrainView&, float width);
  void (*draw)(LessonContext&, TrainView&, Rect);
};
constexpr Stage kStages[kStepCount] = {
    {data_stage_height, data_stage},       {build_stage_height, build_stage},
    {compile_stage_height, compile_stage}, {fit_stage_height, fit_stage},
    {stopping_stage_height, stopping_stage}, {evaluate_stage_height, evaluate_stage},
    {exams_stage_height, exams_stage}};

/// Buttons of a run that the step bar holds, or the stage where the bar is too narrow for them.
struct RunButton {
  std::string_view name, label;
};
constexpr RunButton kOneBatch{"batch", "one_batch"}, kOneEpoch{"epoch", "one_epoch"}, kNewSeed{"new-seed", "new_seed"};
constexpr float kButtonsInBar = 1000, kStageButton = 44, kGap = 14;

constexpr std::int64_t kManyParameters = 100'000;
constexpr float kGoodAccuracy = 0.95f;
constexpr double kNewsInterval = 0.1;  // seconds between frames and events of training: numbers must stay readable

std::string_view name_of(TrainingLab::Status status) {
  constexpr std::string_view kNames[] = {"no_data", "ready", "running", "paused", "finished", "stopped_early", "failed"};
  return kNames[std::size_t(status)];
}

bool read_number(std::string_view text, double& out) {
  const std::string copy(text);
  char* end = nullptr;
  out = std::strtod(copy.c_str(), &end);
  return !copy.empty() && end == copy.c_str() + copy.size() && std::isfinite(out);
}

bool read_flag(std::string_view text, bool& out) {
  const bool on = text == "true" || text == "1";
  if (on || text == "false" || text == "0") return out = on, true;
  return false;
}

/// A setting that is a number, by its public name.
struct NumberSetting {
  std::string_view name;
  double minimum, maximum;
  bool integer;
  double (*get)(const TrainingSettings&);
  void (*set)(TrainingSettings&, double);
};
constexpr NumberSetting kNumbers[] = {
    {"learning_rate", 1e-4, 100, false, [](const TrainingSettings& s) { return s.learning_rate; },
     [](TrainingSettings& s, double v) { s.learning_rate = v; }},
    {"units", 1, 512, true, [](const TrainingSettings& s) { return double(s.units); },
     [](TrainingSettings& s, double v) { s.units = int(v); }},
    {"batch_size", 1, 1024, true, [](const TrainingSettings& s) { return double(s.batch_size); },
     [](TrainingSettings& s, double v) { s.batch_size = int(v); }},
    {"validation_split", 0, 0.5, false, [](const TrainingSettings& s) { return s.validation_split; },
     [](TrainingSettings& s, double v) { s.validation_split = v; }},
    {"epochs", 1, 50, true, [](const TrainingSettings& s) { return double(s.epochs); },
     [](TrainingSettings& s, double v) { s.epochs = int(v); }},
    {"patience", 0, 10, true, [](const TrainingSettings& s) { return double(s.patience); },
     [](TrainingSettings& s, double v) { s.patience = int(v); }},
    {"seed", 0, 4294967295.0, true, [](const TrainingSettings& s) { return double(s.seed); },
     [](TrainingSettings& s, double v) { s.seed = std::uint64_t(v); }},
};

std::string plain(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}

class TrainLesson : public Lesson {
 public:
  std::string_view id() const override { return "train"; }

  void enter(LessonContext&) override { visible_ = true, v_.data.request(); }
  void leave(LessonContext&) override { visible_ = false; }

  bool advance(LessonContext& c, float budget_ms) override {
    const CourseData::Status data = v_.data.status();
    const double loaded = v_.data.progress();
    bool more = v_.data.advance(c.platform, double(budget_ms));
    if (v_.data.status() == CourseData::Status::ready && v_.data.train().get() != v_.lab.train_images())
      v_.lab.set_data(v_.data.train(), v_.data.test());
    const TrainingLab::Status before = v_.lab.status();
    more = v_.lab.advance(double(budget_ms)) || more;
    const double now = c.platform.now_seconds();
    const bool turned = v_.lab.status() != before || v_.data.status() != data || !more;
    news_ = news_ || v_.data.progress() != loaded || v_.data.status() != data;
    if ((news_ || v_.lab.revision() != told_) && (turned || now - told_at_ > kNewsInterval)) {
      told_ = v_.lab.revision(), told_at_ = now, news_ = false;
      c.platform.emit("training", training_json().dump());
      c.ui.request_frames(1);
    }
    return more;
  }

  float stage_height(LessonContext& c, float width) override {
    const float notice = data_notice(c, v_, {0, 0, width, 0}, false);
    return notice + (buttons_on_stage(c) ? kStageButton + kGap : 0) + kStages[std::size_t(c.step)].height(c, v_, width);
  }

  void stage(LessonContext& c, Rect area) override {
    v_.data.request();
    drawn_with_data_ = v_.lab.has_data();
    area.cut_top(data_notice(c, v_, area));
    if (buttons_on_stage(c)) stage_buttons(c, area.cut_top(kStageButton, kGap));
    kStages[std::size_t(c.step)].draw(c, v_, area);
  }

  float bar_width(LessonContext& c, float available) override {
    return trains(c) ? available : 0;
  }
  void bar(LessonContext& c, Rect area) override;

  std::string live_numbers(LessonContext& c) override {
    const Language l = c.ui.language();
    const TrainingSettings& s = v_.lab.settings();
    if (c.step == kBuild) {
      const long long first = 784ll * s.units + s.units, second = 10ll * s.units + 10;
      return "784·" + std::to_string(s.units) + " + " + std::to_string(s.units) + " + " + std::to_string(s.units) + "·10 + 10 = " +
             format_integer(first + second, l);
    }
    if (c.step == kCompile) return "−ln " + format_number(0.1, 1, l) + " = " + format_number(-std::log(0.1), 2, l);
    if (c.step == kData && v_.data.train()) {
      const ImageSet& set = *v_.data.train();
      const int grey = set.image(std::min<std::int64_t>(v_.image, set.size() - 1))[14 * 28 + 14];
      return std::to_string(grey) + " / 255 = " + format_number(grey / 255.0, 3, l);
    }
    return {};
  }

  bool check_passed(LessonContext& c) override {
    switch (c.step) {
      case kData: return v_.chosen >= 0;
      case kBuild: return 794ll * v_.lab.settings().units + v_.lab.settings().units + 10 > kManyParameters;
      case kCompile: return v_.lab.settings().learning_rate >= 5;
      case kFit:
        for (const EpochPoint& p : v_.lab.epochs())
          if (p.has_validation && p.val_accuracy >= kGoodAccuracy) return true;
        return false;
      case kStopping: return v_.lab.status() == TrainingLab::Status::stopped_early;
      case kEvaluate: return v_.looked_at_confusion;
      default: return false;
    }
  }

  std::string spoken(LessonContext& c) override {
    const TrainingState* state = v_.lab.state();
    if (!state || v_.lab.epochs().empty()) return {};
    const EpochPoint& p = v_.lab.epochs().back();
    const Language l = c.ui.language();
    return std::string(c.text.label("epoch")) + " " + std::to_string(int(p.epoch)) + ": " + std::string(c.text.label("spoken_loss")) + " " +
           format_number(double(p.loss), 2, l) + ", " + std::string(c.text.label("spoken_accuracy")) + " " +
           format_percent(double(p.accuracy), 1, l) + ".";
  }

  UrlState url_state(LessonContext&) const override {
    UrlState state;
    const TrainingSettings& s = v_.lab.settings();
    const TrainingSettings standard;
    for (const NumberSetting& number : kNumbers)
      if (number.get(s) != number.get(standard)) state.emplace_back(number.name, plain(number.get(s)));
    if (s.activation != standard.activation) state.emplace_back("activation", to_string(s.activation));
    if (s.early_stopping != standard.early_stopping) state.emplace_back("early_stopping", s.early_stopping ? "1" : "0");
    if (s.restore_best_weights != standard.restore_best_weights) state.emplace_back("restore_best_weights", s.restore_best_weights ? "1" : "0");
    return state;
  }

  void restore(LessonContext&, const UrlState& state) override {
    TrainingSettings s;
    for (const auto& [name, value] : state) {
      bool known = false;
      (void)set_setting(s, name, value, known);
    }
    v_.lab.set_settings(s);
  }

  std::string set_value(LessonContext&, std::string_view name, std::string_view value, bool& known) override {
    TrainingSettings s = v_.lab.settings();
    const std::string error = set_setting(s, name, value, known);
    if (known) {
      v_.lab.set_settings(s);
      return error;
    }
    known = name == "training";
    if (!known || act(value)) return {};
    return "training: received '" + std::string(value) + "', expected play, pause, batch, epoch, reset, evaluate or embedded.";
  }

  std::string state_json(LessonContext&) override {
    const TrainingSettings& s = v_.lab.settings();
    nlohmann::json values = {{"activation", to_string(s.activation)},
                             {"early_stopping", s.early_stopping},
                             {"restore_best_weights", s.restore_best_weights}};
    for (const NumberSetting& number : kNumbers) {
      const double value = number.get(s);
      values[std::string(number.name)] = number.integer ? nlohmann::json(std::int64_t(value)) : nlohmann::json(value);
    }
    constexpr const char* kStatus[] = {"idle", "loading", "failed", "ready"};
    CourseData::Status status = v_.data.status();
    // What the door calls ready can be pressed: the data are taken in, and a frame has shown it.
    const bool usable = v_.lab.has_data() && (drawn_with_data_ || !visible_);
    if (status == CourseData::Status::ready && !usable) status = CourseData::Status::loading;
    const nlohmann::json data = {{"status", kStatus[std::size_t(status)]},
                                 {"source", v_.data.embedded() ? "embedded" : "mnist"},
                                 {"progress", v_.data.progress()},
                                 {"error", v_.data.error()},
                                 {"train", v_.data.train() ? v_.data.train()->size() : 0},
                                 {"test", v_.data.test() ? v_.data.test()->size() : 0}};
    return nlohmann::json{{"training", training_json()}, {"data", data}, {"values", values}}.dump();
  }

 private:
  /// Changes one setting. Returns what is wrong with the value; `known` tells whether there is such a setting.
  static std::string set_setting(TrainingSettings& s, std::string_view name, std::string_view value, bool& known) {
    known = true;
    const auto wrong = [&](const std::string& expected) {
      return std::string(name) + ": received '" + std::string(value) + "', expected " + expected + ".";
    };
    for (const NumberSetting& number : kNumbers) {
      if (number.name != name) continue;
      double parsed = 0;
      if (!read_number(value, parsed) || parsed < number.minimum || parsed > number.maximum ||
          (number.integer && parsed != std::floor(parsed)))
        return wrong((number.integer ? "a whole number from " : "a number from ") + plain(number.minimum) + " to " + plain(number.maximum));
      number.set(s, parsed);
      return {};
    }
    if (name == "activation") {
      for (const Activation a : {Activation::sigmoid, Activation::tanh, Activation::relu, Activation::selu, Activation::linear})
        if (to_string(a) == value) {
          s.activation = a;
          return {};
        }
      return wrong("sigmoid, tanh, relu, selu or linear");
    }
    if (name == "early_stopping" || name == "restore_best_weights") {
      bool& flag = name == "early_stopping" ? s.early_stopping : s.restore_best_weights;
      return read_flag(value, flag) ? std::string() : wrong("true or false");
    }
    known = false;
    return {};
  }

  bool act(std::string_view action) {
    if (action == "play") v_.lab.start(TrainingLab::Goal::run);
    else if (action == "pause") v_.lab.pause();
    else if (action == "batch") v_.lab.start(TrainingLab::Goal::batch);
    else if (action == "epoch") v_.lab.start(TrainingLab::Goal::epoch);
    else if (action == "reset") v_.lab.reset();
    else if (action == "evaluate") v_.lab.evaluate();
    else if (action == "embedded") v_.data.use_embedded();
    else if (action == "retry") v_.data.retry();
    else return false;
    return true;
  }

  static bool trains(const LessonContext& c) { return c.step == kFit || c.step == kStopping; }
  /// The step bar of a narrow window has no room for them.
  static bool buttons_on_stage(const LessonContext& c) { return trains(c) && c.ui.screen().w < kButtonsInBar; }

  /// Moves a run on: one batch, one epoch, or back to the start with another seed.
  void run_button(LessonContext& c, Rect rect, const RunButton& b) {
    const bool enabled = v_.lab.has_data() && v_.lab.status() != TrainingLab::Status::running;
    if (!button(c.ui, b.name, rect, c.text.label(b.label), {.enabled = enabled})) return;
    if (b.name != kNewSeed.name) {
      act(b.name);
      return;
    }
    TrainingSettings next = v_.lab.settings();
    next.seed = (next.seed + 1) & 0xffffffff;
    v_.lab.set_settings(next);
    v_.lab.reset();
    c.app.mark_url();
  }

  void stage_buttons(LessonContext& c, Rect row) {
    constexpr RunButton kAll[] = {kOneBatch, kOneEpoch, kNewSeed};
    float spare = row.w + 8;
    for (const RunButton& b : kAll) spare -= button_width(c.ui, c.text.label(b.label)) + 8;
    const float wider = std::min(spare / 3, 40.f);  // or narrower, where they would not fit
    for (const RunButton& b : kAll) run_button(c, row.cut_left(button_width(c.ui, c.text.label(b.label)) + wider, 8), b);
  }

  nlohmann::json training_json() const {
    nlohmann::json json = {{"status", name_of(v_.lab.status())}, {"error", v_.lab.error()}, {"pending", v_.lab.pending()}};
    if (const TrainingState* state = v_.lab.state()) {
      json["epoch"] = v_.lab.epochs().size();
      json["epochs"] = state->epochs;
      json["batch"] = state->batch;
      json["batches"] = state->batches;
      json["validating"] = v_.lab.validating();
      json["samples_per_second"] = std::round(v_.lab.samples_per_second());
      // Between two epochs the numbers are those of the one that ended.
      const bool between = state->batch == 0 && !v_.lab.history().epochs.empty();
      for (const auto& [name, value] : between ? v_.lab.history().epochs.back() : state->logs) json[name] = value;
    }
    if (!v_.lab.epochs().empty() && v_.lab.epochs().back().has_validation) {
      json["val_loss"] = v_.lab.epochs().back().val_loss;
      json["val_accuracy"] = v_.lab.epochs().back().val_accuracy;
    }
    const TrainingLab::Judgement& j = v_.lab.judgement();
    json["evaluating"] = v_.lab.evaluating();
    if (j.complete) json["test_loss"] = j.loss, json["test_accuracy"] = j.accuracy, json["test_current"] = v_.lab.judgement_current();
    return json;
  }

  TrainView v_;
  int told_ = -1;      // the lab's revision that was told last
  bool news_ = false;  // of the data
  bool visible_ = false, drawn_with_data_ = false;
  double told_at_ = -1;
};

void TrainLesson::bar(LessonContext& c, Rect area) {
  Ui& ui = c.ui;
  TrainingLab& lab = v_.lab;
  const bool data = lab.has_data(), running = lab.status() == TrainingLab::Status::running, whole = !buttons_on_stage(c);
  const float height = c.compact ? 44.f : 38.f;
  Rect row{area.x, area.center().y - height / 2, area.w, height};
  if (button(ui, running ? "pause" : "play", row.cut_left(c.compact ? 48.f : 52.f, 8), {},
             {.icon = running ? Icon::pause : Icon::play, .enabled = data, .spoken = c.text.label(running ? "pause" : "play")}))
    act(running ? "pause" : "play");
  if (whole)
    for (const RunButton& b : {kOneBatch, kOneEpoch}) run_button(c, row.cut_left(button_width(ui, c.text.label(b.label)), 8), b);
  if (button(ui, "reset", row.cut_left(c.compact ? 48.f : 44.f, 8), {},
             {.icon = Icon::reset, .enabled = data, .spoken = c.text.label("reset")}))
    act("reset");
  if (const float width = button_width(ui, c.text.label(kNewSeed.label)); whole && row.w - width > 100)
    run_button(c, row.cut_left(width, 8), kNewSeed);
  if (const TrainingState* state = lab.state(); state && row.w > 40) {
    const std::int64_t done = std::int64_t(lab.epochs().size()) < state->epochs
                                  ? std::int64_t(lab.epochs().size()) * state->batches + (lab.validating() ? 0 : state->batch) +
                                        (lab.validating() ? state->batches : 0)
                                  : state->epochs * state->batches;
    const std::int64_t all = state->epochs * state->batches;
    const std::string reading = std::string(c.text.label("batch")) + " " + format_integer(std::min(done, all), ui.language()) + " / " +
                                format_integer(all, ui.language());
    const TextStyle mono = ui.style(Type::mono_small);
    const float width = ui.measure(reading, mono).x + 2;
    if (row.w > width + 60) ui.text_in(row.cut_right(width, 14), reading, mono, 1);
    progress_line(ui, {row.x + 6, row.center().y - 2, std::max(20.f, row.w - 10), 4}, float(done) / float(std::max<std::int64_t>(all, 1)));
  }
}

}  // namespace

std::unique_ptr<Lesson> make_train_lesson() { return std::make_unique<TrainLesson>(); }

}  // namespace neurona::app
