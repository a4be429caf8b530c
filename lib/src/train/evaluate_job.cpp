#include <algorithm>

#include "neurona/train.hpp"
#include "train/batches.hpp"
#include "train/penalties.hpp"

namespace neurona {

namespace {

template <class T>
std::int32_t largest(const T* row, std::int64_t count) {
  return static_cast<std::int32_t>(std::max_element(row, row + count) - row);
}

}  // namespace

struct EvaluateJob::Impl {
  Impl(Model& judged, Dataset samples, std::int64_t batch_size)
      : model(judged),
        data(std::move(samples)),
        compiled(checked(judged, data)),
        executor(judged, std::min(batch_size, data.size()), Executor::Use::inference),
        batches(data, executor) {
    check_data(model, compiled, executor, data);
    logits = wants_logits(model);
    sums.resize(1 + compiled.metrics.size());
    predicted.reserve(static_cast<std::size_t>(data.size()));
  }

  static const CompileOptions& checked(const Model& model, const Dataset& data) {
    if (!model.compiled())
      throw ValueError("evaluate: model '" + model.name() + "' is not compiled; its loss is not known. Call compile first.");
    if (data.size() < 1) throw ValueError("evaluate: received no samples; it needs at least 1.");
    return model.compile_options();
  }

  void step() {
    if (done == 0) weights_penalty = penalty(model.backend(), model.trainable_parameters());
    const std::int64_t n = batches.next();
    executor.forward({.training = false, .logits = logits});
    const ConstTensorView output = executor.output();
    sums[0] += compiled.loss->evaluate(model.backend(), output, logits, batches.targets(), {}) +
               static_cast<double>(n) * weights_penalty;
    const auto& metrics = compiled.metrics;
    for (std::size_t i = 0; i < metrics.size(); ++i)
      sums[i + 1] += metrics[i]->evaluate(output, logits, batches.targets());
    const std::int64_t each = output.elements() / n;
    for (std::int64_t i = 0; i < n; ++i)
      predicted.push_back(output.dtype == DType::float64 ? largest(output.as<double>() + i * each, each)
                                                         : largest(output.as<float>() + i * each, each));
    done += n;
  }

  Model& model;
  Dataset data;
  const CompileOptions compiled;  // shares loss and metrics: compiling the model anew does no harm to this run
  Executor executor;
  Batches batches;
  bool logits = false;
  double weights_penalty = 0.0;
  std::vector<double> sums;
  std::vector<std::int32_t> predicted;
  std::int64_t done = 0;
};

EvaluateJob::EvaluateJob(Model& model, Dataset data, std::int64_t batch_size)
    : impl_(std::make_unique<Impl>(model, std::move(data), batch_size)) {}
EvaluateJob::~EvaluateJob() = default;

bool EvaluateJob::advance(double budget_ms, Progress& progress) {
  return advance_over_samples(*impl_, budget_ms, progress);
}

Evaluation EvaluateJob::result() const {
  const double count = impl_->done > 0 ? static_cast<double>(impl_->done) : 1.0;
  Evaluation result;
  result.loss = impl_->sums[0] / count;
  const auto& metrics = impl_->compiled.metrics;
  for (std::size_t i = 0; i < metrics.size(); ++i) result.metrics.emplace_back(metrics[i]->name(), impl_->sums[i + 1] / count);
  return result;
}

std::int64_t EvaluateJob::samples_done() const { return impl_->done; }
std::span<const std::int32_t> EvaluateJob::predicted() const { return impl_->predicted; }

}  // namespace neurona
