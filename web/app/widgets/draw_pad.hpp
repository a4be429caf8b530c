#pragma once

#include <cstddef>
#include <vector>

#include "../ui.hpp"

namespace neurona::app {

struct PadPoint {
  float x, y;  ///< in the pad's unit box, y down
};
/// A pen's samples nearer than this to the last one (in pad sides) carry nothing and are left out.
inline constexpr float kLeastPenMove = 0.002f;

using PadStroke = std::vector<PadPoint>;

/// What was drawn. Shared by all lessons through App.
struct PadDrawing {
  std::vector<PadStroke> strokes;
  int revision = 0;       ///< grows with every change
  int pen_revision = -1;  ///< as the pen that is down left it; another one means that its stroke may be gone
  bool empty() const { return strokes.empty(); }
  void clear() { strokes.clear(), ++revision; }
  void undo() {
    if (!strokes.empty()) strokes.pop_back(), ++revision;
  }
};

struct DrawPadOptions {
  std::string_view hint = {};   ///< shown faintly while nothing is drawn
  float pen_width = 0.072f;     ///< of the pad's side
  bool guide = true;            ///< the dashed 20x20 box
  std::string_view label = {};  ///< for screen readers
};

/// The pad: a square unit box centred in `rect`, ink over the whole of it. Returns true when the drawing
/// changed.
bool draw_pad(Ui& ui, std::string_view name, Rect rect, PadDrawing& drawing,
              const DrawPadOptions& options = {});

/// Draws strokes with round caps and joins as the pad does (thumbnails).
void draw_strokes(Ui& ui, Rect square, const PadDrawing& drawing, ImU32 color, float pen_width = 0.072f);

}  // namespace neurona::app
