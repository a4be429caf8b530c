#include "golden/resnet50_weights.hpp"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace neurona::test {

namespace {

constexpr std::int64_t kSide = 224, kChannels = 3;
constexpr std::int64_t kCell = 28;  // pixels along the side of one patch of color
constexpr std::uint64_t kCoarse8Bit = 1000, kFine8Bit = 1001, kCoarseFloat = 1002, kFineFloat = 1003;

// Number i of a stream, in [0, 2^bits): the top bits of what SplitMix64 (Steele, Lea, Flood 2014) draws from
// seed stream * 2^32.
std::int64_t integer(std::uint64_t stream, std::int64_t i, int bits) {
  std::uint64_t z = (stream << 32) + (static_cast<std::uint64_t>(i) + 1) * 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return static_cast<std::int64_t>((z ^ (z >> 31)) >> (64 - bits));
}

struct Range {
  double middle, half_width;
};

// Of the values of a weight, so chosen that float32 holds every one exactly.
Range unit_range(std::string_view layer, const Parameter& weight) {
  if (weight.name == "kernel") {  // He's uniform limit sqrt(6 / inputs), rounded to a power of two
    const Shape& shape = weight.value.shape();
    const auto inputs = static_cast<double>(shape.elements() / shape[shape.rank() - 1]);
    const int halvings = layer == "conv1_conv" ? 6 : layer == "probs" ? 5 : 0;
    return {0.0, std::ldexp(1.0, static_cast<int>(std::lround(0.5 * std::log2(6.0 / inputs))) - halvings)};
  }
  if (weight.name == "gamma" || weight.name == "moving_variance") {
    const double middle = weight.name == "gamma" && layer.ends_with("_3_bn") ? 0.5 : 1.0;
    return {middle, middle / 2};
  }
  return {0.0, 0.25};
}

// Element (y, x, c) of a layer of 8x8 patches, and of noise.
std::int64_t patch(std::uint64_t stream, std::int64_t y, std::int64_t x, std::int64_t c, int bits) {
  return integer(stream, ((y / kCell) * (kSide / kCell) + x / kCell) * kChannels + c, bits);
}
std::int64_t noise(std::uint64_t stream, std::int64_t y, std::int64_t x, std::int64_t c, int bits) {
  return integer(stream, (y * kSide + x) * kChannels + c, bits);
}

template <class F>
Tensor draw_image(F element) {
  Tensor image(Shape({1, kSide, kSide, kChannels}));
  float* out = image.values().data();
  for (std::int64_t y = 0; y < kSide; ++y)
    for (std::int64_t x = 0; x < kSide; ++x)
      for (std::int64_t c = 0; c < kChannels; ++c) *out++ = element(y, x, c);
  return image;
}

}  // namespace

void draw_resnet50_weights(Model& model) {
  std::uint64_t stream = 0;
  for (std::int64_t l = 0; l < model.size(); ++l) {
    Layer& layer = model.layer(l);
    for (Parameter& weight : layer.parameters()) {
      const Range range = unit_range(layer.name(), weight);
      const auto unit = static_cast<float>(std::ldexp(range.half_width, -22));
      const auto middle = static_cast<float>(range.middle);
      std::int64_t i = 0;
      for (float& value : weight.value.values())
        value = static_cast<float>(integer(stream, i++, 23) - (1 << 22)) * unit + middle;
      ++stream;
    }
  }
}

Tensor draw_resnet50_photo() {
  constexpr float kMean[] = {103.939f, 116.779f, 123.68f};
  return draw_image([&](std::int64_t y, std::int64_t x, std::int64_t c) {
    const std::int64_t rgb = kChannels - 1 - c;
    const std::int64_t pixel = patch(kCoarse8Bit, y, x, rgb, 8) * 3 / 4 + noise(kFine8Bit, y, x, rgb, 6);
    return static_cast<float>(pixel) - kMean[c];
  });
}

Tensor draw_resnet50_float_image() {
  return draw_image([](std::int64_t y, std::int64_t x, std::int64_t c) {
    const std::int64_t sum = patch(kCoarseFloat, y, x, c, 16) + noise(kFineFloat, y, x, c, 16) - (1 << 16);
    return static_cast<float>(std::ldexp(static_cast<double>(sum), -9));
  });
}

}  // namespace neurona::test
