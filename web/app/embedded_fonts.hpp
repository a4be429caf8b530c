#pragma once

#include <array>
#include <span>

#include "fonts.hpp"

namespace neurona::app {

/// The subset fonts of the build that are a part of the program, in the order of Face; written by web/embed.py.
std::array<std::span<const unsigned char>, kEmbeddedFaces> embedded_fonts();

}  // namespace neurona::app
