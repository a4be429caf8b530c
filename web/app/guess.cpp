#include "guess.hpp"

#include <algorithm>
#include <cmath>

#include "control_view.hpp"
#include "i18n.hpp"
#include "widgets/controls.hpp"

namespace neurona::app {
namespace {

constexpr float kScaleHeight = 58;

float share_of(const NumberSpec& spec, double value) {
  const auto place = [&](double v) { return spec.spacing == Spacing::logarithmic ? std::log(v) : v; };
  const double share = (place(value) - place(spec.minimum)) / (place(spec.maximum) - place(spec.minimum));
  return float(std::clamp(share, 0.0, 1.0));
}

/// The guess as a hollow triangle, the answer as a dot, a dotted line between.
void draw_scale(Ui& ui, Rect rect, const Number& number, double guess, std::optional<double> answer) {
  const Theme& t = ui.theme();
  const TextStyle mono = ui.style(Type::mono_small);
  const float y = rect.center().y, left = rect.x + 8, length = rect.w - 16;
  const auto x_of = [&](double value) { return left + length * share_of(number.spec(), value); };
  ui.fill({left, y - 1, length, 2}, t.line, 1);
  const auto named = [&](double value, Msg name, float line_y, ImU32 color) {
    const std::string text = std::string(tr(name, ui.language())) + " " +
                             format_significant(value, std::max(3, number.spec().digits), ui.language());
    const float width = ui.measure(text, mono).x;
    const float x = std::clamp(x_of(value) - width / 2, rect.x, std::max(rect.x, rect.right() - width));
    ui.text({x, line_y}, text, mono.with(color));
  };
  const float at = x_of(guess);
  if (answer) {
    const float there = x_of(*answer);
    ui.dashed({std::min(at, there), y}, {std::max(at, there), y}, t.accent, 2, 2, 4);
    ui.draw()->AddCircleFilled({there, y}, 5, t.accent, 20);
    named(*answer, Msg::answer, y + 9, t.accent);
  }
  ui.draw()->AddTriangle({at - 6, y - 12}, {at + 6, y - 12}, {at, y - 2}, t.ink, 1.5f);
  named(guess, Msg::your_guess, rect.y - 4, t.ink);
}

}  // namespace

void Guess::recall(const LearnerProgress::Guessed& earlier) {
  committed_ = earlier.guess;
  answer_ = earlier.answer;
}

Block Guess::view(const StepContext& c) {
  Ui& ui = c.ui;
  if (committed_)
    return block(kScaleHeight, [this, &ui](Rect rect) { draw_scale(ui, rect, number_, *committed_, answer_); });
  const std::string_view bet = tr(Msg::make_guess, ui.language());
  std::vector<Block> parts;
  parts.push_back(control_block(c, number_));
  parts.push_back(block(c.compact ? 44.f : 38.f,
                        [this, &ui, bet](Rect rect) {
                          if (button(ui, "guess", rect, bet, {.kind = ButtonKind::primary})) {
                            commit();
                            ui.request_frames();
                          }
                        })
                      .between(0, button_width(ui, bet)));
  return row(std::move(parts), {.gap = 16, .fold_below = 420});
}

}  // namespace neurona::app
