#include <algorithm>
#include <utility>

#include "neurona/train.hpp"
#include "train/batches.hpp"

namespace neurona {

struct PredictJob::Impl {
  Impl(Model& asked, Dataset samples, std::int64_t batch_size)
      : model(asked),
        data(std::move(samples)),
        executor(asked, std::min(batch_size, std::max<std::int64_t>(data.size(), 1)), Executor::Use::inference),
        batches(data, executor),
        result(asked.output_shape().with_leading(data.size()), asked.dtype()) {
    check_one_input_and_output(model);
    executor.check_samples(data.sample_shape());
  }

  void step() {
    const std::int64_t n = batches.next();
    executor.forward({.training = false, .logits = false});
    const ConstTensorView output = executor.output();
    TensorView place = result.view();
    place.data = static_cast<std::byte*>(place.data) + static_cast<std::size_t>(done * (output.elements() / n)) * size_of(output.dtype);
    place.shape = output.shape;
    copy(output, place);
    done += n;
  }

  Model& model;
  Dataset data;
  Executor executor;
  Batches batches;
  Tensor result;
  std::int64_t done = 0;
};

PredictJob::PredictJob(Model& model, Dataset data, std::int64_t batch_size)
    : impl_(std::make_unique<Impl>(model, std::move(data), batch_size)) {}
PredictJob::~PredictJob() = default;

bool PredictJob::advance(double budget_ms, Progress& progress) {
  return advance_over_samples(*impl_, budget_ms, progress);
}

Tensor PredictJob::take_result() { return std::move(impl_->result); }

}  // namespace neurona
