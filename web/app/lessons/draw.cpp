#include "draw.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "../digit_reader.hpp"
#include "../widgets/controls.hpp"
#include "../widgets/heat_map.hpp"
#include "digit_parts.hpp"
#include "layer_strip.hpp"
#include "occlusion.hpp"

namespace neurona::app {
namespace {

constexpr float kNarrow = 620;  // below, everything stands in one column
constexpr float kLow = 470;     // a window lower than this is a phone on its side

/// The pad at the left, what it leads to at the right; on a phone one below the other.
class PadStep : public Step {
 public:
  explicit PadStep(std::string_view id, float pad_share) : id_(id), pad_share_(pad_share) {}
  std::string_view id() const override { return id_; }
  TextPlace text_place() const override { return TextPlace::within; }

  Block stage(StepContext& c) override {
    const bool low = !c.compact && c.ui.screen().h < kLow;
    std::vector<Block> left, right;
    (low ? right : left).push_back(head_text(c));
    if (!low) left.push_back(space(2));
    // A short window scrolls; the pad is to be seen whole all the same.
    const float most = std::max(190.f, c.ui.screen().h - (low ? 100 : 190));
    left.push_back(pad_block(c).sharing(1).at_most(most));
    for (Block& b : instruments(c)) right.push_back(std::move(b));
    std::vector<Block> halves;
    halves.push_back(column(std::move(left)).weighing(pad_share_));
    halves.push_back(column(std::move(right)).weighing(1 - pad_share_));
    return row(std::move(halves), {.gap = c.compact ? kGap : 22, .fold_below = kNarrow});
  }

  std::string spoken(StepContext& c) override {
    const Prediction& p = c.services.digit.prediction();
    if (p.label < 0) return c.word("spoken_empty");
    const double share = double(p.probabilities[std::size_t(p.label)]);
    return c.word("spoken_reads") + " " + std::to_string(p.label) + ", " + format_percent(share, 0, c.ui.language()) + ".";
  }

 protected:
  virtual std::vector<Block> instruments(StepContext& c) = 0;

 private:
  std::string_view id_;
  float pad_share_;
};

/// What the network reads, layer by layer.
class DrawStep : public PadStep {
 public:
  explicit DrawStep(Choice& network) : PadStep("draw", 0.5f), network_(network) {}

 private:
  std::vector<Block> instruments(StepContext& c) override {
    const std::string_view hover = c.label(c.ui.touch() || c.compact ? "tap" : "hover");
    Block strip = block([&c](float width) { return LayerStrip::height(c.services.digit.at_rest(), width); },
                        [this, &c](Rect in) { strip_.draw(c, in); });
    std::vector<Block> out;
    out.push_back(reading_block(c, network_).sharing(2));
    out.push_back(card(c.ui, c.word("layers"), std::string(hover), std::move(strip)).sharing(1).at_most(290));
    return out;
  }

  Choice& network_;
  LayerStrip strip_;
};

/// What arrives at the network.
class PreparedStep : public PadStep {
 public:
  PreparedStep() : PadStep("prepared", 0.46f) {}

 private:
  std::vector<Block> instruments(StepContext& c) override {
    std::vector<Block> out;
    Block map = prepared_block(c).sharing(1);
    if (!c.compact) map.least = [](float) { return 260.f; };
    out.push_back(std::move(map));
    return out;
  }
};

/// Which parts of the stroke hold the reading up.
class WhyStep : public PadStep {
 public:
  explicit WhyStep(Choice& network) : PadStep("why", 0.46f), network_(network) {}

  bool work(Services& services, double budget_ms) override {
    Recognizer* network = services.digit.recognizer();
    const Prediction& p = services.digit.prediction();
    if (!network || p.label < 0) {
      occlusion_.reset();
      return false;
    }
    const bool more =
        occlusion_.advance(*network, services.digit.prepared(), services.digit.serial(), p, float(budget_ms));
    if (more || covering_) services.ui.request_frames(1);
    return covering_ = more;
  }

 private:
  std::vector<Block> instruments(StepContext& c) override {
    const Prediction& p = c.services.digit.prediction();
    const std::string title = p.label < 0 ? c.word("why") : c.word("why_digit") + " " + std::to_string(p.label) + "?";
    Block map = square(42, [this, &c, title](Rect in) { draw_map(c, in, title); });
    if (!c.compact) map.least = [](float) { return 200.f; };
    std::vector<Block> out;
    out.push_back(card(c.ui, title, p.label < 0 ? std::string() : c.word("patch"), std::move(map)).sharing(1.2f));
    out.push_back(reading_block(c, network_).sharing(1).at_most(340));
    return out;
  }

  void draw_map(const StepContext& c, Rect in, const std::string& title) {
    Ui& ui = c.ui;
    const Theme& t = ui.theme();
    const DigitReader& digit = c.services.digit;
    const Rect foot = in.cut_bottom(34, 8), map = in.square();
    ui.fill(map, mix(t.panel, t.background, 0.8f), 6);
    if (digit.prediction().label < 0) {
      ui.text_in({map.x, map.center().y - 12, map.w, 24}, c.label("draw_first"), ui.style(Type::small), 0.5f);
      ui.stroke(map, t.line, 6);
      return;
    }
    std::array<float, 784> values;
    for (std::size_t i = 0; i < 784; ++i) values[i] = float(digit.prepared()[i]) / 255.f * 0.5f;
    const int cell = heat_map(ui, "occlusion", map, values, 28, 28, {.ground = false, .label = title});
    draw_effect(ui, map);
    ui.stroke(map, t.line, 6);
    if (cell >= 0) show_patch(c, map, cell % 28 / 2, cell / 56);
    draw_key(ui, foot.row(0, 2, 0), t.positive, c.label("helps"));
    draw_key(ui, foot.row(1, 2, 0), t.negative, c.label("hinders"));
  }

  void draw_effect(Ui& ui, Rect map) const {
    const float unit = map.w / Occlusion::kGrid;
    const auto edge = [&](float cells) { return std::round(cells * unit * ui.density()) / ui.density(); };
    const std::vector<float>& effect = occlusion_.effect();
    for (std::size_t i = 0; i < effect.size(); ++i) {
      const float strength = std::min(1.f, std::fabs(effect[i]));
      if (strength < 0.03f) continue;
      const ImU32 color = fade(effect[i] > 0 ? ui.theme().positive : ui.theme().negative, 0.12f + 0.68f * strength);
      const float x = float(i % Occlusion::kGrid), y = float(i / Occlusion::kGrid);
      ui.fill({map.x + edge(x), map.y + edge(y), edge(x + 1) - edge(x), edge(y + 1) - edge(y)}, color);
    }
  }

  void show_patch(const StepContext& c, Rect map, int column, int row) const {
    Ui& ui = c.ui;
    const float unit = map.w / 28, size = Occlusion::kPatch * unit;
    const Rect patch =
        Rect{map.x + float(column * 2 - 2) * unit, map.y + float(row * 2 - 2) * unit, size, size}.clipped(map);
    ui.stroke(patch, ui.theme().accent, 2, 2);
    const auto index = std::size_t(row * Occlusion::kGrid + column);
    if (index >= occlusion_.probability().size()) return;
    const Prediction& p = c.services.digit.prediction();
    const double before = double(p.probabilities[std::size_t(p.label)]),
                 after = double(occlusion_.probability()[index]);
    const std::string now = format_percent(after, 1, ui.language());
    ui.tooltip("occlusion", patch,
               {.title = c.word("covered"),
                .value = now,
                .text = c.word(after < before ? "covered_less" : "covered_more"),
                .numbers = format_percent(before, 1, ui.language()) + " → " + now});
  }

  static void draw_key(Ui& ui, Rect row, ImU32 color, std::string_view text) {
    ui.fill({row.x, row.center().y - 5, 10, 10}, fade(color, 0.75f), 3);
    row.cut_left(17);
    ui.text_in(row, text, ui.style(Type::small).at(12.5f));
  }

  Choice& network_;
  Occlusion occlusion_;
  bool covering_ = false;
};

class DrawLesson : public Lesson {
 public:
  DrawLesson() {
    add_step<DrawStep>(network_);
    add_step<PreparedStep>();
    add_step<WhyStep>(network_);
  }
  std::string_view id() const override { return "draw"; }
  void apply(Services& services) override { services.digit.choose(kNetworkKinds[std::size_t(network_.index())]); }

 private:
  Choice network_{values(), {.name = "network", .options = {"cnn", "mlp"}}};
};

}  // namespace

std::unique_ptr<Lesson> make_draw_lesson() { return std::make_unique<DrawLesson>(); }

}  // namespace neurona::app
