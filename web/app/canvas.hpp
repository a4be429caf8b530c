#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fonts.hpp"
#include "geometry.hpp"
#include "imgui.h"
#include "theme.hpp"

namespace neurona::app {

/// The typographic roles of the course; Canvas::style turns one into face, size and color.
enum class Type { body, small, caption, kicker, heading, title, card_title, mono, mono_small, number };

/// How a piece of text is set.
struct TextStyle {
  Face face = Face::text;
  float size = 15.5f;
  ImU32 color = 0;
  float tracking = 0;  ///< extra space between letters, in em
  TextStyle with(ImU32 c) const { return {face, size, c, tracking}; }
  TextStyle with(Face f) const { return {f, size, color, tracking}; }
  TextStyle at(float s) const { return {face, s, color, tracking}; }
};

/// What a host's callback for large fills is given: an opaque rectangle in screen coordinates.
struct SolidFill {
  Rect rect;
  ImU32 color;
};

/// Where everything is drawn: text and shapes in ImGui's draw lists, in CSS pixels.
class Canvas {
 public:
  Canvas();

  const Theme& theme() const { return *theme_; }
  float density() const { return density_; }
  Rect screen() const { return screen_; }
  ImDrawList* draw() const { return draw_; }
  /// See fonts.hpp.
  void add_math_fonts(std::span<const std::byte> math, std::span<const std::byte> math_italic) {
    app::add_math_fonts(fonts_, math, math_italic);
  }

  // --- clipping ---
  void push_clip(Rect rect);
  void pop_clip();
  Rect clip() const { return clips_.back(); }

  // --- text ---
  TextStyle style(Type type) const;
  ImVec2 measure(std::string_view text, const TextStyle& style) const;
  float line_height(const TextStyle& style) const;
  /// Draws one line with its top left corner at `position`; returns its width.
  float text(ImVec2 position, std::string_view text, const TextStyle& style);
  /// Draws one line inside `rect`, vertically centered; align 0 = left, 0.5 = centered, 1 = right. Too long a
  /// text is shortened with an ellipsis, never clipped.
  void text_in(Rect rect, std::string_view text, const TextStyle& style, float align = 0);
  /// Draws one line with its baseline at `baseline`; returns its width. All text goes through here.
  float text_on(ImVec2 baseline, std::string_view text, const TextStyle& style);
  /// Height of capitals: to center text optically.
  float cap_height(const TextStyle& style) const;
  /// The text, shortened with an ellipsis to fit `width`.
  std::string fit(std::string_view text, const TextStyle& style, float width) const;

  // --- shapes ---
  /// A callback of the host, given a SolidFill, that fills faster than triangles do. On software OpenGL a
  /// textured, blended pixel costs twenty times one of a clear.
  void set_solid_fill(ImDrawCallback callback) { solid_fill_ = callback; }
  void fill(Rect rect, ImU32 color, float radius = 0);
  void stroke(Rect rect, ImU32 color, float radius = 0, float thickness = 1);
  void shadow(Rect rect, float radius);
  void dashed(ImVec2 from, ImVec2 to, ImU32 color, float thickness = 1, float dash = 4, float gap = 4);
  void focus_ring(Rect rect, float radius);

 protected:
  void begin_canvas(const Theme& theme, Rect screen, float density);
  /// Draws above everything else until draw_below().
  void draw_above();
  void draw_below();

 private:
  Fonts fonts_;
  const Theme* theme_;
  float density_ = 1;
  Rect screen_;
  ImDrawList* draw_ = nullptr;
  ImDrawCallback solid_fill_ = nullptr;
  std::vector<Rect> clips_;
};

}  // namespace neurona::app
