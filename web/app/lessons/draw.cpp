#include "draw.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "../app.hpp"
#include "../rich_text.hpp"
#include "../widgets/bar_list.hpp"
#include "../widgets/callout.hpp"
#include "../widgets/controls.hpp"
#include "../widgets/draw_pad.hpp"
#include "../widgets/heat_map.hpp"
#include "layer_strip.hpp"
#include "occlusion.hpp"

namespace neurona::app {
namespace {

constexpr float kGap = 14;
constexpr float kNarrow = 620;    // below, everything stands in one column
constexpr float kFootLine = 18, kFootGap = 10;  // below the bars: what the network costs, and what the other one says
constexpr std::array<std::string_view, kNetworkKinds.size()> kNetworkTitles{"CNN", "MLP"};

class DrawLesson : public Lesson {
 public:
  std::string_view id() const override { return "draw"; }
  bool full_width(int) const override { return true; }

  bool advance(LessonContext& c, float budget_ms) override {
    // Only looked at in the last step; it costs about two hundred predictions.
    if (c.text.id != "draw" || c.step != 2 || !visible_) return false;
    Recognizer* network = c.app.digit().recognizer();
    if (!network || c.app.digit().prediction().label < 0) {
      occlusion_.reset();
      return false;
    }
    const bool more = occlusion_.advance(*network, c.app.digit().prepared(), c.app.digit().serial(),
                                         c.app.digit().prediction(), budget_ms);
    if (more || covering_) c.ui.request_frames(1);
    return covering_ = more;
  }
  void enter(LessonContext&) override { visible_ = true; }
  void leave(LessonContext&) override { visible_ = false; }

  float stage_height(LessonContext& c, float width) override {
    if (width < kNarrow) {
      const float pad = pad_height(c, width);
      float height = head_height(c, width) + 14 + pad + kGap;
      if (c.step == 0) height += bars_height(true) + kGap + strip_height(c, width);
      if (c.step == 1) height += card_chrome_height() + width - 34 + 26;
      if (c.step == 2) height += card_chrome_height() + width - 34 + 60 + kGap + bars_height(true);
      return height;
    }
    return c.step == 2 ? 620 : 560;
  }

  void stage(LessonContext& c, Rect area) override {
    if (area.w < kNarrow)
      narrow(c, area);
    else
      wide(c, area);
  }

  UrlState url_state(LessonContext& c) const override {
    const NetworkKind kind = c.app.digit().chosen();
    return kind == NetworkKind::cnn ? UrlState{} : UrlState{{"network", std::string(to_string(kind))}};
  }
  void restore(LessonContext& c, const UrlState& state) override {
    c.app.digit().choose(network_kind_from(value_of(state, "network")).value_or(NetworkKind::cnn));
  }
  std::string set_value(LessonContext& c, std::string_view name, std::string_view value, bool& known) override {
    known = name == "network";
    if (!known) return {};
    const auto kind = network_kind_from(value);
    if (!kind) return "network: received '" + std::string(value) + "', expected 'cnn' or 'mlp'.";
    c.app.digit().choose(*kind);
    return {};
  }
  std::string state_json(LessonContext& c) override {
    return "{\"values\":{\"network\":\"" + std::string(to_string(c.app.digit().chosen())) + "\"}}";
  }

  std::string spoken(LessonContext& c) override {
    const Prediction& p = c.app.digit().prediction();
    if (p.label < 0) return std::string(c.text.label("spoken_empty"));
    return std::string(c.text.label("spoken_reads")) + " " + std::to_string(p.label) + ", " +
           format_percent(double(p.probabilities[std::size_t(p.label)]), 0, c.ui.language()) + ".";
  }

 private:
  static float pad_height(LessonContext& c, float width) {
    // On a phone on its side, too, the pad is to be seen whole between the bars.
    return std::min(std::clamp(width * 0.98f, 280.f, 470.f), std::max(220.f, c.ui.screen().h - 130));
  }
  static float bars_height(bool compact) { return card_chrome_height() + bar_list_height(10, compact) + kFootGap + 2 * kFootLine; }
  static float strip_height(LessonContext& c, float width) {
    return card_chrome_height() + LayerStrip::height(c.app.digit().at_rest(), width - 34);
  }

  RichTextOptions subtitle(Ui& ui) {
    return {.style = ui.style(Type::body).with(ui.theme().soft), .leading = 1.45f};
  }
  RichTextOptions heading(Ui& ui) { return {.style = ui.style(Type::heading), .leading = 1.15f}; }

  float head_height(LessonContext& c, float width) {
    const StepText& step = c.text.steps[std::size_t(c.step)];
    return measure_rich_text(c.ui, step.title, width, heading(c.ui)) + 4 +
           measure_rich_text(c.ui, step.prose, width, subtitle(c.ui));
  }

  float head(LessonContext& c, Rect at) {
    const StepText& step = c.text.steps[std::size_t(c.step)];
    float y = at.y;
    y += rich_text(c.ui, {at.x, y}, at.w, step.title, heading(c.ui)) + 4;
    y += rich_text(c.ui, {at.x, y}, at.w, step.prose, subtitle(c.ui));
    return y - at.y;
  }

  void wide(LessonContext& c, Rect area) {
    Rect left = area.cut_left(std::round((area.w - 22) * (c.step == 0 ? 0.5f : 0.46f)), 22);
    const float head_used = head(c, left) + 16;
    left.cut_top(head_used);
    // A short window scrolls; the pad is to be seen whole all the same.
    constexpr float kAround = 64 + 2 * 16;  // the step bar and the margins
    left.h = std::min(left.h, std::max(220.f, c.ui.screen().h - kAround - head_used));
    pad(c, left);
    if (c.step == 0) {
      const Rect strip = area.cut_bottom(area.h >= 640 ? 290.f : std::max(168.f, area.h * 0.25f), kGap);
      bars(c, area);
      layers(c, strip);
    } else if (c.step == 1) {
      prepared(c, area);
    } else {
      const Rect below = area.cut_bottom(std::min(340.f, area.h * 0.45f), kGap);
      occlusion(c, area);
      bars(c, below);
    }
  }

  void narrow(LessonContext& c, Rect area) {
    area.cut_top(head(c, area), 14);
    pad(c, area.cut_top(pad_height(c, area.w), kGap));
    if (c.step == 0) {
      bars(c, area.cut_top(bars_height(true), kGap));
      layers(c, area.cut_top(strip_height(c, area.w)));
    } else if (c.step == 1) {
      prepared(c, area.cut_top(card_chrome_height() + area.w - 34 + 26));
    } else {
      occlusion(c, area.cut_top(card_chrome_height() + area.w - 34 + 60, kGap));
      bars(c, area.cut_top(bars_height(true)));
    }
  }

  void pad(LessonContext& c, Rect rect) {
    Ui& ui = c.ui;
    PadDrawing& drawing = c.app.digit().drawing();
    card(ui, rect, 0.f);
    const float height = c.compact ? 44.f : 34.f;
    const std::string_view undo = c.text.label("undo"), clear = c.text.label("clear");
    const float undo_width = button_width(ui, undo, {.icon = Icon::undo}),
                clear_width = button_width(ui, clear);
    // The buttons have a row of their own: no ink hides below them.
    Rect paper = rect.inset(1);
    Rect row = paper.cut_bottom(height + 12).inset(11, 0);
    row.h = height;
    draw_pad(ui, "pad", paper, drawing, {.hint = c.text.label("hint"), .label = c.text.label("pad")});
    if (button(ui, "clear", row.cut_right(clear_width, 8), clear, {.enabled = !drawing.empty()}))
      drawing.clear();
    if (button(ui, "undo", row.cut_right(undo_width), undo,
               {.icon = Icon::undo, .enabled = !drawing.empty()}))
      drawing.undo();
  }

  /// The choice of network, at the right of the card's head. Returns where it stands.
  Rect choice(LessonContext& c, Rect card) {
    DigitReader& digit = c.app.digit();
    const float height = c.compact ? 38.f : 30.f, width = std::max(112.f, segmented_width(c.ui, kNetworkTitles));
    const Rect at{card.right() - 17 - width, card.y + 26 - height / 2, width, height};
    int chosen = int(digit.chosen());
    if (segmented(c.ui, "network", at, kNetworkTitles, chosen)) {
      digit.choose(kNetworkKinds[std::size_t(chosen)]);
      c.app.mark_url();
      c.ui.request_frames();
    }
    return at;
  }

  /// Kind, size, cost and time of the chosen network; as much of it as fits.
  std::string reading(LessonContext& c, float width) const {
    DigitReader& digit = c.app.digit();
    const Language language = c.ui.language();
    const std::string kind(title_of(digit.chosen()));
    if (digit.status() == DigitReader::Status::loading)
      return digit.progress() > 0 ? kind + " · " + format_percent(digit.progress(), 0, language) : kind;
    if (digit.status() != DigitReader::Status::ready) return kind;
    const Recognizer& network = *digit.recognizer();
    const Prediction& p = digit.prediction();
    const int decimals = p.milliseconds < 0.1 ? 2 : p.milliseconds < 10 ? 1 : 0;
    const std::string time = p.label < 0 ? "" : " · " + format_number(p.milliseconds, decimals, language) + "\u00a0ms";
    const auto part = [&](const std::string& number, std::string_view label) { return " · " + number + " " + std::string(c.text.label(label)); };
    const std::string costs = format_short(network.multiply_adds(), language);
    const std::string choices[] = {
        kind + part(format_integer(network.parameters(), language), "parameters") + part(costs, "multiply_adds") + time,
        kind + part(format_short(network.parameters(), language), "parameters_short") + part(costs, "multiply_adds_short") + time,
        kind + part(format_short(network.parameters(), language), "parameters_short") + time, kind + time};
    for (const std::string& text : choices)
      if (c.ui.measure(text, c.ui.style(Type::mono_small)).x <= width) return text;
    return kind;
  }

  /// What the network that is not chosen reads, once it is here: "MLP: 7 · 84 % · differs".
  void comparison(LessonContext& c, Rect line) {
    Ui& ui = c.ui;
    DigitReader& digit = c.app.digit();
    const std::string title(title_of(digit.other()));
    const Prediction *other = digit.other_prediction(), &own = digit.prediction();
    const TextStyle style = ui.style(Type::mono_small);
    if (!other) {
      ui.text_in(line, std::string(c.text.label("compare_with")) + " " + title, style);
    } else if (other->label < 0) {
      ui.text_in(line, title + ": –", style);
    } else {
      std::string answer = title + ": " + std::to_string(other->label) + " · " +
                           format_percent(double(other->probabilities[std::size_t(other->label)]), 0, ui.language());
      const bool agree = other->label == own.label, compared = own.label >= 0;
      if (compared) answer += " · " + std::string(c.text.label(agree ? "agrees" : "differs"));
      ui.text_in(line, answer, compared && !agree ? style.with(ui.theme().ink) : style);
    }
  }

  void bars(LessonContext& c, Rect rect) {
    Ui& ui = c.ui;
    DigitReader& digit = c.app.digit();
    const Language language = ui.language();
    Rect in = card(ui, rect, c.text.label("sees"));
    const Rect control = choice(c, rect);
    if (digit.status() == DigitReader::Status::failed) {
      const std::string text = std::string(c.text.label("network_failed")) + " " + digit.error();
      in.cut_top(callout(ui, in.min(), in.w, text, CalloutKind::warning), 10);
      const std::string_view retry = tr(Msg::retry, language);
      if (button(ui, "retry", in.cut_top(36).cut_left(button_width(ui, retry, {.icon = Icon::retry})), retry,
                 {.icon = Icon::retry}))
        digit.retry();
      return;
    }
    const bool loading = digit.status() != DigitReader::Status::ready;
    if (loading && !digit.drawing().empty())
      progress_line(ui, {in.x, in.y - 4, control.x - 12 - in.x, 3}, digit.progress() > 0 ? float(digit.progress()) : -1);
    // A low card has room for one line below the bars.
    const bool two = in.h >= bar_list_height(10, true) + kFootGap + 2 * kFootLine;
    Rect foot = in.cut_bottom(kFootLine * (two ? 2 : 1), kFootGap);
    ui.text_in(foot.cut_top(kFootLine), reading(c, foot.w), ui.style(Type::mono_small));
    if (two) comparison(c, foot);
    const Prediction& p = digit.prediction();
    const bool rest = p.label < 0;
    const int row =
        bar_list(ui, "bars", in, p.probabilities, {}, {.at_rest = rest, .label = c.text.label("sees")});
    if (row >= 0 && !rest) {
      const float pitch = in.h / 10;
      unit_tooltip(c, "bars", {in.x + in.w * 0.3f, in.y + pitch * float(row), in.w * 0.4f, pitch},
                   int(p.layers.size()) - 1, row);
    }
  }

  void layers(LessonContext& c, Rect rect) {
    const std::string_view hover = c.ui.touch() || c.compact ? c.text.label("tap") : c.text.label("hover");
    const Rect in = card(c.ui, rect, c.text.label("layers"), hover);
    strip_.draw(c, in);
  }

  void prepared(LessonContext& c, Rect rect) {
    Ui& ui = c.ui;
    const Theme& t = ui.theme();
    DigitReader& digit = c.app.digit();
    const bool rest = digit.drawing().empty();
    Rect in = card(ui, rect, c.text.label("arrives"), "28 × 28 = 784");
    const Rect foot = in.cut_bottom(18, 8);
    const Rect map = in.square();
    std::array<float, 784> values;
    double mass = 0, mx = 0, my = 0;
    for (std::size_t i = 0; i < 784; ++i) {
      values[i] = float(digit.prepared()[i]) / 255.f;
      mass += double(values[i]), mx += double(values[i]) * (double(i % 28) + 0.5),
          my += double(values[i]) * (double(i / 28) + 0.5);
    }
    ui.fill(map, mix(t.panel, t.background, 0.8f), 6);
    const int cell =
        heat_map(ui, "prepared", map, values, 28, 28, {.ground = false, .label = c.text.label("arrives")});
    const float unit = map.w / 28;
    // Hair lines between the cells once they are large enough to be read as cells.
    if (unit > 9)
      for (int i = 1; i < 28; ++i) {
        ui.fill({map.x + unit * float(i), map.y, 1, map.h}, fade(t.line, 0.35f));
        ui.fill({map.x, map.y + unit * float(i), map.w, 1}, fade(t.line, 0.35f));
      }
    ui.stroke(map, t.line, 6);
    const Rect box = map.inset(unit * 4);
    ui.dashed(box.min(), {box.right(), box.y}, t.faint, 1.2f),
        ui.dashed({box.x, box.bottom()}, box.max(), t.faint, 1.2f);
    ui.dashed(box.min(), {box.x, box.bottom()}, t.faint, 1.2f),
        ui.dashed({box.right(), box.y}, box.max(), t.faint, 1.2f);
    if (rest) {
      ui.text_in({map.x, map.center().y - 12, map.w, 24}, c.text.label("draw_first"), ui.style(Type::small),
                 0.5f);
    } else {
      // The centre of mass sits in the middle.
      const ImVec2 m{map.x + float(mx / mass) * unit, map.y + float(my / mass) * unit};
      ui.draw()->AddLine({m.x - 9, m.y}, {m.x + 9, m.y}, t.negative, 2);
      ui.draw()->AddLine({m.x, m.y - 9}, {m.x, m.y + 9}, t.negative, 2);
      ui.draw()->AddCircle(m, 5, t.negative, 20, 2);
    }
    std::string note(c.text.label("legend_prepared"));
    if (cell >= 0) {
      const int x = cell % 28, y = cell / 28;
      const Rect at = heat_map_cell(map, 28, 28, cell);
      ui.stroke(at, t.accent, 1, 2);
      ui.tooltip(
          "prepared", at,
          {.title =
               std::string(c.text.label("pixel")) + " (" + std::to_string(x) + ", " + std::to_string(y) + ")",
           .value = std::to_string(digit.prepared()[std::size_t(cell)]),
           .numbers = "x" + subscript(cell) + " = " + std::to_string(digit.prepared()[std::size_t(cell)]) +
                      " / 255 = " + format_number(double(values[std::size_t(cell)]), 3, ui.language()),
           .source = "28 · " + std::to_string(y) + " + " + std::to_string(x) + " = " + std::to_string(cell)});
    }
    ui.text_in(foot, note, ui.style(Type::caption), 0.5f);
  }

  static std::string subscript(int number) {
    std::string out;
    for (const char digit : std::to_string(number))
      out += std::string("\xe2\x82") + char(0x80 + (digit - '0'));
    return out;
  }

  void occlusion(LessonContext& c, Rect rect) {
    Ui& ui = c.ui;
    const Theme& t = ui.theme();
    DigitReader& digit = c.app.digit();
    const Prediction& p = digit.prediction();
    std::string title(c.text.label("why"));
    if (p.label >= 0) title = std::string(c.text.label("why_digit")) + " " + std::to_string(p.label) + "?";
    Rect in = card(ui, rect, title, p.label >= 0 ? c.text.label("patch") : std::string_view());
    const Rect foot = in.cut_bottom(34, 8);
    const Rect map = in.square();
    ui.fill(map, mix(t.panel, t.background, 0.8f), 6);
    if (p.label < 0) {
      ui.text_in({map.x, map.center().y - 12, map.w, 24}, c.text.label("draw_first"), ui.style(Type::small),
                 0.5f);
      ui.stroke(map, t.line, 6);
      return;
    }
    std::array<float, 784> values;
    for (std::size_t i = 0; i < 784; ++i) values[i] = float(digit.prepared()[i]) / 255.f * 0.5f;
    const int cell = heat_map(ui, "occlusion", map, values, 28, 28, {.ground = false, .label = title});
    const float unit = map.w / 28;
    const std::vector<float>& effect = occlusion_.effect();
    for (std::size_t i = 0; i < effect.size(); ++i) {
      const float strength = std::min(1.f, std::fabs(effect[i]));
      if (strength < 0.03f) continue;
      const ImU32 color = fade(effect[i] > 0 ? t.positive : t.negative, 0.12f + 0.68f * strength);
      const auto edge = [&](float cells) {
        return std::round(cells * 2 * unit * ui.density()) / ui.density();
      };
      const float x = float(i % 14), y = float(i / 14);
      ui.fill({map.x + edge(x), map.y + edge(y), edge(x + 1) - edge(x), edge(y + 1) - edge(y)}, color);
    }
    ui.stroke(map, t.line, 6);
    if (cell >= 0) {
      const int column = cell % 28 / 2, row = cell / 56;
      const Rect patch =
          Rect{map.x + float(column * 2 - 2) * unit, map.y + float(row * 2 - 2) * unit, 6 * unit, 6 * unit}
              .clipped(map);
      ui.stroke(patch, t.accent, 2, 2);
      const auto index = std::size_t(row * 14 + column);
      if (index < occlusion_.probability().size()) {
        const double before = double(p.probabilities[std::size_t(p.label)]),
                     after = double(occlusion_.probability()[index]);
        ui.tooltip("occlusion", patch,
                   {.title = std::string(c.text.label("covered")),
                    .value = format_percent(after, 1, ui.language()),
                    .text = std::string(c.text.label(after < before ? "covered_less" : "covered_more")),
                    .numbers = format_percent(before, 1, ui.language()) + " → " +
                               format_percent(after, 1, ui.language())});
      }
    }
    // What the colours mean.
    const auto key = [&](Rect row, ImU32 color, std::string_view text) {
      ui.fill({row.x, row.center().y - 5, 10, 10}, fade(color, 0.75f), 3);
      row.cut_left(17);
      ui.text_in(row, text, ui.style(Type::small).at(12.5f));
    };
    key(foot.row(0, 2, 0), t.positive, c.text.label("helps"));
    key(foot.row(1, 2, 0), t.negative, c.text.label("hinders"));
  }

  Occlusion occlusion_;
  LayerStrip strip_;
  bool visible_ = true, covering_ = false;
};

}  // namespace

std::unique_ptr<Lesson> make_draw_lesson() { return std::make_unique<DrawLesson>(); }

}  // namespace neurona::app
