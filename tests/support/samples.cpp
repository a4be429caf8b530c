#include "support/samples.hpp"

#include <algorithm>
#include <cmath>

#include "neurona/layers.hpp"

namespace neurona::test {

Tensor random_tensor(const Shape& shape, Rng& rng, double low, double high, DType dtype) {
  Tensor tensor(shape, dtype);
  for (std::int64_t i = 0; i < tensor.elements(); ++i) tensor.set(i, low + (high - low) * static_cast<double>(rng.uniform()));
  return tensor;
}

ImageSet easy_images(std::int64_t count, std::uint64_t seed) {
  constexpr int kSide = 28, kSquare = 5;
  Rng rng(seed);
  ImageSet set;
  set.height = set.width = kSide;
  for (std::int64_t i = 0; i < count; ++i) {
    const auto label = static_cast<int>(rng.below(10));
    std::vector<std::uint8_t> image(kSide * kSide);
    for (auto& pixel : image) pixel = static_cast<std::uint8_t>(rng.below(60));
    const int left = 1 + label % 5 * kSquare, top = 4 + label / 5 * 12;
    for (int y = top; y < top + kSquare; ++y)
      for (int x = left; x < left + kSquare; ++x)
        image[static_cast<std::size_t>(y * kSide + x)] = static_cast<std::uint8_t>(180 + rng.below(70));
    set.pixels.insert(set.pixels.end(), image.begin(), image.end());
    set.labels.push_back(static_cast<std::uint8_t>(label));
  }
  return set;
}

Sequential wide_network(std::uint64_t seed) {
  Sequential model({.seed = seed});
  model.add(Flatten({.input_shape = {28, 28}}));
  model.add(Dense({.units = 720, .activation = Activation::relu}));
  model.add(Dense({.units = 10, .activation = Activation::softmax}));
  model.compile({.loss = SparseCategoricalCrossentropy(), .optimizer = SGD({.learning_rate = 0.1}), .metrics = {Accuracy()}});
  return model;
}

double normalized_error(ConstTensorView a, ConstTensorView b) {
  const auto at = [](ConstTensorView v, std::int64_t i) {
    return v.dtype == DType::float64 ? v.as<double>()[i] : static_cast<double>(v.as<float>()[i]);
  };
  double error = 0.0, scale = 0.0;
  for (std::int64_t i = 0; i < b.elements(); ++i) {
    const double difference = std::abs(at(a, i) - at(b, i));
    if (!std::isfinite(difference)) return std::numeric_limits<double>::infinity();
    error = std::max(error, difference);
    scale = std::max(scale, std::abs(at(b, i)));
  }
  return scale > 0.0 ? error / scale : error;
}

}  // namespace neurona::test
