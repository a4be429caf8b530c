#pragma once

#include <string_view>

#include "../lesson.hpp"

namespace neurona::app {

/// The prepared image and every layer's activations side by side, each unit with its numbers on hover.
void layer_strip(LessonContext& c, Rect rect);

/// The tooltip of one unit: z as the sum of its products, and what the activation makes of it.
void unit_tooltip(LessonContext& c, std::string_view key, Rect anchor, int layer, int unit);

}  // namespace neurona::app
