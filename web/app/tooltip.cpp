#include "tooltip.hpp"

#include <algorithm>
#include <vector>

#include "formula.hpp"
#include "rich_text.hpp"
#include "ui.hpp"

namespace neurona::app {
namespace {

constexpr float kPadX = 14, kPadY = 12, kBesidePicture = 14, kHeadGap = 18;
constexpr float kMost = 340, kMostWithPicture = 400, kFormulaSize = 17;

/// One part of the text, below the head.
struct Part {
  float gap = 6, height = 0;
  std::function<void(ImVec2)> draw;
};

/// The widest line of a rich text, set without wrapping.
float natural_width(Ui& ui, std::string_view rich, const TextStyle& style) {
  const std::string plain = plain_text(rich);
  float width = 0;
  for (std::size_t at = 0; at < plain.size();) {
    const std::size_t end = std::min(plain.find('\n', at), plain.size());
    width = std::max(width, ui.measure(std::string_view(plain).substr(at, end - at), style).x + 2);
    at = end + 1;
  }
  return width;
}

/// Where the box stands: above the anchor, below where there is no room, beside a line.
Rect place(Ui& ui, Rect a, float width, float height) {
  const Rect screen = ui.screen();
  Rect box{a.x + a.w * 0.5f - width * 0.5f, a.y - height - 10, width, height};
  if (a.w < 6) {  // a line, as in a plot: beside it, so that the curve stays in sight
    box.x = a.right() + 12 + box.w < screen.w - 12 ? a.right() + 12 : a.x - 12 - box.w;
    box.y = a.y;
  }
  if (box.y < 8) box.y = a.bottom() + 10;
  if (box.bottom() > screen.h - 8) box.y = std::max(8.f, screen.h - 8 - box.h);
  box.x = std::clamp(box.x, 12.f, std::max(12.f, screen.w - box.w - 12));
  return box;
}

}  // namespace

void draw_tooltip(Ui& ui, const Tooltip& tip, Rect anchor, bool pinned) {
  const Theme& t = ui.theme();
  const TextStyle title = ui.style(Type::card_title).with(t.ink), value = ui.style(Type::mono).with(t.accent);
  const RichTextOptions body{.style = ui.style(Type::small), .leading = 1.45f, .name = "tip-text"};
  const RichTextOptions mono{.style = ui.style(Type::mono_small), .leading = 1.5f, .name = "tip-numbers"};
  const RichTextOptions source{.style = ui.style(Type::small).at(12), .leading = 1.4f, .name = "tip-source"};
  const float head = ui.line_height(title), beside = tip.picture ? tip.picture_size.x + kBesidePicture : 0;
  const float most =
      std::min(tip.picture ? kMostWithPicture : kMost, ui.screen().w - 24) - 2 * kPadX - beside;

  // The width that the content would like, at most what there is.
  float width = ui.measure(tip.title, title).x +
                (tip.value.empty() ? 0 : kHeadGap + ui.measure(tip.value, value).x) - beside;
  const std::pair<const std::string*, const RichTextOptions*> texts[] = {
      {&tip.text, &body}, {&tip.numbers, &mono}, {&tip.source, &source}};
  for (const auto& [text, options] : texts)
    width = std::max(width, std::min(most, natural_width(ui, *text, options->style)));
  const FormulaSize formula =
      tip.formula.empty() ? FormulaSize{} : measure_formula(ui, tip.formula, kFormulaSize);
  width = std::min(std::max(width, formula.width), most);

  std::vector<Part> parts;
  for (const auto& [text, options] : texts) {
    if (text->empty()) continue;
    parts.push_back({.height = measure_rich_text(ui, *text, width, *options),
                     .draw = [&ui, width, text, options](ImVec2 at) { rich_text(ui, at, width, *text, *options); }});
  }
  if (!tip.formula.empty()) {
    const float shrink = std::min(1.f, width / std::max(1.f, formula.width));
    parts.insert(parts.begin() + (tip.text.empty() ? 0 : 1),
                 {.gap = 8, .height = formula.height(), .draw = [&ui, &tip, &t, formula, shrink](ImVec2 at) {
                    draw_formula(ui, {at.x, at.y + formula.ascent}, tip.formula, kFormulaSize * shrink, t.ink);
                  }});
  }
  float height = head;
  for (const Part& part : parts) height += part.gap + part.height;
  if (tip.picture) height = std::max(height, head + 8 + tip.picture_size.y);

  const Rect box = place(ui, anchor, width + beside + 2 * kPadX, height + 2 * kPadY);
  ui.begin_overlay(/*modal=*/false);
  ui.shadow(box, 12);
  ui.fill(box, t.panel, 12);
  ui.stroke(box, pinned ? t.accent : t.line, 12);
  Rect in = box.inset(kPadX, kPadY), line = in.cut_top(head);
  if (!tip.value.empty())
    ui.text_in(line.cut_right(ui.measure(tip.value, value).x + 1), tip.value, value, 1);
  ui.text_in(line, tip.title, title);
  if (tip.picture) {
    Rect room = in.cut_left(tip.picture_size.x, kBesidePicture);
    room.cut_top(8);
    tip.picture(room.cut_top(tip.picture_size.y));
  }
  for (const Part& part : parts) {
    in.cut_top(part.gap);
    part.draw(in.min());
    in.cut_top(part.height);
  }
  ui.end_overlay();
}

}  // namespace neurona::app
