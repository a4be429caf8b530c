#pragma once

#include <array>
#include <span>

#include "fonts.hpp"

namespace neurona::app {

/// The subset fonts of the build, in the order of Face; written by web/embed.py.
std::array<std::span<const unsigned char>, kFaceCount> embedded_fonts();

}  // namespace neurona::app
