// Text, shapes and the tooltip of Ui.
#include <array>
#include <cmath>

#include "formula.hpp"
#include "imgui_internal.h"
#include "rich_text.hpp"
#include "ui.hpp"

namespace neurona::app {
namespace {

/// Height of capitals in em, by face.
constexpr std::array<float, kFaceCount> kCapHeight = {0.727f, 0.727f, 0.727f, 0.727f,
                                                      0.73f,  0.73f,  0.66f,  0.66f};

struct Baked {
  ImFontBaked* font;
  float scale;  // from the baked size to CSS pixels
};

Baked baked(const Fonts& fonts, const TextStyle& style) {
  const float size = style.size * fonts.em[std::size_t(style.face)];
  ImFontBaked* font = fonts[style.face]->GetFontBaked(size);
  return {font, size / font->Size};
}

unsigned next_char(std::string_view text, std::size_t& at) {
  unsigned c = 0;
  const int length = ImTextCharFromUtf8(&c, text.data() + at, text.data() + text.size());
  at += std::size_t(std::max(1, length));
  return c == 0xa0 ? ' ' : c;  // to the eye a no-break space is a space
}

/// U+202F stands between the thousands of a number; no face of ours has it, and in mono a cell would be too wide.
constexpr unsigned kNarrowSpace = 0x202f;
constexpr float kNarrowSpaceEm = 0.2f;

float advance_of(const Baked& b, unsigned c, const TextStyle& style) {
  return c == kNarrowSpace ? kNarrowSpaceEm * style.size : b.font->GetCharAdvance(ImWchar(c)) * b.scale;
}

}  // namespace

TextStyle Ui::style(Type type) const {
  const Theme& t = theme();
  switch (type) {
    case Type::body:
      return {Face::text, 15.5f, t.ink, 0};
    case Type::small:
      return {Face::text, 13.5f, t.soft, 0};
    case Type::caption:
      return {Face::mono, 11.5f, t.soft, 0};
    case Type::kicker:
      return {Face::mono, 12, t.accent, 0.06f};
    case Type::heading:
      return {Face::display, 29, t.ink, -0.02f};
    case Type::title:
      return {Face::display, 20, t.ink, -0.015f};
    case Type::card_title:
      return {Face::strong, 13, t.soft, 0};
    case Type::mono:
      return {Face::mono, 13, t.ink, 0};
    case Type::mono_small:
      return {Face::mono, 12, t.soft, 0};
    case Type::number:
      return {Face::mono, 14, t.ink, 0};
  }
  return {};
}

ImVec2 Ui::measure(std::string_view text, const TextStyle& style) const {
  const Baked b = baked(fonts_, style);
  float width = 0;
  int count = 0;
  for (std::size_t at = 0; at < text.size(); ++count)
    width += advance_of(b, next_char(text, at), style);
  if (count > 1) width += style.tracking * style.size * float(count - 1);
  return {width, line_height(style)};
}

float Ui::line_height(const TextStyle& style) const { return std::round(style.size * 1.3f); }

float Ui::cap_height(const TextStyle& style) const {
  return kCapHeight[std::size_t(style.face)] * style.size;
}

float Ui::text_on(ImVec2 baseline, std::string_view text, const TextStyle& style) {
  const Baked b = baked(fonts_, style);
  // The line starts on a device pixel and sits on one: crisp at every density.
  const float x0 = std::round(baseline.x * density_) / density_;
  const float y0 = std::round(baseline.y * density_) / density_ - b.font->Ascent * b.scale;
  constexpr float slant = 0.17f;  // Inter's italic is its upright, leaning
  const float baseline_y = y0 + b.font->Ascent * b.scale;
  float x = x0;
  for (std::size_t at = 0; at < text.size();) {
    const unsigned c = next_char(text, at);
    const ImFontGlyph* glyph = b.font->FindGlyph(ImWchar(c));
    if (!glyph) continue;
    if (glyph->Visible && c != kNarrowSpace && (style.color & IM_COL32_A_MASK)) {
      const float left = x + glyph->X0 * b.scale, right = x + glyph->X1 * b.scale;
      const float top = y0 + glyph->Y0 * b.scale, bottom = y0 + glyph->Y1 * b.scale;
      const Rect& seen = clips_.back();
      if (right >= seen.x && left <= seen.right() && bottom >= seen.y && top <= seen.bottom()) {
        draw_->PrimReserve(6, 4);
        if (style.face == Face::italic) {
          const float up = slant * (baseline_y - top), down = slant * (baseline_y - bottom);
          draw_->PrimQuadUV({left + up, top}, {right + up, top}, {right + down, bottom},
                            {left + down, bottom}, {glyph->U0, glyph->V0}, {glyph->U1, glyph->V0},
                            {glyph->U1, glyph->V1}, {glyph->U0, glyph->V1}, style.color);
        } else {
          draw_->PrimRectUV({left, top}, {right, bottom}, {glyph->U0, glyph->V0}, {glyph->U1, glyph->V1},
                            style.color);
        }
      }
    }
    x += advance_of(b, c, style) + style.tracking * style.size;
  }
  return x - x0;
}

float Ui::text(ImVec2 position, std::string_view text, const TextStyle& style) {
  const float middle = position.y + line_height(style) * 0.5f;
  return text_on({position.x, middle + cap_height(style) * 0.5f}, text, style);
}

std::string Ui::fit(std::string_view text, const TextStyle& style, float width) const {
  if (measure(text, style).x <= width + 0.5f) return std::string(text);
  const float dots = measure("…", style).x;
  std::size_t end = 0;
  const Baked b = baked(fonts_, style);
  float used = dots;
  for (std::size_t at = 0; at < text.size();) {
    used += advance_of(b, next_char(text, at), style) + style.tracking * style.size;
    if (used > width) break;
    end = at;
  }
  while (end > 0 && text[end - 1] == ' ') --end;
  return end == 0 ? std::string() : std::string(text.substr(0, end)) + "…";
}

void Ui::text_in(Rect rect, std::string_view text, const TextStyle& style, float align) {
  const std::string line = fit(text, style, rect.w);
  const float width = measure(line, style).x;
  text_on({rect.x + (rect.w - width) * align, rect.y + (rect.h + cap_height(style)) * 0.5f}, line, style);
}

void Ui::fill(Rect rect, ImU32 color, float radius) {
  if (rect.empty()) return;
  radius = std::min({radius, rect.w / 2, rect.h / 2});
  constexpr float kWorthACallback = 30000;  // device pixels
  const float band = std::ceil(radius) + 2;
  const bool opaque = (color >> IM_COL32_A_SHIFT) == 255;
  if (!solid_fill_ || !opaque || std::min(rect.w, rect.h) < 3 * band ||
      rect.w * rect.h * density_ * density_ < kWorthACallback) {
    draw_->AddRectFilled(rect.min(), rect.max(), color, radius);
    return;
  }
  // The middle by the host, as large as fits between round corners; then the edges with them.
  const float inset = radius > 0 ? std::ceil(0.3f * radius) + 1 : 1;
  SolidFill middle{rect.inset(inset).clipped(clip()), color};
  draw_->AddCallback(solid_fill_, &middle, sizeof middle);
  Rect sides = rect;
  const Rect top = sides.cut_top(band), bottom = sides.cut_bottom(band);
  draw_->AddRectFilled(top.min(), top.max(), color, radius, ImDrawFlags_RoundCornersTop);
  draw_->AddRectFilled(bottom.min(), bottom.max(), color, radius, ImDrawFlags_RoundCornersBottom);
  const Rect left = sides.cut_left(inset + 1), right = sides.cut_right(inset + 1);
  draw_->AddRectFilled(left.min(), left.max(), color);
  draw_->AddRectFilled(right.min(), right.max(), color);
}

void Ui::stroke(Rect rect, ImU32 color, float radius, float thickness) {
  if (!rect.empty()) draw_->AddRect(rect.min(), rect.max(), color, radius, 0, thickness);
}

void Ui::shadow(Rect rect, float radius) {
  // Bands of falling strength around the card, a little lower than it; each a strip whose colour the GPU blends. Under
  // the card nothing is drawn.
  constexpr int kCorner = 6, kRound = 4 * (kCorner + 1), kBands = 4;
  constexpr float kSpread[kBands + 1] = {-2.5f, 0.f, 3.f, 6.f, 11.f}, kStrength[kBands + 1] = {1, 1, 0.55f, 0.22f, 0};
  const float strength = 255 * theme().shadow * 0.9f;
  draw_->PrimReserve(kRound * kBands * 6, kRound * (kBands + 1));
  const auto first = draw_->_VtxCurrentIdx;
  const ImVec2 white = draw_->_Data->TexUvWhitePixel;
  const float left = rect.x + radius, right = rect.right() - radius, top = rect.y + radius + 2.5f,
              bottom = rect.bottom() - radius + 2.5f;
  for (int band = 0; band <= kBands; ++band) {
    const float r = radius + kSpread[band];
    const ImU32 color = IM_COL32(20, 22, 28, int(strength * kStrength[band]));
    for (int corner = 0; corner < 4; ++corner)
      for (int i = 0; i <= kCorner; ++i) {
        const float angle = (float(corner) + float(i) / kCorner) * 1.57079633f;
        const ImVec2 centre{corner == 0 || corner == 3 ? right : left, corner < 2 ? bottom : top};
        draw_->PrimWriteVtx({centre.x + r * std::cos(angle), centre.y + r * std::sin(angle)}, white, color);
      }
  }
  for (int band = 0; band < kBands; ++band)
    for (int i = 0; i < kRound; ++i) {
      const auto inner = first + unsigned(band * kRound), outer = inner + kRound;
      const auto here = unsigned(i), next = unsigned((i + 1) % kRound);
      for (const unsigned index : {inner + here, outer + here, outer + next, inner + here, outer + next, inner + next})
        draw_->PrimWriteIdx(index);
    }
}

void Ui::dashed(ImVec2 from, ImVec2 to, ImU32 color, float thickness, float dash, float gap) {
  const float dx = to.x - from.x, dy = to.y - from.y, length = std::sqrt(dx * dx + dy * dy);
  if (length <= 0) return;
  for (float at = 0; at < length; at += dash + gap) {
    const float end = std::min(length, at + dash);
    draw_->AddLine({from.x + dx * at / length, from.y + dy * at / length},
                   {from.x + dx * end / length, from.y + dy * end / length}, color, thickness);
  }
}

void Ui::focus_ring(Rect rect, float radius) {
  stroke({rect.x - 3, rect.y - 3, rect.w + 6, rect.h + 6}, theme().accent, radius + 3, 2);
}

void Ui::draw_tooltip() {
  const Theme& t = theme();
  const Tooltip& tip = shown_->content;
  const float beside = tip.picture ? tip.picture_size.x + 14 : 0;
  const float most = std::min(tip.picture ? 400.f : 340.f, screen_.w - 24) - 28 - beside;  // of the text
  const TextStyle title = style(Type::card_title).with(t.ink), value = style(Type::mono).with(t.accent);
  const TextStyle numbers = style(Type::mono_small);
  RichTextOptions body{.style = style(Type::small), .leading = 1.45f};
  RichTextOptions source{.style = style(Type::small).at(12), .leading = 1.4f};
  RichTextOptions mono{.style = numbers, .leading = 1.5f};

  // The width the content would like, then the height it needs there.
  const float head_width = measure(tip.title, title).x + (tip.value.empty() ? 0 : 18 + measure(tip.value, value).x);
  float width = head_width - beside;
  const auto widen = [&](std::string_view rich, const TextStyle& text_style) {
    const std::string plain = plain_text(rich);
    for (std::size_t at = 0; at < plain.size();) {
      const std::size_t end = std::min(plain.find('\n', at), plain.size());
      width = std::max(
          width, std::min(most, measure(std::string_view(plain).substr(at, end - at), text_style).x + 2));
      at = end + 1;
    }
  };
  widen(tip.text, body.style), widen(tip.numbers, numbers), widen(tip.source, source.style);
  if (!tip.formula.empty()) width = std::max(width, measure_formula(*this, tip.formula, 17).width);
  width = std::min(width, most);
  float height = line_height(title);
  const auto block = [&](std::string_view text, const RichTextOptions& options) {
    if (!text.empty()) height += 6 + measure_rich_text(*this, text, width, options);
  };
  block(tip.text, body);
  if (!tip.formula.empty()) height += 8 + measure_formula(*this, tip.formula, 17).height();
  block(tip.numbers, mono);
  block(tip.source, source);
  if (tip.picture) height = std::max(height, line_height(title) + 8 + tip.picture_size.y);

  const Rect& a = shown_->anchor;
  const float whole = width + beside;
  Rect box{a.x + a.w * 0.5f - whole * 0.5f - 14, a.y - height - 34, whole + 28, height + 24};
  if (a.w < 6) {  // a line, as in a plot: beside it, so that the curve stays in sight
    box.x = a.right() + 12 + box.w < screen_.w - 12 ? a.right() + 12 : a.x - 12 - box.w;
    box.y = a.y;
  }
  if (box.y < 8) box.y = a.bottom() + 10;
  if (box.bottom() > screen_.h - 8) box.y = std::max(8.f, screen_.h - 8 - box.h);
  box.x = std::clamp(box.x, 12.f, std::max(12.f, screen_.w - box.w - 12));

  begin_overlay();
  overlay_now_ = false;  // a tooltip does not stop what is below it
  shadow(box, 12);
  fill(box, t.panel, 12);
  stroke(box, pinned(shown_->key) ? t.accent : t.line, 12);
  Rect in = box.inset(14, 12);
  Rect head = in.cut_top(line_height(title));
  if (!tip.value.empty()) text_in(head.cut_right(measure(tip.value, value).x + 1), tip.value, value, 1);
  text_in(head, tip.title, title);
  const auto put = [&](std::string_view text, const RichTextOptions& options) {
    if (text.empty()) return;
    in.cut_top(6);
    in.cut_top(rich_text(*this, in.min(), width, text, options));
  };
  if (tip.picture) {
    Rect room = in.cut_left(tip.picture_size.x, 14);
    room.cut_top(8);
    tip.picture(room.cut_top(tip.picture_size.y));
  }
  put(tip.text, body);
  if (!tip.formula.empty()) {
    in.cut_top(8);
    const FormulaSize size = measure_formula(*this, tip.formula, 17);
    const float shrink = std::min(1.f, width / std::max(1.f, size.width));
    draw_formula(*this, {in.x, in.y + size.ascent}, tip.formula, 17 * shrink, t.ink);
    in.cut_top(size.height());
  }
  put(tip.numbers, mono);
  put(tip.source, source);
  end_overlay();
}

}  // namespace neurona::app
