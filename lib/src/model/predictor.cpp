#include "neurona/predictor.hpp"

#include <algorithm>

#include "model/executor.hpp"
#include "neurona/error.hpp"

namespace neurona {

struct Predictor::Impl {
  Impl(Model& model, PredictorOptions wanted) : options(wanted), executor(model, wanted.max_batch, Executor::Use::inference) {}
  PredictorOptions options;
  Executor executor;
};

Predictor::Predictor(Model& model, PredictorOptions options) : impl_(std::make_unique<Impl>(model, options)) { refresh(); }
Predictor::~Predictor() = default;
Predictor::Predictor(Predictor&&) noexcept = default;
Predictor& Predictor::operator=(Predictor&&) noexcept = default;

TensorView Predictor::input(std::int64_t n, std::size_t i) {
  if (n < 1 || n > impl_->executor.max_batch())
    throw ValueError("Predictor: " + std::to_string(n) + " samples; it was made for 1 to " +
                     std::to_string(impl_->executor.max_batch()) + ".");
  return impl_->executor.input(n, i);
}

ConstTensorView Predictor::run(std::size_t i) {
  impl_->executor.forward({.training = false});
  return impl_->executor.output(i);
}

void Predictor::refresh() {
  if (impl_->options.weights_are_final) impl_->executor.prepare_kernels();
}

std::size_t Predictor::bytes() const { return impl_->executor.arena_bytes() + impl_->executor.prepared_bytes(); }

}  // namespace neurona
