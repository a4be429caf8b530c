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
/// Those that are a part of the program; mathematics comes with the first lesson.
inline constexpr int kEmbeddedFaces = 6;

/// The loaded faces; glyphs are rasterised on demand at the size and density at which they are drawn.
struct Fonts {
  std::array<ImFont*, kFaceCount> faces{};
  /// ImGui's font size (ascent + descent) for one em, so that sizes mean what they mean in CSS.
  std::array<float, kFaceCount> em{};
  ImFont* operator[](Face face) const { return faces[std::size_t(face)]; }
};

/// Adds the embedded faces to ImGui's atlas. Call once after ImGui::CreateContext(). Until add_math_fonts() the faces of
/// mathematics are those of the text.
Fonts load_fonts();

/// Adds the faces of mathematics; signs that the text's face lacks are drawn in them. (Merged into it, all its glyphs would be
/// rasterized anew: a long task.) The bytes must outlive ImGui's context.
void add_math_fonts(Fonts& fonts, std::span<const std::byte> math, std::span<const std::byte> math_italic);

/// Renders every face at `density` device pixels per CSS pixel from the next text on.
void set_font_density(Fonts& fonts, float density);

}  // namespace neurona::app
