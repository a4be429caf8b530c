#include <algorithm>
#include <cmath>

#include "neurona/error.hpp"
#include "neurona/image.hpp"

namespace neurona {

namespace {

// Which pixels of an axis make up one of the result, and their shares.
struct Span {
  std::int64_t begin = 0;
  std::vector<float> weights;
};

// A triangle around the middle of each new pixel, as wide as an old pixel or, with `antialias`, as a new one
// where that is wider; cut at the border, then scaled to sum up to 1 (TensorFlow's ScaleAndTranslate, in
// float32 as there).
std::vector<Span> spans(std::int64_t from, std::int64_t to, bool antialias) {
  const float inverse = 1.0f / (static_cast<float>(to) / static_cast<float>(from));
  const float radius = antialias ? std::max(inverse, 1.0f) : 1.0f;
  std::vector<Span> all(static_cast<std::size_t>(to));
  for (std::int64_t i = 0; i < to; ++i) {
    const float middle = (static_cast<float>(i) + 0.5f) * inverse;
    const auto begin =
        std::max<std::int64_t>(0, static_cast<std::int64_t>(std::ceil(middle - radius - 0.5f)));
    const auto end =
        std::min<std::int64_t>(from, static_cast<std::int64_t>(std::floor(middle + radius - 0.5f)) + 1);
    Span& span = all[static_cast<std::size_t>(i)];
    span.begin = begin;
    float sum = 0.0f;
    for (std::int64_t k = begin; k < end; ++k) {
      const float distance = std::abs(static_cast<float>(k) + 0.5f - middle) / radius;
      sum += span.weights.emplace_back(std::max(0.0f, 1.0f - distance));
    }
    for (float& weight : span.weights) weight /= sum;
  }
  return all;
}

}  // namespace

Tensor resize_with_pad(const Image& image, std::int64_t height, std::int64_t width, bool antialias) {
  if (height < 1 || width < 1)
    throw ValueError("resize_with_pad: a target of " + std::to_string(width) + "x" + std::to_string(height) +
                     " has no pixels.");
  if (image.height < 1 || image.width < 1 ||
      static_cast<std::int64_t>(image.pixels.size()) != image.height * image.width * 3)
    throw ValueError("resize_with_pad: the picture has " + std::to_string(image.pixels.size()) +
                     " values; expected " + std::to_string(image.width) + "x" + std::to_string(image.height) +
                     "x3.");
  // As in TensorFlow: sizes and margins come from the ratio in float32, the new size is cut, the margins are
  // halves of what is left before.
  const float ratio = std::max(static_cast<float>(image.width) / static_cast<float>(width),
                               static_cast<float>(image.height) / static_cast<float>(height));
  const float exact_height = static_cast<float>(image.height) / ratio,
              exact_width = static_cast<float>(image.width) / ratio;
  const auto margin = [](std::int64_t target, float exact) {
    return std::max<std::int64_t>(
        0, static_cast<std::int64_t>(std::floor((static_cast<float>(target) - exact) / 2.0f)));
  };
  // A strip whose other side would vanish keeps one pixel; TensorFlow refuses it.
  const std::int64_t new_height =
      std::clamp<std::int64_t>(static_cast<std::int64_t>(exact_height), 1, height);
  const std::int64_t new_width = std::clamp<std::int64_t>(static_cast<std::int64_t>(exact_width), 1, width);
  const std::int64_t top = std::min(margin(height, exact_height), height - new_height),
                     left = std::min(margin(width, exact_width), width - new_width);
  const std::vector<Span> rows = spans(image.height, new_height, antialias),
                          columns = spans(image.width, new_width, antialias);

  Tensor result({height, width, 3});
  const std::span<float> values = result.values();
  std::vector<float> row(static_cast<std::size_t>(image.width * 3));
  for (std::int64_t y = 0; y < new_height; ++y) {
    const Span& of_rows = rows[static_cast<std::size_t>(y)];
    std::fill(row.begin(), row.end(), 0.0f);
    for (std::size_t k = 0; k < of_rows.weights.size(); ++k) {
      const std::uint8_t* from =
          image.pixels.data() + (of_rows.begin + static_cast<std::int64_t>(k)) * image.width * 3;
      for (std::size_t i = 0; i < row.size(); ++i) row[i] += of_rows.weights[k] * static_cast<float>(from[i]);
    }
    float* to = values.data() + ((top + y) * width + left) * 3;
    for (std::int64_t x = 0; x < new_width; ++x, to += 3) {
      const Span& of_columns = columns[static_cast<std::size_t>(x)];
      const float* from = row.data() + of_columns.begin * 3;
      for (const float weight : of_columns.weights)
        for (int c = 0; c < 3; ++c) to[c] += weight * *from++;
    }
  }
  return result;
}

void preprocess_input(Tensor& images) {
  if (images.shape().rank() == 0 || images.shape().back() != 3)
    throw ShapeError("preprocess_input received shape " + images.shape().to_string() +
                     "; the last axis must be 3: red, green, blue.");
  constexpr float kMean[] = {103.939f, 116.779f, 123.68f};  // of ImageNet's training images: blue, green, red
  const std::span<float> values = images.values();
  for (std::size_t i = 0; i < values.size(); i += 3) {
    std::swap(values[i], values[i + 2]);
    for (std::size_t c = 0; c < 3; ++c) values[i + c] -= kMean[c];
  }
}

}  // namespace neurona
