#include <array>
#include <cmath>

#include "canvas.hpp"

#include "imgui_internal.h"

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

/// Inter lacks a few mathematical signs: they are taken from the mathematical face.
Baked with_glyph(const Fonts& fonts, const TextStyle& style, const Baked& own, unsigned c) {
  constexpr unsigned kFirstSign = 0x2190;  // arrows and mathematical operators; all before them are there
  if (c < kFirstSign || own.font->FindGlyphNoFallback(ImWchar(c))) return own;
  const Baked math = baked(fonts, style.with(Face::math));
  return math.font->FindGlyphNoFallback(ImWchar(c)) ? math : own;
}

float advance_of(const Fonts& fonts, const Baked& b, unsigned c, const TextStyle& style) {
  if (c == kNarrowSpace) return kNarrowSpaceEm * style.size;
  const Baked from = with_glyph(fonts, style, b, c);
  return from.font->GetCharAdvance(ImWchar(c)) * from.scale;
}

}  // namespace

Canvas::Canvas() : fonts_(load_fonts()), theme_(&light_theme()) {}

void Canvas::begin_canvas(const Theme& theme, Rect screen, float density) {
  theme_ = &theme;
  screen_ = screen;
  density_ = density;
  set_font_density(fonts_, density_);
  draw_ = ImGui::GetBackgroundDrawList();
  clips_.assign(1, screen_);
}

void Canvas::draw_above() {
  draw_ = ImGui::GetForegroundDrawList();
  clips_.push_back(screen_);
}

void Canvas::draw_below() {
  draw_ = ImGui::GetBackgroundDrawList();
  clips_.pop_back();
}

void Canvas::push_clip(Rect rect) {
  clips_.push_back(rect.clipped(clip()));
  draw_->PushClipRect(clips_.back().min(), clips_.back().max(), false);
}

void Canvas::pop_clip() {
  clips_.pop_back();
  draw_->PopClipRect();
}

// ------------------------------------------------------------------------------------------------------ text

TextStyle Canvas::style(Type type) const {
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

ImVec2 Canvas::measure(std::string_view text, const TextStyle& style) const {
  const Baked b = baked(fonts_, style);
  float width = 0;
  int count = 0;
  for (std::size_t at = 0; at < text.size(); ++count)
    width += advance_of(fonts_, b, next_char(text, at), style);
  if (count > 1) width += style.tracking * style.size * float(count - 1);
  return {width, line_height(style)};
}

float Canvas::line_height(const TextStyle& style) const { return std::round(style.size * 1.3f); }

float Canvas::cap_height(const TextStyle& style) const {
  return kCapHeight[std::size_t(style.face)] * style.size;
}

float Canvas::text_on(ImVec2 baseline, std::string_view text, const TextStyle& style) {
  const Baked b = baked(fonts_, style);
  // The line starts on a device pixel and sits on one: crisp at every density.
  const float x0 = std::round(baseline.x * density_) / density_;
  const float y0 = std::round(baseline.y * density_) / density_ - b.font->Ascent * b.scale;
  constexpr float slant = 0.17f;  // Inter's italic is its upright, leaning
  const float baseline_y = y0 + b.font->Ascent * b.scale;
  float x = x0;
  for (std::size_t at = 0; at < text.size();) {
    const unsigned c = next_char(text, at);
    const Baked from = with_glyph(fonts_, style, b, c);
    const ImFontGlyph* glyph = from.font->FindGlyph(ImWchar(c));
    if (!glyph) continue;
    if (glyph->Visible && c != kNarrowSpace && (style.color & IM_COL32_A_MASK)) {
      const float up_to = baseline_y - from.font->Ascent * from.scale;  // the top of its line
      const float left = x + glyph->X0 * from.scale, right = x + glyph->X1 * from.scale;
      const float top = up_to + glyph->Y0 * from.scale, bottom = up_to + glyph->Y1 * from.scale;
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
    x += advance_of(fonts_, b, c, style) + style.tracking * style.size;
  }
  return x - x0;
}

float Canvas::text(ImVec2 position, std::string_view text, const TextStyle& style) {
  const float middle = position.y + line_height(style) * 0.5f;
  return text_on({position.x, middle + cap_height(style) * 0.5f}, text, style);
}

std::string Canvas::fit(std::string_view text, const TextStyle& style, float width) const {
  if (measure(text, style).x <= width + 0.5f) return std::string(text);
  const float dots = measure("…", style).x;
  std::size_t end = 0;
  const Baked b = baked(fonts_, style);
  float used = dots;
  for (std::size_t at = 0; at < text.size();) {
    used += advance_of(fonts_, b, next_char(text, at), style) + style.tracking * style.size;
    if (used > width) break;
    end = at;
  }
  while (end > 0 && text[end - 1] == ' ') --end;
  return end == 0 ? std::string() : std::string(text.substr(0, end)) + "…";
}

void Canvas::text_in(Rect rect, std::string_view text, const TextStyle& style, float align) {
  const std::string line = fit(text, style, rect.w);
  const float width = measure(line, style).x;
  text_on({rect.x + (rect.w - width) * align, rect.y + (rect.h + cap_height(style)) * 0.5f}, line, style);
}

// ---------------------------------------------------------------------------------------------------- shapes

void Canvas::fill(Rect rect, ImU32 color, float radius) {
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

void Canvas::stroke(Rect rect, ImU32 color, float radius, float thickness) {
  if (!rect.empty()) draw_->AddRect(rect.min(), rect.max(), color, radius, 0, thickness);
}

void Canvas::shadow(Rect rect, float radius) {
  // Bands of falling strength around the card, a little lower than it; each a strip whose color the GPU blends. Under
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
        const ImVec2 center{corner == 0 || corner == 3 ? right : left, corner < 2 ? bottom : top};
        draw_->PrimWriteVtx({center.x + r * std::cos(angle), center.y + r * std::sin(angle)}, white, color);
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

void Canvas::dashed(ImVec2 from, ImVec2 to, ImU32 color, float thickness, float dash, float gap) {
  const float dx = to.x - from.x, dy = to.y - from.y, length = std::sqrt(dx * dx + dy * dy);
  if (length <= 0) return;
  for (float at = 0; at < length; at += dash + gap) {
    const float end = std::min(length, at + dash);
    draw_->AddLine({from.x + dx * at / length, from.y + dy * at / length},
                   {from.x + dx * end / length, from.y + dy * end / length}, color, thickness);
  }
}

void Canvas::focus_ring(Rect rect, float radius) {
  stroke({rect.x - 3, rect.y - 3, rect.w + 6, rect.h + 6}, theme().accent, radius + 3, 2);
}

}  // namespace neurona::app
