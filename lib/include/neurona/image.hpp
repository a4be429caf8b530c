// Pictures: from files to what a network takes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "neurona/tensor.hpp"

namespace neurona {

/// A picture of 8-bit RGB values, row by row: (height, width, 3).
struct Image {
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::vector<std::uint8_t> pixels;
};

/// Larger pictures are refused before they are unpacked.
inline constexpr std::int64_t kMaxImagePixels = 100'000'000;

/// What transparent pixels lie over: white; or what makes the rest stand out, for drawings without a ground of their own.
enum class Ground : std::uint8_t { white, contrasting };

/// Decodes JPEG, PNG, BMP, GIF (its first frame), PBM, PGM and PPM (binary or ASCII, up to 16 bits), and, in builds that have the
/// libraries, WebP and TIFF (its first picture). Gray values become equal red, green and blue;
/// 16 bits become 8; what is transparent lies over `ground`, unlike in Keras, which shows the color that hides
/// there; turned upright as EXIF's orientation says. `name` is for messages. Errors: FormatError for what is
/// no picture, is damaged or cut short, has no or more than kMaxImagePixels pixels.
Image decode_image(std::span<const std::uint8_t> bytes, const std::string& name, Ground ground = Ground::white);
/// The same from a file of up to 256 MiB. Errors: IoError; FormatError.
Image read_image(const std::filesystem::path& path, Ground ground = Ground::white);

/// Writes an 8-bit RGB PNG, whole or not at all. Errors: IoError; ValueError for a picture without pixels, or whose pixels do not fit its
/// size.
void write_png(const Image& image, const std::filesystem::path& path);

/// Scales the picture to fit into (height, width) and centers it between zeros: (height, width, 3), values 0
/// to 255, as tf.image.resize_with_pad. With `antialias` a smaller picture is the mean under a triangle as
/// wide as the scale asks; without it, it interpolates between the four nearest pixels. Errors: ValueError
/// for a target without pixels, or a picture whose pixels do not fit its size.
Tensor resize_with_pad(const Image& image, std::int64_t height, std::int64_t width, bool antialias = true);

/// RGB values 0 to 255 (..., 3) become what ResNet-50 was trained on: BGR, less ImageNet's mean color, in
/// place (keras.applications.resnet50.preprocess_input). Errors: ShapeError when the last axis is not 3.
void preprocess_input(Tensor& images);

}  // namespace neurona
