#include "theme.hpp"

#include <algorithm>
#include <cmath>

namespace neurona::app {
namespace {

constexpr ImU32 rgb(unsigned hex, unsigned alpha = 255) {
  return IM_COL32((hex >> 16) & 255, (hex >> 8) & 255, hex & 255, alpha);
}

Theme make_light() {
  Theme t{};
  t.dark = false;
  t.background = rgb(0xFBFAF7), t.panel = rgb(0xFFFFFF), t.line = rgb(0xE4E1DA);
  t.ink = rgb(0x1B1D21), t.soft = rgb(0x5C626B), t.faint = rgb(0x9AA0A8);
  t.accent = rgb(0x0F766E), t.positive = rgb(0x2F6DB5), t.negative = rgb(0xD9772B);
  t.negative_text = rgb(0xA3520F);
  t.accent_soft = rgb(0xE3ECE8), t.track = rgb(0xE6F0ED), t.rest = rgb(0x939BA3);
  t.on_accent = rgb(0xFFFFFF), t.code = rgb(0xF4F3EF), t.hover = rgb(0xF3F1EC);
  t.shadow = 0.055f;
  return t;
}

Theme make_dark() {
  Theme t{};
  t.dark = true;
  t.background = rgb(0x13161B), t.panel = rgb(0x1A1E25), t.line = rgb(0x2A2F38);
  t.ink = rgb(0xE9E7E2), t.soft = rgb(0xA4ABB5), t.faint = rgb(0x6C737D);
  t.accent = rgb(0x4FD1C0), t.positive = rgb(0x6AA5E8), t.negative = rgb(0xF0A35E);
  t.negative_text = t.negative;
  t.accent_soft = rgb(0x1B2B2E), t.track = rgb(0x22343A), t.rest = rgb(0x77808A);
  t.on_accent = rgb(0x0D1A1A), t.code = rgb(0x171B21), t.hover = rgb(0x222730);
  t.shadow = 0.30f;
  return t;
}

}  // namespace

const Theme& light_theme() {
  static const Theme theme = make_light();
  return theme;
}

const Theme& dark_theme() {
  static const Theme theme = make_dark();
  return theme;
}

ImU32 mix(ImU32 a, ImU32 b, float t) {
  t = std::clamp(t, 0.f, 1.f);
  ImU32 out = 0;
  for (int shift = 0; shift < 32; shift += 8) {
    const float va = float((a >> shift) & 255), vb = float((b >> shift) & 255);
    out |= ImU32(std::lround(va + (vb - va) * t)) << shift;
  }
  return out;
}

ImU32 fade(ImU32 colour, float alpha) {
  const float a = float((colour >> IM_COL32_A_SHIFT) & 255) * std::clamp(alpha, 0.f, 1.f);
  return (colour & ~IM_COL32_A_MASK) | (ImU32(std::lround(a)) << IM_COL32_A_SHIFT);
}

ImU32 text_color(const Theme& theme, ImU32 colour) {
  return colour == theme.faint ? theme.soft : colour == theme.negative ? theme.negative_text : colour;
}

float contrast(ImU32 a, ImU32 b) {
  const auto luminance = [](ImU32 colour) {
    const auto linear = [&](int shift) {
      const float v = float((colour >> shift) & 255) / 255;
      return v <= 0.03928f ? v / 12.92f : std::pow((v + 0.055f) / 1.055f, 2.4f);
    };
    return 0.2126f * linear(IM_COL32_R_SHIFT) + 0.7152f * linear(IM_COL32_G_SHIFT) + 0.0722f * linear(IM_COL32_B_SHIFT);
  };
  const float x = luminance(a) + 0.05f, y = luminance(b) + 0.05f;
  return std::max(x, y) / std::min(x, y);
}

ImU32 ink_on(const Theme& theme, ImU32 ground) {
  return contrast(theme.ink, ground) >= contrast(theme.panel, ground) ? theme.ink : theme.panel;
}

ImU32 diverging(const Theme& theme, float v) {
  if (!(v == v)) return theme.line;  // NaN
  v = std::clamp(v, -1.f, 1.f);
  return mix(theme.panel, v < 0 ? theme.negative : theme.positive, std::fabs(v));
}

ImU32 ink_scale(const Theme& theme, float v) { return mix(theme.panel, theme.ink, v); }

}  // namespace neurona::app
