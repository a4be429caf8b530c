#include "experiment.hpp"

#include <algorithm>
#include <cmath>

#include "neurona/error.hpp"
#include "neurona/layers.hpp"

namespace neurona::app {
namespace {

constexpr std::size_t kLogEpochs = 30;   // that the log shows at most
constexpr double kRateMemory = 0.9;      // of the running mean of samples a second
constexpr std::int64_t kAtEnd = -1;      // in a WeightsKey: the weights as the run left them

/// The first Dense layer; null without one.
const Dense* first_dense(const Model& model) {
  for (std::int64_t i = 0; i < model.size(); ++i)
    if (const auto* dense = dynamic_cast<const Dense*>(&model.layer(i))) return dense;
  return nullptr;
}

}  // namespace

Experiment::Experiment(std::size_t memory_bytes) : shelf_(memory_bytes) {}

void Experiment::set_data(std::shared_ptr<const ImageSet> train, std::shared_ptr<const ImageSet> test) {
  train_ = std::move(train), test_ = std::move(test);
  train_data_ = scaled(train_), test_data_ = scaled(test_);
  status_ = Status::ready;
  reset();
}

void Experiment::set_settings(const RunSettings& settings) {
  if (settings == settings_) return;
  settings_ = settings;
  ++revision_;
  if (!has_data()) return;
  if (!is_visiting()) apply_at_once();
  if (status_ == Status::ready && !is_visiting() && pending()) reset();
}

void Experiment::apply_at_once() {
  if (settings_.learning_rate != applied_.learning_rate) {
    applied_.learning_rate = settings_.learning_rate;
    model_->compile_options().optimizer->set_learning_rate(settings_.learning_rate);
    rates_.push_back({trained_, settings_.learning_rate});
  }
  const bool under_way = status_ == Status::running || status_ == Status::paused;
  if (under_way && settings_.epochs > applied_.epochs) {
    job_->extend(settings_.epochs - applied_.epochs);
    applied_.epochs = settings_.epochs;
  }
}

void Experiment::reset() {
  ++revision_, ++starts_;
  goal_ = Goal::none;
  target_.reset();
  now_ = {};
  evaluation_.reset();
  judgement_ = {};
  error_.clear();
  x_.clear(), loss_.clear(), accuracy_.clear(), epochs_.clear(), epoch_seconds_.clear();
  rates_.clear();
  shelf_.clear();
  ended_ = {};
  loss_sum_ = accuracy_sum_ = 0;
  gathered_ = 0;
  trained_ = 0;
  begins_ = 0;
  rate_ = epoch_ms_ = 0;
  if (!has_data()) return;
  status_ = Status::ready;
  applied_ = settings_;
  model_ = std::make_unique<Model>(build_network(applied_));
  make_job();
  keep_snapshot();
}

void Experiment::make_job() {
  job_.reset();
  compile_network(*model_, applied_.learning_rate);
  stopping_ = make_early_stopping(applied_);
  std::vector<Handle<Callback>> callbacks;
  if (applied_.early_stopping) callbacks.emplace_back(stopping_);
  job_ = fit_in_slices(*model_, train_data_, applied_, std::move(callbacks));
  thin_ = std::max(1, int((job_->state().batches + kPointsPerEpoch - 1) / kPointsPerEpoch));
}

// ----------------------------------------------------------------------------------------------- steering a run

void Experiment::start(Goal goal) {
  if (status_ == Status::no_data) return;
  const bool over = status_ == Status::finished || status_ == Status::stopped_early || status_ == Status::failed;
  if (over && !is_visiting()) reset();
  evaluation_.reset();
  target_.reset();
  goal_ = goal;
  status_ = Status::running;
}

void Experiment::pause() {
  if (status_ != Status::running) return;
  status_ = Status::paused;
  goal_ = Goal::none;
  ++revision_;
}

bool Experiment::validating() const { return job_ && job_->state().phase == TrainingState::Phase::validating; }

bool Experiment::advance(double budget_ms) {
  if (evaluation_) {
    Progress progress;
    if (!evaluation_->advance(budget_ms, progress)) finish_evaluation();
    ++revision_;
    return evaluation_ != nullptr;
  }
  if (target_) {
    travel(budget_ms);
    return target_.has_value();
  }
  if (status_ != Status::running) return false;
  const double start = now_ms();
  const auto samples = [&] { return job_->state().epoch * job_->state().samples + job_->state().samples_done; };
  const std::int64_t before = samples();
  while (status_ == Status::running && now_ms() - start < budget_ms) take_step();
  const double elapsed = now_ms() - start;
  const std::int64_t done = samples() - before;
  if (done > 0 && elapsed > 0) {
    const double rate = 1e3 * double(done) / elapsed;
    rate_ = rate_ == 0 ? rate : kRateMemory * rate_ + (1 - kRateMemory) * rate;
  }
  ++revision_;
  return status_ == Status::running;
}

void Experiment::take_step() {
  const bool was_validating = validating(), visits = is_visiting();
  const std::int64_t epochs_before = std::int64_t(job_->history().epochs.size());
  const double start = now_ms();
  try {
    if (visits && !was_validating) repeat_rate_changes();
    const bool more = job_->step();
    if (visits) {
      if (moment() >= trained_) return arrive_now();
    } else {
      trained_ = moment();
      epoch_ms_ += now_ms() - start;
      record(epochs_before, was_validating);
      if (!more) {
        status_ = job_->state().stopped_early ? Status::stopped_early : Status::finished;
        note_end();
        return;
      }
    }
    if (reached_goal(epochs_before, was_validating)) status_ = Status::paused;
  } catch (const NotFiniteError& error) {
    status_ = Status::failed;
    error_ = error.what();
    trained_ = moment();
  }
}

bool Experiment::reached_goal(std::int64_t epochs_before, bool was_validating) const {
  const bool epoch_over = std::int64_t(job_->history().epochs.size()) > epochs_before;
  if (goal_ == Goal::epoch) return epoch_over;
  return goal_ == Goal::batch && (epoch_over || (!was_validating && !validating()));
}

/// Adds a step to the curves.
void Experiment::record(std::int64_t epochs_before, bool was_validating) {
  const TrainingState& state = job_->state();
  if (!was_validating) {
    loss_sum_ += float(state.batch_loss);
    accuracy_sum_ += state.batch_metrics.empty() ? 0.f : float(state.batch_metrics[0].second);
    if (++gathered_ == thin_) {
      const double share = double(state.batch == 0 ? state.batches : state.batch) / double(state.batches);
      x_.push_back(begins_anew_ + float(double(epochs_before) + share));
      loss_.push_back(loss_sum_ / float(thin_)), accuracy_.push_back(accuracy_sum_ / float(thin_));
      loss_sum_ = accuracy_sum_ = 0, gathered_ = 0;
    }
    if (shelf_.wants(moment(), batches())) keep_snapshot();
  }
  if (std::int64_t(job_->history().epochs.size()) == epochs_before) return;
  const Logs& logs = job_->history().epochs.back();
  const auto value = [&](const char* name) { return float(find_log(logs, name).value_or(0)); };
  epochs_.push_back({begins_anew_ + float(epochs_before + 1), value("loss"), value("accuracy"), value("val_loss"),
                     value("val_accuracy"), find_log(logs, "val_loss").has_value()});
  epoch_seconds_.push_back(epoch_ms_ / 1e3);
  epoch_ms_ = 0;
}

void Experiment::note_end() {
  if (!applied_.early_stopping) return;
  if (stopping_->stopped_epoch())
    ended_.stopped = int(*stopping_->stopped_epoch()) + 1, ended_.best = int(stopping_->best_epoch()) + 1;
  if (stopping_->restored_epoch()) ended_.restored = int(*stopping_->restored_epoch()) + 1;
}

// ----------------------------------------------------------------------------------------------- time machine

std::int64_t Experiment::moment() const {
  if (!job_) return 0;
  const TrainingState& state = job_->state();
  return state.epoch * state.batches + state.batch;
}

float Experiment::moment_x() const {
  return job_ ? begins_anew_ + float(double(moment()) / double(job_->state().batches)) : 0.f;
}

std::size_t Experiment::epochs_ended() const {
  return job_ ? std::min(epochs_.size(), job_->history().epochs.size()) : 0;
}

void Experiment::keep_snapshot() { shelf_.keep(moment(), job_->state().batch_loss, job_->snapshot()); }

void Experiment::restore(const Snapshot& snapshot) {
  job_->restore(snapshot);
  // A snapshot knows the epochs that were wanted when it was taken.
  const TrainingState& state = job_->state();
  if (state.phase != TrainingState::Phase::finished && state.epochs < applied_.epochs)
    job_->extend(applied_.epochs - state.epochs);
}

void Experiment::repeat_rate_changes() {
  for (const RateChange& change : rates_)
    if (change.batch == moment()) model_->compile_options().optimizer->set_learning_rate(change.learning_rate);
}

void Experiment::visit(std::int64_t batch) {
  if (!job_ || trained_ == 0) return;
  batch = std::clamp<std::int64_t>(batch, 0, trained_);
  evaluation_.reset();
  pause();
  ++revision_;
  target_.reset();
  if (!is_visiting()) {
    if (batch == trained_) return;
    now_ = job_->snapshot();
    now_status_ = status_;
    status_ = Status::paused;
  }
  if (batch == trained_) return arrive_now();
  const SnapshotShelf::Kept& base = *shelf_.before(batch);
  const bool near = moment() > base.batch && moment() <= batch && !validating();
  if (!near) restore(base.snapshot);
  target_ = batch;
}

void Experiment::travel(double budget_ms) {
  const double start = now_ms();
  const auto there = [&] { return moment() >= *target_ && !validating(); };
  while (!there() && now_ms() - start < budget_ms) {
    if (!validating()) repeat_rate_changes();
    job_->step();
  }
  if (there()) target_.reset();
  ++revision_;
}

void Experiment::arrive_now() {
  restore(now_);
  now_ = {};
  // Playing on from an earlier moment goes on behind the end, too.
  const bool plays = status_ == Status::running && now_status_ == Status::paused && goal_ == Goal::run;
  if (!plays) status_ = now_status_;
  apply_at_once();
}

std::unique_ptr<Experiment> Experiment::branch() const {
  auto out = std::make_unique<Experiment>(shelf_.memory_bytes());
  RunSettings next = settings_;
  next.network = applied_.network, next.units = applied_.units, next.activation = applied_.activation;
  RunSettings same = next;
  same.learning_rate = applied_.learning_rate, same.epochs = applied_.epochs;
  const bool goes_on = same == applied_;
  if (goes_on) next.epochs = std::max(next.epochs, applied_.epochs);
  out->settings_ = next;
  if (goes_on) out->settings_.learning_rate = applied_.learning_rate;
  out->set_data(train_, test_);
  if (goes_on) {
    out->take_past(*this);
    out->set_settings(next);
  } else {
    out->model_->set_weights(model_->get_weights());
    out->begins_ = out->begins_anew_ = moment_x();
    out->make_job();
    out->shelf_.clear();
    out->keep_snapshot();
  }
  return out;
}

/// Takes over what another run had done at its moment.
void Experiment::take_past(const Experiment& other) {
  const Snapshot here = other.job_->snapshot();
  shelf_.clear();
  for (const SnapshotShelf::Kept& kept : other.shelf_.all())
    if (kept.batch < other.moment()) shelf_.keep(kept.batch, kept.loss, kept.snapshot);
  shelf_.keep(other.moment(), other.job_->state().batch_loss, here);
  for (const RateChange& change : other.rates_)
    if (change.batch <= other.moment()) rates_.push_back(change);
  restore(here);
  trained_ = other.moment();
  begins_ = other.moment_x(), begins_anew_ = other.begins_anew_;
  const auto points = std::upper_bound(other.x_.begin(), other.x_.end(), begins_) - other.x_.begin();
  x_.assign(other.x_.begin(), other.x_.begin() + points);
  loss_.assign(other.loss_.begin(), other.loss_.begin() + points);
  accuracy_.assign(other.accuracy_.begin(), other.accuracy_.begin() + points);
  epochs_.assign(other.epochs_.begin(), other.epochs_.begin() + std::ptrdiff_t(other.epochs_ended()));
  epoch_seconds_.assign(other.epoch_seconds_.begin(), other.epoch_seconds_.begin() + std::ptrdiff_t(epochs_.size()));
  status_ = trained_ > 0 ? Status::paused : Status::ready;
  rate_ = other.rate_;
}

// ------------------------------------------------------------------------------------------------ what is shown

int Experiment::stopped_epoch() const { return ended_.stopped; }
int Experiment::best_epoch() const { return ended_.best; }

const EpochPoint* Experiment::weights_epoch() const {
  const std::size_t ended = epochs_ended();
  if (ended == 0) return nullptr;
  const bool restored = !is_visiting() && ended_.restored > 0;
  return &epochs_[restored ? std::size_t(ended_.restored - 1) : ended - 1];
}

std::string Experiment::epoch_line(std::size_t epoch) const {
  return progress_line(job_->state().samples, job_->state().samples, epoch_seconds_[epoch], job_->history().epochs[epoch]);
}

std::vector<std::string> Experiment::log() const {
  std::vector<std::string> out;
  if (!job_ || trained_ == 0) return out;
  const TrainingState& s = job_->state();
  std::string head = "Train on " + std::to_string(s.samples) + " samples";
  if (s.validation_samples > 0) head += ", validate on " + std::to_string(s.validation_samples) + " samples";
  out.push_back(std::move(head));
  const auto title = [&](std::size_t epoch) {
    return "Epoch " + std::to_string(epoch + 1) + "/" + std::to_string(s.epochs);
  };
  const std::size_t ended = epochs_ended();
  for (std::size_t e = ended > kLogEpochs ? ended - kLogEpochs : 0; e < ended; ++e)
    out.push_back(title(e)), out.push_back(epoch_line(e));
  if (s.phase == TrainingState::Phase::finished || s.samples_done == 0) return out;
  const double seconds = is_visiting() && rate_ > 0 ? double(s.samples_done) / rate_ : epoch_ms_ / 1e3;
  out.push_back(title(ended));
  out.push_back(progress_line(s.samples_done, s.samples, seconds, s.logs));
  return out;
}

void Experiment::hidden_weights(int unit, std::vector<float>& out) const {
  out.assign(784, 0.f);
  const Dense* dense = first_dense(*model_);
  if (!dense) return;
  const Tensor& kernel = std::as_const(*dense).parameters()[0].value;
  if (kernel.shape()[0] != 784 || unit >= kernel.shape()[1]) return;
  const std::span<const float> w = kernel.values();
  const auto columns = std::size_t(kernel.shape()[1]);
  float largest = 1e-9f;
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = w[i * columns + std::size_t(unit)];
    largest = std::max(largest, std::fabs(out[i]));
  }
  for (float& v : out) v /= largest;
}

// -------------------------------------------------------------------------------------------------- judgement

Experiment::WeightsKey Experiment::weights_of_now() const {
  const bool over = job_ && job_->state().phase == TrainingState::Phase::finished;
  return {starts_, over ? kAtEnd : moment()};
}

void Experiment::evaluate() {
  if (!has_data() || target_) return;
  pause();
  judgement_ = {};
  judged_ = weights_of_now();
  evaluation_ = evaluate_in_slices(*model_, test_data_);
  ++revision_;
}

double Experiment::evaluation_progress() const {
  return evaluation_ ? double(evaluation_->samples_done()) / double(test_->size()) : judgement_.complete ? 1.0 : 0.0;
}

void Experiment::finish_evaluation() {
  const Evaluation result = evaluation_->result();
  judgement_.loss = result.loss, judgement_.accuracy = result.accuracy();
  judgement_.predicted.assign(evaluation_->predicted().begin(), evaluation_->predicted().end());
  for (std::size_t i = 0; i < judgement_.predicted.size(); ++i) {
    const int truth = test_->labels[i], said = judgement_.predicted[i];
    ++judgement_.confusion[std::size_t(truth * 10 + said)];
    if (truth != said) judgement_.misclassified.push_back(std::int32_t(i));
  }
  judgement_.complete = true;
  judgement_.serial = ++judgements_;
  evaluation_.reset();
}

UntrainedExam::UntrainedExam(const RunSettings& settings, const Experiment& run)
    : model_(std::make_unique<Model>(build_network(settings))) {
  compile_network(*model_, settings.learning_rate);
  job_ = evaluate_in_slices(*model_, run.test_data());
}

bool UntrainedExam::advance(double budget_ms) {
  Progress progress;
  return job_->advance(budget_ms, progress);
}

double UntrainedExam::loss() const { return job_->result().loss; }

}  // namespace neurona::app
