#include "formula.hpp"

#include <cmath>
#include <utility>
#include <vector>

#include "formula_parser.hpp"

namespace neurona::app {
namespace {

using Kind = FormulaNode::Kind;
using Box = FormulaSize;

constexpr float kScript = 0.7f;  // size of sub- and superscripts

/// Measures when `paint` is false; both walk the tree the same way.
class Setter {
 public:
  Setter(Ui& ui, ImU32 color, bool paint) : ui_(ui), color_(color), paint_(paint) {}

  Box set(const FormulaNode& node, ImVec2 at, float size) {
    switch (node.kind) {
      case Kind::row:
        return row(node, at, size);
      case Kind::variable:
        return glyphs(node.text, Face::math_italic, at, size, 0.02f);
      case Kind::symbol:
      case Kind::punctuation:
      case Kind::binary:
        return glyphs(node.text, Face::math, at, size, 0);
      case Kind::space:
        return {node.space_em * size, 0, 0};
      case Kind::large:
        return large(node, at, size);
      case Kind::fraction:
        return fraction(node, at, size);
      case Kind::root:
        return root(node, at, size);
      case Kind::accent:
        return accent(node, at, size);
      case Kind::script:
        return script(node, at, size);
      case Kind::live:
        return live(node, at, size);
    }
    return {};
  }

 private:
  Box measured(const FormulaNode& node, float size) {
    const bool paint = std::exchange(paint_, false);
    const Box box = set(node, {0, 0}, size);
    paint_ = paint;
    return box;
  }

  Box glyphs(std::string_view text, Face face, ImVec2 at, float size, float correction) {
    const TextStyle style{face, size, color_, 0};
    const float width = paint_ ? ui_.text_on(at, text, style) : ui_.measure(text, style).x;
    return {width + correction * size, 0.72f * size, 0.24f * size};
  }

  Box row(const FormulaNode& node, ImVec2 at, float size) {
    Box box{0, 0.6f * size, 0.18f * size};
    const FormulaNode* before = nullptr;
    for (const auto& child : node.children) {
      // A sign at the start or after another sign belongs to what follows: no space around it.
      const bool unary =
          child->kind == Kind::binary && (!before || before->kind == Kind::binary || before->text == "(" ||
                                          before->text == "[" || before->kind == Kind::punctuation);
      const bool tight = child->text == "·";
      const float around = child->kind == Kind::binary && !unary ? (tight ? 0.1f : 0.25f) * size : 0;
      if (before && before->kind == Kind::symbol && is_word(*before) && child->text != "(")
        box.width += 0.14f * size;
      box.width += around;
      const Box part = set(*child, {at.x + box.width, at.y}, size);
      box.width += part.width + around;
      if (child->kind == Kind::punctuation) box.width += 0.2f * size;
      if (child->kind == Kind::large ||
          (child->kind == Kind::script && child->children[0]->kind == Kind::large))
        box.width += 0.14f * size;
      box.ascent = std::max(box.ascent, part.ascent);
      box.descent = std::max(box.descent, part.descent);
      before = child.get();
    }
    return box;
  }

  static bool is_word(const FormulaNode& node) {
    return node.text.size() > 1 && ((node.text[0] | 32) >= 'a' && (node.text[0] | 32) <= 'z');
  }

  Box large(const FormulaNode& node, ImVec2 at, float size) {
    const Box box = glyphs(node.text, Face::math, {at.x, at.y + 0.12f * size}, size * 1.45f, 0);
    return {box.width, 1.0f * size, 0.38f * size};
  }

  Box fraction(const FormulaNode& node, ImVec2 at, float size) {
    const float inner = size * 0.86f, axis = 0.26f * size, gap = 0.14f * size, pad = 0.12f * size;
    const Box top = measured(*node.children[0], inner), bottom = measured(*node.children[1], inner);
    const float width = std::max(top.width, bottom.width) + 2 * pad;
    if (paint_) {
      set(*node.children[0], {at.x + (width - top.width) / 2, at.y - axis - gap - top.descent}, inner);
      set(*node.children[1], {at.x + (width - bottom.width) / 2, at.y - axis + gap + bottom.ascent}, inner);
      ui_.draw()->AddLine({at.x, at.y - axis}, {at.x + width, at.y - axis}, color_,
                          std::max(1.f, size * 0.05f));
    }
    return {width + 0.08f * size, axis + gap + top.height(), bottom.height() + gap - axis};
  }

  Box live(const FormulaNode& node, ImVec2 at, float size) {
    const ImU32 around = std::exchange(color_, ui_.theme().accent);
    Box box = measured(*node.children[0], size);
    if (paint_) {
      const Rect rect{at.x - 2, at.y - box.ascent, box.width + 4, box.height()};
      if (ui_.lit(node.text)) ui_.fill(rect, ui_.theme().accent_soft, 4);
      const std::string name = "live-" + node.text + "-" + std::to_string(live_count_++);
      if (ui_.region(name, rect, {.role = Role::none}).hovered) ui_.light(node.text);
      box = set(*node.children[0], at, size);
    }
    color_ = around;
    return box;
  }

  Box root(const FormulaNode& node, ImVec2 at, float size) {
    const Box in = measured(*node.children[0], size);
    const float sign = 0.55f * size, top = in.ascent + 0.16f * size;
    if (paint_) {
      set(*node.children[0], {at.x + sign + 0.06f * size, at.y}, size);
      const ImVec2 line[] = {{at.x + 0.05f * size, at.y - 0.3f * size},
                             {at.x + 0.18f * size, at.y - 0.36f * size},
                             {at.x + 0.34f * size, at.y + in.descent},
                             {at.x + sign, at.y - top},
                             {at.x + sign + in.width + 0.12f * size, at.y - top}};
      ui_.draw()->AddPolyline(line, 5, color_, 0, std::max(1.f, size * 0.055f));
    }
    return {sign + in.width + 0.16f * size, top + 0.08f * size, in.descent};
  }

  Box accent(const FormulaNode& node, ImVec2 at, float size) {
    Box in = set(*node.children[0], at, size);
    const float y = at.y - 0.68f * size, x = at.x + in.width * 0.54f, half = 0.17f * size;
    if (paint_) {
      const float thick = std::max(1.f, size * 0.055f);
      ImDrawList* draw = ui_.draw();
      if (node.text == "^") {
        const ImVec2 line[] = {
            {x - half, y + 0.04f * size}, {x, y - 0.09f * size}, {x + half, y + 0.04f * size}};
        draw->AddPolyline(line, 3, color_, 0, thick);
      } else if (node.text == "·") {
        draw->AddCircleFilled({x, y}, thick, color_);
      } else {
        draw->AddLine({x - half, y}, {x + half, y}, color_, thick);
      }
    }
    in.ascent = std::max(in.ascent, 0.84f * size);
    return in;
  }

  Box script(const FormulaNode& node, ImVec2 at, float size) {
    const FormulaNode& base = *node.children[0];
    const float small = size * kScript;
    const FormulaNode *below = node.children[1].get(), *above = node.children[2].get();
    const Box low = below ? measured(*below, small) : Box{}, high = above ? measured(*above, small) : Box{};
    if (base.kind == Kind::large) {
      const Box sign = measured(base, size);
      const float width = std::max({sign.width, low.width, high.width});
      if (paint_) {
        set(base, {at.x + (width - sign.width) / 2, at.y}, size);
        if (below)
          set(*below, {at.x + (width - low.width) / 2, at.y + sign.descent + 0.06f * size + low.ascent},
              small);
        if (above)
          set(*above, {at.x + (width - high.width) / 2, at.y - sign.ascent - 0.1f * size - high.descent},
              small);
      }
      return {width, sign.ascent + (above ? high.height() + 0.1f * size : 0),
              sign.descent + (below ? low.height() + 0.06f * size : 0)};
    }
    Box box = set(base, at, size);
    const float down = 0.2f * size, up = 0.38f * size;
    if (paint_) {
      if (below) set(*below, {at.x + box.width, at.y + down}, small);
      if (above) set(*above, {at.x + box.width + 0.03f * size, at.y - up}, small);
    }
    box.width += std::max(low.width, high.width) + 0.05f * size;
    if (above) box.ascent = std::max(box.ascent, up + high.ascent);
    if (below) box.descent = std::max(box.descent, down + low.descent);
    return box;
  }

  Ui& ui_;
  ImU32 color_;
  bool paint_;
  int live_count_ = 0;
};

}  // namespace

FormulaSize measure_formula(Ui& ui, std::string_view tex, float size) {
  return Setter(ui, 0, false).set(*parse_formula(tex), {0, 0}, size);
}

FormulaSize draw_formula(Ui& ui, ImVec2 baseline, std::string_view tex, float size, ImU32 color) {
  return Setter(ui, color, true).set(*parse_formula(tex), baseline, size);
}

float formula_block(Ui& ui, ImVec2 position, float width, std::string_view tex, std::string_view live_numbers,
                    bool draw) {
  constexpr float kSize = 22, kPadding = 14;
  const float inner = width - 2 * kPadding;
  const FormulaSize natural = measure_formula(ui, tex, kSize);
  const float size = kSize * std::clamp(inner / std::max(1.f, natural.width), 0.45f, 1.f);
  const FormulaSize box = measure_formula(ui, tex, size);

  // The live numbers wrap at spaces; they are centred line by line.
  const TextStyle mono = ui.style(Type::mono_small);
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < live_numbers.size();) {
    std::size_t end = live_numbers.size();
    while (end > at && ui.measure(live_numbers.substr(at, end - at), mono).x > inner) {
      const std::size_t space = live_numbers.substr(at, end - at - 1).rfind(' ');
      if (space == std::string_view::npos || space == 0) break;
      end = at + space;
    }
    lines.emplace_back(live_numbers.substr(at, end - at));
    at = end;
    while (at < live_numbers.size() && live_numbers[at] == ' ') ++at;
  }
  const float line = ui.line_height(mono) + 2;
  const float height = 2 * kPadding + box.height() + (lines.empty() ? 0 : 8 + line * float(lines.size()));
  if (!draw) return height;

  const Theme& t = ui.theme();
  const Rect card{position.x, position.y, width, height};
  ui.fill(card, t.panel, 12);
  ui.stroke(card, t.line, 12);
  draw_formula(ui, {position.x + (width - box.width) / 2, position.y + kPadding + box.ascent}, tex, size,
               t.ink);
  float y = position.y + kPadding + box.height() + 8;
  for (const std::string& text : lines) {
    ui.text_in({position.x + kPadding, y, inner, line}, text, mono, 0.5f);
    y += line;
  }
  return height;
}

}  // namespace neurona::app
