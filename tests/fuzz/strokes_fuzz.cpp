// Files of strokes, and what the rasterizer makes of them.
#include <cstddef>
#include <cstdint>
#include <span>

#include "neurona/data/strokes.hpp"
#include "neurona/error.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    for (const auto& digit : neurona::data::read_strokes(std::span(data, size))) (void)neurona::data::prepare_digit(digit.strokes);
  } catch (const neurona::FormatError&) {
  }
  return 0;
}
