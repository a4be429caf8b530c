#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

#include "imgui.h"

namespace neurona::app {

/// The typefaces of the course.
enum class Face {
  text,         ///< Inter
  strong,       ///< Inter SemiBold
  italic,       ///< Inter, slanted when it is drawn
  display,      ///< Inter Display SemiBold: headings
  mono,         ///< JetBrains Mono: code, numbers, kickers
  mono_strong,  ///< JetBrains Mono Bold
  math,         ///< STIX Two Text: upright mathematics
  math_italic,  ///< STIX Two Text Italic: variables
};
inline constexpr int kFaceCount = 8;

/// The loaded faces; glyphs are rasterised on demand at the size and density at which they are drawn.
struct Fonts {
  std::array<ImFont*, kFaceCount> faces{};
  /// ImGui's font size (ascent + descent) for one em, so that sizes mean what they mean in CSS.
  std::array<float, kFaceCount> em{};
  ImFont* operator[](Face face) const { return faces[std::size_t(face)]; }
};

/// Adds the embedded faces to ImGui's atlas. Call once after ImGui::CreateContext().
Fonts load_fonts();

/// Renders every face at `density` device pixels per CSS pixel from the next text on.
void set_font_density(Fonts& fonts, float density);

}  // namespace neurona::app
