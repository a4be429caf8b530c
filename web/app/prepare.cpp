#include "prepare.hpp"

#include "neurona/data/strokes.hpp"

namespace neurona::app {

std::array<std::uint8_t, 784> prepare_drawing(const PadDrawing& drawing) {
  data::Strokes strokes;
  strokes.reserve(drawing.strokes.size());
  for (const PadStroke& stroke : drawing.strokes) {
    data::Stroke& out = strokes.emplace_back();
    out.reserve(stroke.size());
    for (const PadPoint& p : stroke) out.push_back({p.x, p.y});
  }
  // A tap with the pen is a dot, not a digit to be blown up to the whole box.
  return data::prepare_digit(strokes, {.tap_size = 0.03f});
}

}  // namespace neurona::app
