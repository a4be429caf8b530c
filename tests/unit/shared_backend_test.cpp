// Models that share a backend, each on a thread of its own.
#include <doctest/doctest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "neurona/backend.hpp"
#include "neurona/dataset.hpp"
#include "neurona/layers.hpp"
#include "neurona/model.hpp"
#include "neurona/optimizer.hpp"
#include "neurona/random.hpp"
#include "neurona/train.hpp"

using namespace neurona;

namespace {

Tensor drawn(const Shape& shape, std::uint64_t seed) {
  Tensor tensor(shape);
  Rng rng(seed);
  for (float& value : tensor.values()) value = rng.uniform(-1.0f, 1.0f);
  return tensor;
}

// Of as many of the operations as one network can have; `width` makes two networks differ.
Sequential network(std::int64_t width) {
  Sequential model;
  model.add(Conv2D({.filters = width, .kernel_size = 3, .activation = Activation::relu, .input_shape = {14, 14, 2}}));
  model.add(MaxPooling2D());
  model.add(Conv2D({.filters = 2 * width, .kernel_size = 3, .strides = 2}));
  model.add(BatchNormalization());
  model.add(AveragePooling2D());
  model.add(Flatten());
  model.add(Dense({.units = 8 * width, .activation = Activation::sigmoid, .kernel_regularizer = {.l2 = 0.01}}));
  model.add(Dense({.units = 3, .activation = Activation::softmax}));
  model.compile({.optimizer = SGD({.learning_rate = 0.05})});
  return model;
}

// What a network is after some steps: its weights, and what it predicts.
std::vector<float> trained(std::int64_t width, const std::shared_ptr<Backend>& backend) {
  constexpr std::int64_t kSamples = 24;
  Sequential model = network(width);
  model.set_backend(backend);
  const Tensor x = drawn({kSamples, 14, 14, 2}, static_cast<std::uint64_t>(width));
  std::vector<std::int32_t> labels;
  for (std::int32_t i = 0; i < kSamples; ++i) labels.push_back(i % 3);
  model.fit(Dataset(x, labels), {.epochs = 6, .batch_size = 8});
  std::vector<float> all;
  for (std::int64_t i = 0; i < model.size(); ++i)
    for (const Parameter& parameter : model.layer(i).parameters()) all.insert(all.end(), parameter.value.values().begin(), parameter.value.values().end());
  const Tensor y = model.predict(x);
  all.insert(all.end(), y.values().begin(), y.values().end());
  return all;
}

}  // namespace

TEST_CASE("Two models on one backend, trained by two threads at once, are those that are trained alone") {
  const std::vector<std::int64_t> widths = {8, 11};
  for (const std::string& name : backend_names()) {
    INFO(name);
    const std::shared_ptr<Backend> shared = make_backend(name);
    std::vector<std::vector<float>> together(widths.size()), alone;
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < widths.size(); ++i) threads.emplace_back([&, i] { together[i] = trained(widths[i], shared); });
    for (std::thread& thread : threads) thread.join();
    for (const std::int64_t width : widths) alone.push_back(trained(width, make_backend(name)));
    CHECK(together == alone);
  }
}
