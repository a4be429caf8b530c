#include "training_lab.hpp"

#include <algorithm>
#include <cmath>

#include "neurona/error.hpp"
#include "neurona/layers.hpp"

namespace neurona::app {
namespace {

constexpr std::size_t kLogLines = 60;

// The lines between the marks are what the lesson shows beside Keras'.
std::unique_ptr<Sequential> build_network(int units, Activation activation, std::uint64_t seed) {
  auto network = std::make_unique<Sequential>(SequentialOptions{.seed = seed});
  Sequential& model = *network;
  // [build]
  model.add(Flatten({.input_shape = {28, 28}}));
  model.add(Dense({.units = units, .activation = activation}));
  model.add(Dense({.units = 10, .activation = Activation::softmax}));
  // [/build]
  return network;
}

void compile_network(Sequential& model, double learning_rate) {
  // [compile]
  model.compile({.loss = SparseCategoricalCrossentropy(),
                 .optimizer = SGD({.learning_rate = learning_rate}),
                 .metrics = {Accuracy()}});
  // [/compile]
}

Dataset scaled(const std::shared_ptr<const ImageSet>& images) {
  // [data]
  const Dataset data(images, /*scale=*/1.0f / 255.0f);
  // [/data]
  return data;
}

std::shared_ptr<EarlyStopping> early_stopping(int patience, bool restore_best_weights) {
  // [early_stopping]
  auto stopping = std::make_shared<EarlyStopping>(
      EarlyStoppingOptions{.patience = patience,
                           .restore_best_weights = restore_best_weights});
  // [/early_stopping]
  return stopping;
}

std::unique_ptr<FitJob> fit_in_slices(Sequential& model, const Dataset& data, const TrainingSettings& settings,
                                      std::vector<Handle<Callback>> callbacks) {
  // [fit]
  auto fit = std::make_unique<FitJob>(
      model, data,
      FitOptions{.epochs = settings.epochs,
                 .batch_size = settings.batch_size,
                 .validation_split = settings.validation_split,
                 .callbacks = callbacks,
                 .seed = settings.seed});
  // [/fit]
  return fit;
}

std::unique_ptr<EvaluateJob> evaluate_in_slices(Sequential& model, const Dataset& test) {
  // [evaluate]
  auto evaluation = std::make_unique<EvaluateJob>(model, test);
  // [/evaluate]
  return evaluation;
}

}  // namespace

void TrainingLab::set_data(std::shared_ptr<const ImageSet> train, std::shared_ptr<const ImageSet> test) {
  train_ = std::move(train), test_ = std::move(test);
  training_images_ = scaled(train_), test_images_ = scaled(test_);
  status_ = Status::ready;
  reset();
}

void TrainingLab::set_settings(const TrainingSettings& settings) {
  if (settings == settings_) return;
  settings_ = settings;
  ++revision_;
  if (!has_data()) return;
  if (settings.learning_rate != applied_.learning_rate) {
    applied_.learning_rate = settings.learning_rate;
    model_->compile_options().optimizer->set_learning_rate(settings.learning_rate);
  }
  const bool under_way = status_ == Status::running || status_ == Status::paused;
  if (under_way && settings.epochs > applied_.epochs) {
    job_->extend(settings.epochs - applied_.epochs);
    applied_.epochs = settings.epochs;
  }
  if (status_ == Status::ready && pending()) reset();
}

void TrainingLab::reset() {
  ++revision_, ++weights_revision_;
  goal_ = Goal::none;
  evaluation_.reset();
  judgement_ = {};
  error_.clear();
  x_.clear(), loss_.clear(), accuracy_.clear(), epochs_.clear(), log_.clear();
  loss_sum_ = accuracy_sum_ = 0;
  gathered_ = 0;
  logged_epoch_ = -1;
  rate_ = epoch_ms_ = 0;
  if (!has_data()) return;
  status_ = Status::ready;
  build();
}

void TrainingLab::build() {
  job_.reset();
  applied_ = settings_;
  model_ = build_network(settings_.units, settings_.activation, settings_.seed);
  compile_network(*model_, settings_.learning_rate);
  stopping_ = early_stopping(settings_.patience, settings_.restore_best_weights);
  std::vector<Handle<Callback>> callbacks;
  if (settings_.early_stopping) callbacks.emplace_back(stopping_);
  job_ = fit_in_slices(*model_, training_images_, settings_, std::move(callbacks));
  thin_ = std::max(1, int((job_->state().batches + kPointsPerEpoch - 1) / kPointsPerEpoch));
}

void TrainingLab::start(Goal goal) {
  if (status_ == Status::no_data) return;
  if (status_ == Status::finished || status_ == Status::stopped_early || status_ == Status::failed) reset();
  evaluation_.reset();
  goal_ = goal;
  status_ = Status::running;
  if (log_.empty()) {
    log_.push_back("Train on " + std::to_string(job_->state().samples) + " samples" +
                   (job_->state().validation_samples > 0
                        ? ", validate on " + std::to_string(job_->state().validation_samples) + " samples"
                        : ""));
  }
}

void TrainingLab::pause() {
  if (status_ != Status::running) return;
  status_ = Status::paused;
  goal_ = Goal::none;
  end_slice();
}

bool TrainingLab::validating() const {
  return job_ && job_->state().phase == TrainingState::Phase::validating;
}

bool TrainingLab::advance(double budget_ms) {
  const double start = now_ms();
  if (evaluation_) {
    Progress progress;
    if (!evaluation_->advance(budget_ms, progress)) finish_evaluation();
    ++revision_;
    return evaluation_ != nullptr;
  }
  if (status_ != Status::running) return false;
  const std::int64_t before = job_->state().epoch * job_->state().samples + job_->state().samples_done;
  while (status_ == Status::running && now_ms() - start < budget_ms) take_step();
  const double elapsed = now_ms() - start;
  const std::int64_t done = job_->state().epoch * job_->state().samples + job_->state().samples_done - before;
  if (done > 0 && elapsed > 0) {
    const double rate = 1e3 * double(done) / elapsed;
    rate_ = rate_ == 0 ? rate : 0.9 * rate_ + 0.1 * rate;
  }
  epoch_ms_ += elapsed;
  end_slice();
  return status_ == Status::running;
}

void TrainingLab::take_step() {
  const TrainingState& state = job_->state();
  const bool was_validating = validating();
  const std::int64_t epochs_before = std::int64_t(job_->history().epochs.size());
  try {
    const bool more = job_->step();
    if (!was_validating) {
      ++weights_revision_;
      loss_sum_ += float(state.batch_loss);
      accuracy_sum_ += state.batch_metrics.empty() ? 0.f : float(state.batch_metrics[0].second);
      if (++gathered_ == thin_) {
        const double epochs_done = double(epochs_before) + double(state.batch == 0 ? state.batches : state.batch) / double(state.batches);
        x_.push_back(float(epochs_done));
        loss_.push_back(loss_sum_ / float(thin_)), accuracy_.push_back(accuracy_sum_ / float(thin_));
        loss_sum_ = accuracy_sum_ = 0, gathered_ = 0;
      }
    }
    const bool epoch_over = std::int64_t(job_->history().epochs.size()) > epochs_before;
    if (epoch_over) {
      const Logs& logs = job_->history().epochs.back();
      const auto value = [&](const char* name) { return float(find_log(logs, name).value_or(0)); };
      epochs_.push_back({float(epochs_before + 1), value("loss"), value("accuracy"), value("val_loss"), value("val_accuracy"),
                         find_log(logs, "val_loss").has_value()});
      write_log(true);
    }
    if (!more) {
      status_ = state.stopped_early ? Status::stopped_early : Status::finished;
      ++weights_revision_;  // those of the best epoch may have come back
    } else if ((goal_ == Goal::batch && !was_validating && !validating()) || (goal_ == Goal::epoch && epoch_over) ||
               (goal_ == Goal::batch && epoch_over)) {
      status_ = Status::paused;
    }
  } catch (const NotFiniteError& error) {
    status_ = Status::failed;
    error_ = error.what();
    ++weights_revision_;
  }
}

void TrainingLab::end_slice() {
  ++revision_;
  if (status_ != Status::finished && status_ != Status::stopped_early) write_log(false);
}

void TrainingLab::write_log(bool epoch_over) {
  const TrainingState& state = job_->state();
  const std::int64_t epoch = epoch_over ? std::int64_t(job_->history().epochs.size()) - 1 : state.epoch;
  if (!epoch_over && state.samples_done == 0) return;
  if (epoch != logged_epoch_) {
    log_.push_back("Epoch " + std::to_string(epoch + 1) + "/" + std::to_string(state.epochs));
    log_.emplace_back();
    logged_epoch_ = epoch;
  }
  const std::int64_t done = epoch_over ? state.samples : state.samples_done;
  Logs logs = epoch_over ? job_->history().epochs.back() : state.logs;
  log_.back() = progress_line(done, state.samples, epoch_ms_ / 1e3, logs);
  if (epoch_over) epoch_ms_ = 0;
  if (log_.size() > kLogLines) log_.erase(log_.begin(), log_.end() - std::ptrdiff_t(kLogLines));
}

int TrainingLab::stopped_epoch() const {
  return stopping_ && applied_.early_stopping && stopping_->stopped_epoch() ? int(*stopping_->stopped_epoch()) + 1 : -1;
}

int TrainingLab::best_epoch() const { return stopped_epoch() > 0 ? int(stopping_->best_epoch()) + 1 : -1; }

const EpochPoint* TrainingLab::weights_epoch() const {
  if (epochs_.empty()) return nullptr;
  const std::optional<std::int64_t> restored = applied_.early_stopping ? stopping_->restored_epoch() : std::nullopt;
  return restored ? &epochs_[std::size_t(*restored)] : &epochs_.back();
}

void TrainingLab::hidden_weights(int unit, std::vector<float>& out) const {
  out.resize(784);
  const Tensor& kernel = std::as_const(*model_).layer(1).parameters()[0].value;
  const std::span<const float> w = kernel.values();
  const auto H = std::size_t(kernel.shape()[1]);
  float largest = 1e-9f;
  for (std::size_t i = 0; i < 784; ++i) {
    out[i] = w[i * H + std::size_t(unit)];
    largest = std::max(largest, std::fabs(out[i]));
  }
  for (float& v : out) v /= largest;
}

void TrainingLab::evaluate() {
  if (!has_data()) return;
  if (status_ == Status::running) pause();
  judgement_ = {};
  judgement_.revision = weights_revision_;
  evaluation_ = evaluate_in_slices(*model_, test_images_);
  ++revision_;
}

double TrainingLab::evaluation_progress() const {
  return evaluation_ ? double(evaluation_->samples_done()) / double(test_->size()) : judgement_.complete ? 1.0 : 0.0;
}

void TrainingLab::finish_evaluation() {
  const Evaluation result = evaluation_->result();
  judgement_.loss = result.loss, judgement_.accuracy = result.accuracy();
  judgement_.predicted.assign(evaluation_->predicted().begin(), evaluation_->predicted().end());
  for (std::size_t i = 0; i < judgement_.predicted.size(); ++i) {
    const int truth = test_->labels[i], said = judgement_.predicted[i];
    ++judgement_.confusion[std::size_t(truth * 10 + said)];
    if (truth != said) judgement_.misclassified.push_back(std::int32_t(i));
  }
  judgement_.complete = true;
  evaluation_.reset();
}

std::pair<std::int64_t, std::int64_t> TrainingLab::batches_done() const {
  const TrainingState& s = job_->state();
  const auto ended = std::int64_t(epochs_.size());
  const std::int64_t all = s.epochs * s.batches;
  if (ended >= s.epochs) return {all, all};
  return {std::min(all, ended * s.batches + (validating() ? s.batches : s.batch)), all};
}

UntrainedExam::UntrainedExam(const TrainingSettings& s, const TrainingLab& lab)
    : model_(build_network(s.units, s.activation, s.seed)) {
  compile_network(*model_, s.learning_rate);
  job_ = evaluate_in_slices(*model_, lab.test_data());
}

bool UntrainedExam::advance(double budget_ms) {
  Progress progress;
  return job_->advance(budget_ms, progress);
}

double UntrainedExam::loss() const { return job_->result().loss; }

}  // namespace neurona::app
