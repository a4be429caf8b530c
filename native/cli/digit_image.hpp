// A digit in a picture file, as the network wants it.
#pragma once

#include <string>
#include <vector>

#include "neurona/tensor.hpp"

namespace neurona::cli {

/// Reads a picture file (read_image) as a sample (1, 28, 28) in [0, 1]. An image of 28x28 is
/// taken as it is, others are prepared as MNIST was: the ink scaled into a box of 20x20, its centre of mass in the middle.
/// Dark ink on light ground is inverted. Errors: IoError, FormatError.
Tensor read_digit_image(const std::string& path);

}  // namespace neurona::cli
