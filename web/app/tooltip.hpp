#pragma once

#include <functional>
#include <string>

#include "geometry.hpp"

namespace neurona::app {

class Ui;

/// The one tooltip of the course: name, value, the formula with its numbers, and where it comes from.
/// `value` and `numbers` are set in mono; `text` and `source` may hold inline markup (rich_text.hpp).
struct Tooltip {
  std::string title = {}, value = {}, text = {}, formula = {}, numbers = {}, source = {};
  /// Draws a picture below the title, left of the rest, into a rectangle of `picture_size`; called at the end
  /// of the frame.
  std::function<void(Rect)> picture = {};
  ImVec2 picture_size = {0, 0};
};

/// Draws it beside `anchor`, inside the window. A pinned one has an accent border.
void draw_tooltip(Ui& ui, const Tooltip& content, Rect anchor, bool pinned);

}  // namespace neurona::app
