#include "digit_parts.hpp"

#include <algorithm>
#include <array>

#include "../digit_reader.hpp"
#include "../i18n.hpp"
#include "../widgets/bar_list.hpp"
#include "../widgets/callout.hpp"
#include "../widgets/controls.hpp"
#include "../widgets/draw_pad.hpp"
#include "../widgets/heat_map.hpp"
#include "layer_strip.hpp"

namespace neurona::app {
namespace {

constexpr float kFootLine = 18, kFootGap = 10;  // below the bars: what the network costs, what the other one says
constexpr std::array<std::string_view, kNetworkKinds.size()> kNetworkTitles{"CNN", "MLP"};

/// The choice of network, at the right of the card's head. Returns where it stands.
Rect network_choice(const StepContext& c, Choice& network, Rect inside) {
  const float height = c.compact ? 38.f : 30.f, width = std::max(112.f, segmented_width(c.ui, kNetworkTitles));
  const Rect at{inside.right() - width, inside.y - kCardPadding - 4 - height / 2, width, height};
  int chosen = network.index();
  if (segmented(c.ui, network.name(), at, kNetworkTitles, chosen)) network.set(chosen);
  return at;
}

/// Kind, size, cost and time of the chosen network; as much of it as fits.
std::string costs(const StepContext& c, float width) {
  const DigitReader& digit = c.services.digit;
  const Language language = c.ui.language();
  const std::string kind(title_of(digit.chosen()));
  if (digit.status() == DigitReader::Status::loading)
    return digit.progress() > 0 ? kind + " · " + format_percent(digit.progress(), 0, language) : kind;
  if (digit.status() != DigitReader::Status::ready) return kind;
  const Recognizer& network = *digit.recognizer();
  const Prediction& p = digit.prediction();
  const int decimals = p.milliseconds < 0.1 ? 2 : p.milliseconds < 10 ? 1 : 0;
  const std::string time =
      p.label < 0 ? "" : " · " + format_number(p.milliseconds, decimals, language) + "\u00a0ms";
  const auto part = [&](const std::string& number, std::string_view label) {
    return " · " + number + " " + c.word(label);
  };
  const std::string multiply_adds = format_short(network.multiply_adds(), language);
  const std::string size = format_integer(network.parameters(), language);
  const std::string size_short = format_short(network.parameters(), language);
  const std::string choices[] = {
      kind + part(size, "parameters") + part(multiply_adds, "multiply_adds") + time,
      kind + part(size_short, "parameters_short") + part(multiply_adds, "multiply_adds_short") + time,
      kind + part(size_short, "parameters_short") + time, kind + time};
  for (const std::string& text : choices)
    if (c.ui.measure(text, c.ui.style(Type::mono_small)).x <= width) return text;
  return kind;
}

/// What the network that is not chosen reads, once it is here: "MLP: 7 · 84 % · differs".
void comparison(const StepContext& c, Rect line) {
  Ui& ui = c.ui;
  const DigitReader& digit = c.services.digit;
  const std::string title(title_of(digit.other()));
  const Prediction *other = digit.other_prediction(), &own = digit.prediction();
  const TextStyle style = ui.style(Type::mono_small);
  if (!other) return ui.text_in(line, c.word("compare_with") + " " + title, style);
  if (other->label < 0) return ui.text_in(line, title + ": –", style);
  std::string answer = title + ": " + std::to_string(other->label) + " · " +
                       format_percent(double(other->probabilities[std::size_t(other->label)]), 0, ui.language());
  const bool agree = other->label == own.label, compared = own.label >= 0;
  if (compared) answer += " · " + c.word(agree ? "agrees" : "differs");
  ui.text_in(line, answer, compared && !agree ? style.with(ui.theme().ink) : style);
}

void network_failed(const StepContext& c, Rect in) {
  DigitReader& digit = c.services.digit;
  const std::string text = c.word("network_failed") + " " + digit.error();
  in.cut_top(callout(c.ui, in.min(), in.w, text, CalloutKind::warning), 10);
  const std::string_view retry = tr(Msg::retry, c.ui.language());
  const float width = button_width(c.ui, retry, {.icon = Icon::retry});
  if (button(c.ui, "retry", in.cut_top(36).cut_left(width), retry, {.icon = Icon::retry})) digit.retry();
}

void draw_reading(const StepContext& c, Choice& network, Rect in) {
  Ui& ui = c.ui;
  const DigitReader& digit = c.services.digit;
  const Rect control = network_choice(c, network, in);
  if (digit.status() == DigitReader::Status::failed) return network_failed(c, in);
  if (digit.status() != DigitReader::Status::ready && !digit.drawing().empty())
    progress_line(ui, {in.x, in.y - 4, control.x - 12 - in.x, 3}, digit.progress() > 0 ? float(digit.progress()) : -1);
  // A low card has room for one line below the bars.
  const bool two = in.h >= bar_list_height(10, true) + kFootGap + 2 * kFootLine;
  Rect foot = in.cut_bottom(kFootLine * (two ? 2 : 1), kFootGap);
  ui.text_in(foot.cut_top(kFootLine), costs(c, foot.w), ui.style(Type::mono_small));
  if (two) comparison(c, foot);
  const Prediction& p = digit.prediction();
  const bool rest = p.label < 0;
  const int row = bar_list(ui, "bars", in, p.probabilities, {}, {.at_rest = rest, .label = c.label("sees")});
  if (row < 0 || rest) return;
  const float pitch = in.h / 10;
  unit_tooltip(c, "bars", {in.x + in.w * 0.3f, in.y + pitch * float(row), in.w * 0.4f, pitch},
               int(p.layers.size()) - 1, row);
}

/// Hair lines between the cells once they are large enough to be read as cells, and the dashed 20x20 box.
void draw_grid(Ui& ui, Rect map) {
  const Theme& t = ui.theme();
  const float unit = map.w / 28;
  if (unit > 9)
    for (int i = 1; i < 28; ++i) {
      ui.fill({map.x + unit * float(i), map.y, 1, map.h}, fade(t.line, 0.35f));
      ui.fill({map.x, map.y + unit * float(i), map.w, 1}, fade(t.line, 0.35f));
    }
  ui.stroke(map, t.line, 6);
  const Rect box = map.inset(unit * 4);
  const ImVec2 corners[] = {box.min(), {box.right(), box.y}, box.max(), {box.x, box.bottom()}};
  for (int i = 0; i < 4; ++i) ui.dashed(corners[i], corners[(i + 1) % 4], t.faint, 1.2f);
}

/// A cross at the center of mass, which preparation has put into the middle.
void draw_center_of_mass(Ui& ui, Rect map, const std::array<float, 784>& values) {
  double mass = 0, mx = 0, my = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double v = double(values[i]);
    mass += v, mx += v * (double(i % 28) + 0.5), my += v * (double(i / 28) + 0.5);
  }
  const ImU32 color = ui.theme().negative;
  const ImVec2 m{map.x + float(mx / mass) * map.w / 28, map.y + float(my / mass) * map.h / 28};
  ui.draw()->AddLine({m.x - 9, m.y}, {m.x + 9, m.y}, color, 2);
  ui.draw()->AddLine({m.x, m.y - 9}, {m.x, m.y + 9}, color, 2);
  ui.draw()->AddCircle(m, 5, color, 20, 2);
}

void draw_prepared(const StepContext& c, Rect in) {
  Ui& ui = c.ui;
  const Theme& t = ui.theme();
  const DigitReader& digit = c.services.digit;
  const Rect foot = in.cut_bottom(18, 8), map = in.square();
  std::array<float, 784> values;
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = float(digit.prepared()[i]) / 255.f;
  ui.fill(map, mix(t.panel, t.background, 0.8f), 6);
  const int cell = heat_map(ui, "prepared", map, values, 28, 28, {.ground = false, .label = c.label("arrives")});
  draw_grid(ui, map);
  if (digit.drawing().empty())
    ui.text_in({map.x, map.center().y - 12, map.w, 24}, c.label("draw_first"), ui.style(Type::small), 0.5f);
  else
    draw_center_of_mass(ui, map, values);
  ui.text_in(foot, c.label("legend_prepared"), ui.style(Type::caption), 0.5f);
  if (cell < 0) return;
  const int x = cell % 28, y = cell / 28;
  const Rect at = heat_map_cell(map, 28, 28, cell);
  ui.stroke(at, t.accent, 1, 2);
  const std::string grey = std::to_string(digit.prepared()[std::size_t(cell)]);
  ui.tooltip("prepared", at,
             {.title = c.word("pixel") + " (" + std::to_string(x) + ", " + std::to_string(y) + ")",
              .value = grey,
              .numbers = "x" + subscript(cell) + " = " + grey + " / 255 = " +
                         format_number(double(values[std::size_t(cell)]), 3, ui.language()),
              .source = "28 · " + std::to_string(y) + " + " + std::to_string(x) + " = " + std::to_string(cell)});
}

}  // namespace

std::string subscript(int number) {
  std::string out;
  for (const char digit : std::to_string(number)) out += std::string("\xe2\x82") + char(0x80 + (digit - '0'));
  return out;
}

Block pad_block(const StepContext& c) {
  // On a phone the pad is to be seen whole between the bars, on its side, too.
  const float most = std::max(190.f, c.ui.screen().h - 130);
  const auto least = [most, compact = c.compact](float width) {
    return std::min(compact ? std::clamp(width * 0.98f, 280.f, 470.f) : 300.f, most);
  };
  return block(least, [&c](Rect rect) {
    Ui& ui = c.ui;
    PadDrawing& drawing = c.services.digit.drawing();
    card(ui, rect, 0.f);
    const float height = c.compact ? 44.f : 34.f;
    const std::string_view undo = c.label("undo"), clear = c.label("clear");
    // The buttons have a row of their own: no ink hides below them.
    Rect paper = rect.inset(1);
    Rect buttons = paper.cut_bottom(height + 12).inset(11, 0);
    buttons.h = height;
    draw_pad(ui, "pad", paper, drawing, {.hint = c.label("hint"), .label = c.label("pad")});
    const bool can = !drawing.empty();
    if (button(ui, "clear", buttons.cut_right(button_width(ui, clear), 8), clear, {.enabled = can})) drawing.clear();
    const ButtonOptions options{.icon = Icon::undo, .enabled = can};
    if (button(ui, "undo", buttons.cut_right(button_width(ui, undo, options)), undo, options)) drawing.undo();
    // Where the pad is out of sight, the key would change a drawing that one does not see.
    if (!paper.clipped(ui.clip()).empty())
      while (ui.take_key(Key::undo)) drawing.undo();
  });
}

Block reading_block(const StepContext& c, Choice& network) {
  constexpr float kLowBars = 200;  // beside other cards, bars move together
  const float least = c.compact ? bar_list_height(10, true) + kFootGap + 2 * kFootLine : kLowBars;
  return card(c.ui, c.word("sees"), {}, block(least, [&c, &network](Rect in) { draw_reading(c, network, in); }));
}

Block prepared_block(const StepContext& c) {
  return card(c.ui, c.word("arrives"), "28 × 28 = 784", square(26, [&c](Rect in) { draw_prepared(c, in); }));
}

}  // namespace neurona::app
