#include "train/batches.hpp"

#include <algorithm>
#include <numeric>
#include <string>

#include "neurona/error.hpp"

namespace neurona {

Batches::Batches(Dataset data, Executor& executor)
    : data_(std::move(data)), executor_(executor), order_(static_cast<std::size_t>(data_.size())) {
  std::iota(order_.begin(), order_.end(), 0);
  labels_.resize(static_cast<std::size_t>(executor.max_batch()));
  if (!data_.has_labels() && data_.size() > 0)
    values_ = Tensor(data_.target_shape().with_leading(executor.max_batch()), executor.output().dtype);
}

void Batches::start_plain() {
  position_ = 0;
  rng_.reset();
}

void Batches::start(const Rng& rng, bool shuffle) {
  position_ = 0;
  rng_ = rng;
  if (!shuffle) return;
  std::iota(order_.begin(), order_.end(), 0);
  rng_->shuffle(order_);
}

std::int64_t Batches::next() {
  batch_size_ = std::min(executor_.max_batch(), data_.size() - position_);
  if (batch_size_ <= 0) return 0;
  const auto count = static_cast<std::size_t>(batch_size_);
  const Rng batch_rng = rng_ ? rng_->fork(static_cast<std::uint64_t>(position_)) : Rng();
  data_.gather(std::span(order_).subspan(static_cast<std::size_t>(position_), count), executor_.input(batch_size_), labels_,
               values_.view(), rng_ ? &batch_rng : nullptr);
  position_ += batch_size_;
  targets_ = {};
  if (data_.has_labels()) {
    targets_.labels = std::span(labels_).first(count);
  } else {
    targets_.values = values_.view();
    targets_.values.shape = data_.target_shape().with_leading(batch_size_);
  }
  return batch_size_;
}

void check_one_input_and_output(const Model& model) {
  const std::size_t inputs = model.input_shapes().size(), outputs = model.output_shapes().size();
  if (inputs > 1 || outputs > 1)
    throw ValueError("Model '" + model.name() + "' has " + std::to_string(inputs) + " inputs and " + std::to_string(outputs) +
                     " outputs; fit, evaluate and predict with one set of samples take one of each.\n  predict({x1, x2}) takes several.");
}

void check_data(const Model& model, const CompileOptions& compiled, const Executor& executor, const Dataset& data) {
  check_one_input_and_output(model);
  executor.check_samples(data.sample_shape());
  compiled.loss->check(model.output_shape(), data);
  for (const auto& metric : compiled.metrics) metric->check(model.output_shape(), data);
}

bool wants_logits(const Model& model) {
  const Activation wanted = model.compile_options().loss->logits_of();
  return wanted != Activation::linear && model.output_layer().final_activation() == wanted;
}

}  // namespace neurona
