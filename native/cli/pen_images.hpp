// Pen-drawn digits to train on and to judge by.
#pragma once

#include <cstdint>
#include <string>

#include "neurona/image_set.hpp"

namespace neurona::cli {

struct PenImages {
  ImageSet train, held_out;
};

/// Reads a file of strokes (data::read_strokes) and prepares its digits as the page does, those to train on also in `copies` - 1 distorted
/// versions each. One writer in five is kept apart, to judge by. Errors: IoError, FormatError.
PenImages prepare_strokes(const std::string& file, std::int64_t copies, std::uint64_t seed);

}  // namespace neurona::cli
