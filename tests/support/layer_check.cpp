#include "support/layer_check.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "backend/backend.hpp"
#include "support/samples.hpp"

namespace neurona::test {

namespace {

// Central differences in double with a step of 1e-5 carry an error of about 1e-10; curvature adds a little.
constexpr double kStep = 1e-5;
constexpr double kGradientTolerance = 1e-7;
// float32 has 24 bits; sums of some hundred terms in another order lose a few.
constexpr double kFloatTolerance = 2e-6;
constexpr double kGarbage = 1e30;

constexpr std::uint64_t kSeed = 11;  // of what is random in a pass

struct Run {
  Tensor output;
  std::vector<Tensor> input_gradients;
  std::vector<Tensor> parameter_gradients;
};

void fill(Tensor& tensor, double value) {
  for (std::int64_t i = 0; i < tensor.elements(); ++i) tensor.set(i, value);
}

struct Case {
  std::vector<Shape> samples;
  std::int64_t batch = 1;
  Shape output;  // with the batch
};

// Forward, then backward with dLoss/dOutput = `weights`, so Loss = sum(output * weights).
Run run(const Layer& layer, Backend& backend, const std::vector<Tensor>& x, const Case& of, const Tensor& weights) {
  const DType dtype = x[0].dtype();
  Run result;
  result.output = Tensor(of.output, dtype);
  if (layer.only_reshapes()) {
    copy(x[0].view(), result.output.view());
    return result;
  }
  fill(result.output, kGarbage);
  std::vector<ConstTensorView> inputs;
  for (const Tensor& input : x) inputs.push_back(input.view());
  Tensor tape({layer.tape_bytes(of.samples, of.batch, dtype) / static_cast<std::int64_t>(sizeof(float))});
  const std::span<std::byte> kept(static_cast<std::byte*>(tape.view().data), tape.size_bytes());
  layer.forward({.backend = backend, .inputs = inputs, .output = result.output.view(), .tape = kept, .training = true, .seed = kSeed});
  Tensor gradient = weights;
  std::vector<TensorView> dx, views;
  for (const Tensor& input : x) {
    result.input_gradients.emplace_back(input.shape(), dtype);
    fill(result.input_gradients.back(), kGarbage);
  }
  for (Tensor& input_gradient : result.input_gradients) dx.push_back(input_gradient.view());
  for (const Parameter& parameter : layer.parameters()) {
    result.parameter_gradients.emplace_back(parameter.value.shape(), parameter.value.dtype());
    fill(result.parameter_gradients.back(), kGarbage);
  }
  for (std::size_t i = 0; i < result.parameter_gradients.size(); ++i)
    views.push_back(layer.parameters()[i].trainable ? result.parameter_gradients[i].view() : TensorView());
  layer.backward({.backend = backend,
                  .inputs = inputs,
                  .output = result.output.view(),
                  .output_gradient = gradient.view(),
                  .input_gradients = dx,
                  .parameter_gradients = views,
                  .tape = kept,
                  .seed = kSeed});
  return result;
}

double weighted_sum(const Tensor& output, const Tensor& weights) {
  double sum = 0.0;
  for (std::int64_t i = 0; i < output.elements(); ++i) sum += output.at(i) * weights.at(i);
  return sum;
}

// Compares `gradient` with differences of the loss when `values` move.
void check_gradient(const std::string& what, Tensor& values, const Tensor& gradient, const std::function<double()>& loss) {
  Tensor numeric(values.shape(), DType::float64);
  for (std::int64_t i = 0; i < values.elements(); ++i) {
    const double kept = values.at(i);
    values.set(i, kept + kStep);
    const double above = loss();
    values.set(i, kept - kStep);
    const double below = loss();
    values.set(i, kept);
    numeric.set(i, (above - below) / (2 * kStep));
  }
  INFO("gradient by ", what);
  CHECK(normalized_error(gradient.view(), numeric.view()) < kGradientTolerance);
}

std::vector<Tensor> in_float32(const std::vector<Tensor>& tensors) {
  std::vector<Tensor> singles;
  for (const Tensor& tensor : tensors) {
    singles.emplace_back(tensor.shape());
    copy(tensor.view(), singles.back().view());
  }
  return singles;
}

void check_batch(const std::function<std::unique_ptr<Layer>()>& make, const std::vector<Shape>& samples, std::int64_t batch) {
  INFO("batch ", batch, ", sample ", samples[0].to_string());
  const auto reference = make_reference_backend();
  Rng rng(7);
  const auto layer = make();
  const Case of{samples, batch, layer->output_shape(samples).with_leading(batch)};
  Rng build_rng = rng.fork(1);
  layer->build(samples, DType::float64, build_rng);
  std::vector<Tensor> x;
  for (const Shape& sample : samples) x.push_back(random_tensor(sample.with_leading(batch), rng, -1.0, 1.0, DType::float64));
  const Tensor weights = random_tensor(of.output, rng, -1.0, 1.0, DType::float64);

  const Run truth = run(*layer, *reference, x, of, weights);
  REQUIRE(normalized_error(truth.output.view(), truth.output.view()) == 0.0);  // everything was written, and is finite
  if (layer->only_reshapes()) {
    CHECK(of.output.elements() == x[0].elements());
    return;
  }
  const auto loss = [&] { return weighted_sum(run(*layer, *reference, x, of, weights).output, weights); };
  for (std::size_t i = 0; i < x.size(); ++i) check_gradient("input " + std::to_string(i), x[i], truth.input_gradients[i], loss);
  for (std::size_t i = 0; i < layer->parameters().size(); ++i)
    if (layer->parameters()[i].trainable)
      check_gradient(layer->parameters()[i].name, layer->parameters()[i].value, truth.parameter_gradients[i], loss);

  const auto single = make();
  Rng again = Rng(7).fork(1);
  single->build(samples, DType::float32, again);
  const std::vector<Tensor> x32 = in_float32(x);
  const Tensor weights32 = in_float32({weights})[0];
  const Run slow = run(*single, *reference, x32, of, weights32);
  const auto parameters = single->parameters();
  const auto compare = [&](const Run& fast) {
    CHECK(normalized_error(fast.output.view(), slow.output.view()) < kFloatTolerance);
    for (std::size_t i = 0; i < x.size(); ++i)
      CHECK(normalized_error(fast.input_gradients[i].view(), slow.input_gradients[i].view()) < kFloatTolerance);
    for (std::size_t i = 0; i < parameters.size(); ++i)
      if (parameters[i].trainable)
        CHECK(normalized_error(fast.parameter_gradients[i].view(), slow.parameter_gradients[i].view()) < kFloatTolerance);
  };
  for (const auto& backend : make_cpu_backends()) {
    INFO(backend->describe());
    compare(run(*single, *backend, x32, of, weights32));
    for (Parameter& parameter : parameters) {
      if (!parameter.trainable) continue;
      INFO("without the gradient by ", parameter.name);
      parameter.trainable = false;
      compare(run(*single, *backend, x32, of, weights32));
      parameter.trainable = true;
    }
  }
}

}  // namespace

void check_layer(const std::function<std::unique_ptr<Layer>()>& make, const Shape& sample) { check_merging_layer(make, {sample}); }

void check_merging_layer(const std::function<std::unique_ptr<Layer>()>& make, const std::vector<Shape>& samples) {
  const auto layer = make();
  const auto copy_of = make_layer(layer->type(), layer->config());
  CHECK(copy_of->type() == layer->type());
  CHECK(copy_of->config().values() == layer->config().values());
  CHECK(copy_of->output_shape(samples) == layer->output_shape(samples));
  for (const std::int64_t batch : {1, 3}) check_batch(make, samples, batch);
}

}  // namespace neurona::test
