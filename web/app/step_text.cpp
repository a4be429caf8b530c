// A step's text as blocks: what every lesson shows beside its stage.
#include <algorithm>

#include "formula.hpp"
#include "guess.hpp"
#include "i18n.hpp"
#include "lesson.hpp"
#include "rich_text.hpp"
#include "widgets/callout.hpp"
#include "widgets/controls.hpp"

namespace neurona::app {
namespace {

constexpr int kFoldedLines = 2;         // of the prose on a phone
constexpr float kWidestText = 560;      // about 75 characters

RichTextOptions prose_options(const StepContext& c) {
  const bool within = c.text.number == 0;  // the front door speaks softly
  const TextStyle body = c.ui.style(Type::body);
  RichTextOptions options{.style = within ? body.with(c.ui.theme().soft) : body,
                          .leading = within ? 1.45f : 1.58f};
  options.glossary = [&text = c.text](std::string_view term) {
    const auto it = text.glossary.find(term);
    return it == text.glossary.end() ? std::string() : it->second;
  };
  return options;
}

Block rich(const StepContext& c, std::string_view text, RichTextOptions options) {
  return block(
      [&ui = c.ui, text, options](float width) {
        return measure_rich_text(ui, text, std::min(width, kWidestText), options);
      },
      [&ui = c.ui, text, options](Rect rect) {
        rich_text(ui, rect.min(), std::min(rect.w, kWidestText), text, options);
      });
}

/// "more", "less": opens and folds the prose.
void fold_button(Ui& ui, TextState& state, Rect rect) {
  const std::string_view word = tr(state.unfolded ? Msg::less : Msg::more, ui.language());
  const TextStyle style = ui.style(Type::small).with(ui.theme().accent).with(Face::strong);
  const Rect at{rect.x, rect.y, ui.measure(word, style).x + 24, rect.h};
  const Interaction touch = ui.region("prose-fold", {at.x, at.y, at.w, 40}, {.label = word});
  ui.text_in(at, word, style);
  if (touch.ring) ui.focus_ring(at, 6);
  if (!touch.clicked) return;
  state.unfolded = !state.unfolded;
  ui.request_frames();
}

/// On a phone long prose is folded to its first lines.
Block prose(const StepContext& c) {
  constexpr float kButton = 32;
  const RichTextOptions options = prose_options(c);
  if (!c.compact) return rich(c, c.step().prose, options);
  RichTextOptions folded = options;
  folded.most_lines = kFoldedLines;
  Ui& ui = c.ui;
  TextState& state = c.text_state;
  const std::string_view text = c.step().prose;
  const RichTextOptions& shown = state.unfolded ? options : folded;
  const auto is_long = [&ui, text, folded](float width) { return exceeds_lines(ui, text, width, folded); };
  return block(
      [&ui, text, shown, is_long](float width) {
        return measure_rich_text(ui, text, width, shown) + (is_long(width) ? kButton : 0);
      },
      [&ui, &state, text, shown, is_long](Rect rect) {
        const float used = rich_text(ui, rect.min(), rect.w, text, shown);
        if (is_long(rect.w)) fold_button(ui, state, {rect.x, rect.y + used + 2, rect.w, kButton - 2});
      });
}

}  // namespace

Block head_text(const StepContext& c) {
  Ui& ui = c.ui;
  std::vector<Block> parts;
  const bool front = c.text.number == 0;
  if (!front) {
    const std::string kicker = in_capitals(tr(Msg::lesson, ui.language())) + " " + std::to_string(c.text.number) +
                               " · " + in_capitals(tr(Msg::step, ui.language())) + " " + std::to_string(c.index + 1);
    parts.push_back(block(16, [&ui, kicker](Rect rect) { ui.text(rect.min(), kicker, ui.style(Type::kicker)); }));
    parts.push_back(space(12));
  }
  parts.push_back(rich(c, c.step().title, {.style = ui.style(Type::heading), .leading = 1.18f, .name = "title"}));
  parts.push_back(space(front ? 4 : c.compact ? 8 : 14));
  parts.push_back(prose(c));
  return column(std::move(parts), 0);
}

Block detail_text(const StepContext& c, Step& step, const std::string& live_numbers, bool passed) {
  Ui& ui = c.ui;
  const StepText& text = c.step();
  std::vector<Block> parts;
  if (!text.formula.empty())
    parts.push_back(block(
        [&ui, &text, live_numbers](float w) { return formula_block(ui, {}, w, text.formula, live_numbers, false); },
        [&ui, &text, live_numbers](Rect r) { formula_block(ui, r.min(), r.w, text.formula, live_numbers); }));
  if (!text.keras.empty() || !text.cpp.empty())
    parts.push_back(block(
        [&ui, &text, &c](float w) { return code_panel(ui, {}, w, text.keras, text.cpp, c.text_state.tab, false); },
        [&ui, &text, &c](Rect r) { code_panel(ui, r.min(), r.w, text.keras, text.cpp, c.text_state.tab); }));
  if (!text.check.empty()) {
    const CalloutKind kind = passed ? CalloutKind::passed : CalloutKind::check;
    parts.push_back(callout_block(ui, text.check, kind));
  }
  if (Guess* guess = step.guess()) parts.push_back(guess->view(c));
  return column(std::move(parts));
}

Block stage_of(const StepContext& c, std::vector<Block> blocks) {
  std::vector<Block> first, behind;
  for (Block& b : blocks) (c.compact && b.settings ? behind : first).push_back(std::move(b));
  for (Block& b : behind) first.push_back(std::move(b));
  return column(std::move(first));
}

}  // namespace neurona::app
