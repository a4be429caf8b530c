#pragma once

#include <array>
#include <cstdint>

#include "widgets/draw_pad.hpp"

namespace neurona::app {

/// The drawing as MNIST would have it: 28x28 grey values, 0 = ground, 255 = ink; all 0 for an empty drawing.
std::array<std::uint8_t, 784> prepare_drawing(const PadDrawing& drawing);

}  // namespace neurona::app
