// A digit in a picture file, as the network wants it.
#pragma once

#include <string>
#include <utility>

#include "neurona/data/digit_picture.hpp"
#include "neurona/tensor.hpp"

namespace neurona::cli {

using data::DigitPicture;

/// Reads a picture file (read_image) and finds its digit (data::find_digit); `as_is`: 28x28 pixels taken as they are, light ink on dark.
/// Errors: IoError; FormatError, also where there is no digit.
DigitPicture read_digit_picture(const std::string& path, bool as_is);
/// Writes what was found of a picture into `folder`: NAME.28x28.png, what the network sees, and NAME.box.png, the picture (reduced to at most
/// 1,000 pixels a side) with the box around the digit. Returns the two names. Errors: IoError.
std::pair<std::string, std::string> show_digit_picture(const std::string& path, const DigitPicture& found, const std::string& folder);
/// (1, 28, 28), each pixel times `scale`.
Tensor as_sample(const data::DigitImage& digit, float scale);

}  // namespace neurona::cli
