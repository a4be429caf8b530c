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

struct Run {
  Tensor output;
  Tensor input_gradient;
  std::vector<Tensor> parameter_gradients;
};

void fill(Tensor& tensor, double value) {
  for (std::int64_t i = 0; i < tensor.elements(); ++i) tensor.set(i, value);
}

// Forward, then backward with dLoss/dOutput = `weights`, so Loss = sum(output * weights).
Run run(const Layer& layer, Backend& backend, const Tensor& x, const Shape& output_shape, const Tensor& weights) {
  Run result;
  const ConstTensorView input = x.view();
  if (layer.only_reshapes()) {
    result.output = Tensor(output_shape, x.dtype());
    copy(input, result.output.view());
    return result;
  }
  result.output = Tensor(output_shape, x.dtype());
  fill(result.output, kGarbage);
  layer.forward({.backend = backend, .inputs = {&input, 1}, .output = result.output.view(), .training = true});
  Tensor gradient = weights;
  result.input_gradient = Tensor(x.shape(), x.dtype());
  fill(result.input_gradient, kGarbage);
  std::vector<TensorView> views;
  for (const Parameter& parameter : layer.parameters()) {
    result.parameter_gradients.emplace_back(parameter.value.shape(), parameter.value.dtype());
    fill(result.parameter_gradients.back(), kGarbage);
  }
  for (std::size_t i = 0; i < result.parameter_gradients.size(); ++i)
    views.push_back(layer.parameters()[i].trainable ? result.parameter_gradients[i].view() : TensorView());
  const TensorView dx = result.input_gradient.view();
  layer.backward({.backend = backend,
                  .inputs = {&input, 1},
                  .output = result.output.view(),
                  .output_gradient = gradient.view(),
                  .input_gradients = {&dx, 1},
                  .parameter_gradients = views});
  return result;
}

double weighted_sum(const Tensor& output, const Tensor& weights) {
  double sum = 0.0;
  for (std::int64_t i = 0; i < output.elements(); ++i) sum += output.at(i) * weights.at(i);
  return sum;
}

// Compares `gradient` with differences of the loss when `values` move.
void check_gradient(const char* what, Tensor& values, const Tensor& gradient, const std::function<double()>& loss) {
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
  CHECK(normalised_error(gradient.view(), numeric.view()) < kGradientTolerance);
}

void check_batch(const std::function<std::unique_ptr<Layer>()>& make, const Shape& sample, std::int64_t batch) {
  INFO("batch ", batch, ", sample ", sample.to_string());
  const auto reference = make_reference_backend();
  Rng rng(7);
  const auto layer = make();
  const Shape predicted = layer->output_shape({&sample, 1});
  Rng build_rng = rng.fork(1);
  layer->build({&sample, 1}, DType::float64, build_rng);
  Tensor x = random_tensor(sample.with_leading(batch), rng, -1.0, 1.0, DType::float64);
  const Shape output_shape = predicted.with_leading(batch);
  const Tensor weights = random_tensor(output_shape, rng, -1.0, 1.0, DType::float64);

  const Run truth = run(*layer, *reference, x, output_shape, weights);
  REQUIRE(normalised_error(truth.output.view(), truth.output.view()) == 0.0);  // everything was written, and is finite
  if (layer->only_reshapes()) {
    CHECK(output_shape.elements() == x.elements());
    return;
  }
  const auto loss = [&] { return weighted_sum(run(*layer, *reference, x, output_shape, weights).output, weights); };
  check_gradient("input", x, truth.input_gradient, loss);
  for (std::size_t i = 0; i < layer->parameters().size(); ++i)
    if (layer->parameters()[i].trainable)
      check_gradient(layer->parameters()[i].name.c_str(), layer->parameters()[i].value, truth.parameter_gradients[i], loss);

  const auto single = make();
  Rng again = Rng(7).fork(1);
  single->build({&sample, 1}, DType::float32, again);
  Tensor x32(x.shape()), weights32(weights.shape());
  copy(x.view(), x32.view());
  copy(weights.view(), weights32.view());
  const Run slow = run(*single, *reference, x32, output_shape, weights32);
  const auto parameters = single->parameters();
  const auto compare = [&](const Run& fast) {
    CHECK(normalised_error(fast.output.view(), slow.output.view()) < kFloatTolerance);
    CHECK(normalised_error(fast.input_gradient.view(), slow.input_gradient.view()) < kFloatTolerance);
    for (std::size_t i = 0; i < parameters.size(); ++i)
      if (parameters[i].trainable)
        CHECK(normalised_error(fast.parameter_gradients[i].view(), slow.parameter_gradients[i].view()) < kFloatTolerance);
  };
  for (const auto& backend : make_cpu_backends()) {
    INFO(backend->describe());
    compare(run(*single, *backend, x32, output_shape, weights32));
    for (Parameter& parameter : parameters) {
      if (!parameter.trainable) continue;
      INFO("without the gradient by ", parameter.name);
      parameter.trainable = false;
      compare(run(*single, *backend, x32, output_shape, weights32));
      parameter.trainable = true;
    }
  }
}

}  // namespace

void check_layer(const std::function<std::unique_ptr<Layer>()>& make, const Shape& sample) {
  const auto layer = make();
  const auto copy_of = make_layer(layer->type(), layer->config());
  CHECK(copy_of->type() == layer->type());
  CHECK(copy_of->config().values() == layer->config().values());
  CHECK(copy_of->output_shape({&sample, 1}) == layer->output_shape({&sample, 1}));
  for (std::int64_t batch : {1, 3}) check_batch(make, sample, batch);
}

}  // namespace neurona::test
