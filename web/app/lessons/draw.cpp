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
    const bool more = occlusion_.advance(*network, c.app.digit().prepared(), c.app.digit().drawing().revision,
                                         c.app.digit().prediction(), budget_ms);
    if (more || covering_) c.ui.request_frames(1);
    return covering_ = more;
  }
  void enter(LessonContext&) override { visible_ = true; }
  void leave(LessonContext&) override { visible_ = false; }

  float stage_height(LessonContext& c, float width) override {
    if (width < 620) {
      const float pad = pad_height(c, width);
      float height = head_height(c, width) + 14 + pad + kGap;
      if (c.step == 0) height += bars_height(true) + kGap + strip_height(width);
      if (c.step == 1) height += card_chrome_height() + width - 34 + 26;
      if (c.step == 2) height += card_chrome_height() + width - 34 + 60 + kGap + bars_height(true);
      return height;
    }
    return 560;
  }

  void stage(LessonContext& c, Rect area) override {
    if (area.w < 620)
      narrow(c, area);
    else
      wide(c, area);
  }

  std::string spoken(LessonContext& c) override {
    const Prediction& p = c.app.digit().prediction();
    if (p.label < 0) return std::string(c.text.label("spoken_empty"));
    return std::string(c.text.label("spoken_reads")) + " " + std::to_string(p.label) + ", " +
           format_percent(double(p.probabilities[std::size_t(p.label)]), 0, c.ui.language()) + ".";
  }

 private:
  static float pad_height(LessonContext&, float width) { return std::clamp(width * 0.98f, 280.f, 470.f); }
  static constexpr float kChoiceHeight = 30, kChoiceGap = 10;
  static float bars_height(bool compact) { return card_chrome_height() + kChoiceHeight + kChoiceGap + bar_list_height(10, compact); }
  static float strip_height(float width) { return card_chrome_height() + (width < 480 ? 112.f : 96.f); }

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
      // Feature maps want more room than cells; the bars keep theirs.
      const bool maps = c.app.digit().network() == DigitReader::Network::cnn;
      const float most = maps ? 250.f : 190.f, share = maps ? 0.31f : 0.22f;
      const Rect strip = area.cut_bottom(std::max(158.f, std::min(most, area.h * share)), kGap);
      bars(c, area);
      layers(c, strip);
    } else if (c.step == 1) {
      prepared(c, area);
    } else {
      const Rect below = area.cut_bottom(std::min(310.f, area.h * 0.4f), kGap);
      occlusion(c, area);
      bars(c, below);
    }
  }

  void narrow(LessonContext& c, Rect area) {
    area.cut_top(head(c, area), 14);
    pad(c, area.cut_top(pad_height(c, area.w), kGap));
    if (c.step == 0) {
      bars(c, area.cut_top(bars_height(true), kGap));
      layers(c, area.cut_top(strip_height(area.w)));
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

  static std::string_view name_of(DigitReader::Network network) { return network == DigitReader::Network::cnn ? "CNN" : "MLP"; }

  /// "4.8 M", "254,400".
  static std::string count_text(long long count, Language language) {
    if (count < 1'000'000) return format_integer(count, language);
    return format_number(double(count) / 1e6, 1, language) + "\u00a0M";
  }

  /// CNN or MLP, and what the chosen one costs.
  void choice(LessonContext& c, Rect row) {
    Ui& ui = c.ui;
    DigitReader& digit = c.app.digit();
    const Language language = ui.language();
    const std::string_view names[] = {name_of(DigitReader::Network::cnn), name_of(DigitReader::Network::mlp)};
    int chosen = int(digit.network());
    const Rect control = row.cut_left(segmented_width(ui, names), 12);
    if (segmented(ui, "network", control, names, chosen)) choose(c, DigitReader::Network(chosen));
    if (digit.status() != DigitReader::Status::ready) return;
    const Recognizer& network = *digit.recognizer();
    const auto counts = [&](std::string_view parameters, std::string_view multiply_adds) {
      return count_text(network.parameters(), language) + "\u00a0" + std::string(c.text.label(parameters)) + " · " +
             count_text(network.multiply_adds(), language) + "\u00a0" + std::string(c.text.label(multiply_adds));
    };
    std::string time;
    if (const Prediction& p = digit.prediction(); p.label >= 0) {
      const int digits = p.milliseconds < 0.1 ? 2 : p.milliseconds < 10 ? 1 : 0;
      time = " · " + format_number(p.milliseconds, digits, language) + "\u00a0ms";
    }
    // As many words as there is room for.
    const TextStyle style = ui.style(Type::caption);
    std::string text = counts("parameters", "multiply_adds") + time;
    if (ui.measure(text, style).x > row.w) text = counts("parameters_short", "multiply_adds_short") + time;
    if (ui.measure(text, style).x > row.w) text = counts("parameters_short", "multiply_adds_short");
    ui.text_in(row, text, style, 1.f);
  }

  void choose(LessonContext& c, DigitReader::Network network) {
    c.app.digit().choose(network);
    c.app.mark_url();
    c.ui.request_frames();
  }

  void bars(LessonContext& c, Rect rect) {
    Ui& ui = c.ui;
    DigitReader& digit = c.app.digit();
    const Language language = ui.language();
    // What the other network says of the same digit, once it is there.
    std::string reading;
    if (const Prediction& other = digit.other_prediction(); other.label >= 0 && digit.prediction().label >= 0) {
      const auto which = digit.network() == DigitReader::Network::cnn ? DigitReader::Network::mlp : DigitReader::Network::cnn;
      reading = std::string(name_of(which)) + ": " + std::to_string(other.label) + " · " +
                format_percent(double(other.probabilities[std::size_t(other.label)]), 1, language);
    }
    Rect in = card(ui, rect, c.text.label("sees"), reading);
    choice(c, in.cut_top(kChoiceHeight, kChoiceGap));
    if (digit.status() == DigitReader::Status::failed) {
      callout(ui, in.min(), in.w, std::string(c.text.label("network_failed")) + " " + digit.error(),
              CalloutKind::warning);
      in.cut_top(
          callout(ui, in.min(), in.w, std::string(c.text.label("network_failed")) + " " + digit.error(),
                  CalloutKind::warning, false),
          10);
      const std::string_view retry = tr(Msg::retry, language);
      if (button(ui, "retry", in.cut_top(36).cut_left(button_width(ui, retry, {.icon = Icon::retry})), retry,
                 {.icon = Icon::retry}))
        digit.retry();
      return;
    }
    const Prediction& p = digit.prediction();
    const bool rest = p.label < 0;
    if (digit.status() != DigitReader::Status::ready && !digit.drawing().empty())
      progress_line(ui, in.cut_top(4, 8), -1);
    const int row =
        bar_list(ui, "bars", in, p.probabilities, {}, {.at_rest = rest, .label = c.text.label("sees")});
    if (row >= 0 && !rest) {
      const float pitch = in.h / 10;
      unit_tooltip(c, "bars", {in.x + in.w * 0.3f, in.y + pitch * float(row), in.w * 0.4f, pitch},
                   int(p.layers.size()) - 1, row);
    }
  }

  void layers(LessonContext& c, Rect rect) {
    const std::string_view hover = c.ui.touch() ? c.text.label("tap") : c.text.label("hover");
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

  LayerStrip strip_;
  Occlusion occlusion_;
  bool visible_ = true, covering_ = false;
};

}  // namespace

std::unique_ptr<Lesson> make_draw_lesson() { return std::make_unique<DrawLesson>(); }

}  // namespace neurona::app
