#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include "formats/architecture_text.hpp"
#include "model/executor.hpp"
#include "neurona/train.hpp"
#include "train/batches.hpp"
#include "train/penalties.hpp"
#include "train/snapshot.hpp"

namespace neurona {

namespace {

// How often a copy of the weights is kept to go back to when the loss stops being finite.
constexpr std::int64_t kBatchesBetweenCopies = 64;

// Tells the streams of the epochs (order, augmentation) from those of the weights, which may have the same seed.
constexpr std::uint64_t kEpochsLabel = 0x65706f636873;
// Of an epoch's streams, that of what is random in the passes (dropout); augmentation has those labelled by sample.
constexpr std::uint64_t kPassLabel = 0x706173736573;

}  // namespace

struct FitJob::Impl {
  Impl(Model& trained, Dataset data, FitOptions fit_options)
      : model(trained),
        options(std::move(fit_options)),
        compiled(checked(trained)),
        loss(*compiled.loss),
        optimizer(compiled.optimizer),
        splits(split(std::move(data))),
        executor(trained, std::min(options.batch_size, std::max<std::int64_t>(splits.training.size(), 1)),
                 Executor::Use::training, optimizer->descends_plainly()),
        batches(splits.training, executor),
        validation_batches(splits.validation, executor),
        pass{.training = true, .logits = wants_logits(trained)},
        context{model} {
    check_data(model, compiled, executor, splits.training);
    if (splits.validation.size() > 0) check_data(model, compiled, executor, splits.validation);
    optimizer->build(executor.trainable());
    for (const auto& callback : options.callbacks)
      if (!callback) throw ValueError("fit: one of the callbacks is empty.");
    warn_of_batches_of_one();
    good_weights = model.get_weights();
    parameters = model.parameters();

    const auto& metrics = compiled.metrics;
    sums.resize(1 + metrics.size());
    state.logs.emplace_back("loss", 0.0);
    for (const auto& metric : metrics) state.logs.emplace_back(metric->name(), 0.0);
    state.batch_metrics.assign(state.logs.begin() + 1, state.logs.end());
    if (splits.validation.size() > 0) {
      const std::size_t own = state.logs.size();
      for (std::size_t i = 0; i < own; ++i) validation_logs.emplace_back("val_" + state.logs[i].first, 0.0);
      state.logs.reserve(2 * own);
    }
    state.epochs = options.epochs;
    state.samples = splits.training.size();
    state.batches = (state.samples + executor.max_batch() - 1) / executor.max_batch();
    state.validation_samples = splits.validation.size();
    context.samples = state.samples;
    context.validation_samples = state.validation_samples;
  }

  struct Splits {
    Dataset training, validation;
  };

  static const CompileOptions& checked(const Model& model) {
    if (!model.compiled())
      throw ValueError("fit: model '" + model.name() + "' is not compiled. Call compile({.loss = ..., .optimizer = ...}) first.");
    return model.compile_options();
  }

  Splits split(Dataset data) const {
    if (options.epochs < 0) throw ValueError("fit: epochs = " + std::to_string(options.epochs) + "; it must be 0 or more.");
    if (options.batch_size < 1)
      throw ValueError("fit: batch_size = " + std::to_string(options.batch_size) + "; it must be at least 1.");
    const double held_out = options.validation_split;
    if (!(held_out >= 0.0 && held_out < 1.0))
      throw ValueError("fit: validation_split = " + std::to_string(held_out) + "; it must be in [0, 1).");
    if (data.size() < 1) throw ValueError("fit: received no samples to train on; it needs at least 1.");
    if (options.validation_data) return {std::move(data), *options.validation_data};
    const auto kept = static_cast<std::int64_t>(static_cast<double>(data.size()) * (1.0 - held_out));
    if (kept < 1)
      throw ValueError("fit: " + std::to_string(data.size()) + " samples with validation_split = " + std::to_string(held_out) +
                       " leave none to train on.");
    return {data.slice(0, kept), data.slice(kept, data.size() - kept)};
  }

  // Of a single value a channel, the mean is the value itself: normalized, it is 0.
  void warn_of_batches_of_one() {
    if (executor.max_batch() > 1) return;
    for (std::int64_t i = 0; i < model.size(); ++i) {
      const Layer& layer = model.layer(i);
      if (layer.type() != "BatchNormalization" || !layer.trainable()) continue;
      const Shape values = model.layer_input_shapes(i)[0];
      if (values.elements() != values.back()) continue;
      warnings.push_back("BatchNormalization '" + layer.name() +
                         "' learns nothing from batches of one sample: a single value less its own mean is 0, so the output is beta, "
                         "whatever comes in, and the layers before it get no gradient. Use a batch_size of 2 or more (32 is usual).");
    }
  }

  // Calls event(callback) for each callback.
  template <class Event>
  void tell(Event event) {
    context.epochs = state.epochs;
    context.samples_done = state.samples_done;
    is_telling = true;
    for (const auto& callback : options.callbacks) event(*callback);
    is_telling = false;
  }

  // Does a part of the run. What it throws (a callback, the data, the memory) ends the run: half of a step must not be followed by
  // another.
  template <class Part>
  auto guarded(Part part) {
    try {
      return part();
    } catch (...) {
      is_telling = false;
      state.phase = TrainingState::Phase::finished;
      state.failed = state.stopped_early = true;
      throw;
    }
  }

  // What is random in an epoch depends on the seed and the epoch's number alone.
  void start_batches() {
    epoch_rng = Rng(options.seed).fork(kEpochsLabel).fork(static_cast<std::uint64_t>(state.epoch));
    batches.start(epoch_rng, options.shuffle);
  }

  void begin_epoch() {
    state.phase = TrainingState::Phase::training;
    state.batch = state.samples_done = state.validation_done = 0;
    std::fill(sums.begin(), sums.end(), 0.0);
    state.logs.resize(sums.size());
    for (auto& [name, value] : state.logs) value = 0.0;
    start_batches();
    epoch_start_ms = now_ms();
    tell([&](Callback& c) { c.on_epoch_begin(context, state.epoch); });
  }

  void finish() {
    state.phase = TrainingState::Phase::finished;
    if (has_begun) tell([&](Callback& c) { c.on_train_end(context); });
  }

  void stop() {
    if (is_telling) {  // a callback asks: the batch or epoch at hand is finished first
      context.stop_training = true;
      return;
    }
    state.stopped_early = true;
    finish();
  }

  void extend(std::int64_t epochs) {
    context.stop_training = false;
    state.epochs += epochs;
    if (state.phase != TrainingState::Phase::finished) return;
    if (!history.epochs.empty()) ++state.epoch;
    begin_epoch();
  }

  void end_epoch() {
    history.epochs.push_back(state.logs);
    history.seconds.push_back((now_ms() - epoch_start_ms) / 1e3);
    tell([&](Callback& c) { c.on_epoch_end(context, state.epoch, state.logs); });
    if (context.stop_training) {
      state.stopped_early = state.epoch + 1 < state.epochs;
      return finish();
    }
    if (state.epoch + 1 >= state.epochs) return finish();
    ++state.epoch;
    begin_epoch();
  }

  // Adds a batch to the sums and writes the running means.
  void account(double batch_loss, const Batches& source, std::int64_t done, std::span<std::pair<std::string, double>> logs) {
    sums[0] += batch_loss;
    const auto& metrics = compiled.metrics;
    for (std::size_t i = 0; i < metrics.size(); ++i) {
      const double sum = metrics[i]->evaluate(executor.output(), pass.logits, source.targets());
      state.batch_metrics[i].second = sum / static_cast<double>(source.batch_size());
      sums[i + 1] += sum;
    }
    for (std::size_t i = 0; i < sums.size(); ++i) logs[i].second = sums[i] / static_cast<double>(done);
  }

  void train_batch() {
    const std::int64_t n = batches.next();
    pass.seed = epoch_rng.fork(kPassLabel).fork(static_cast<std::uint64_t>(state.batch)).next();
    executor.forward(pass);
    const double data_sum =
        loss.evaluate(model.backend(), executor.output(), pass.logits, batches.targets(), executor.output_gradient());
    const double sum = data_sum + static_cast<double>(n) * penalty(model.backend(), executor.trainable());
    state.batch_loss = sum / static_cast<double>(n);
    if (!std::isfinite(sum)) fail(state.batch + 1, "the loss became " + in_words(state.batch_loss));
    if (steps % kBatchesBetweenCopies == 0) keep_good_weights();
    ++steps;
    state.samples_done += n;
    account(sum, batches, state.samples_done, state.logs);
    pass.learning_rate = optimizer->learning_rate();
    executor.backward(pass);
    add_penalty_gradients(model.backend(), executor.trainable(), executor.gradients());
    optimizer->apply(model.backend(), executor.trainable(), executor.gradients());
    ++state.batch;
    tell([&](Callback& c) { c.on_batch_end(context, state.batch - 1, state.logs); });
    if (state.batch < state.batches) {
      if (context.stop_training) {
        state.stopped_early = true;
        finish();
      }
      return;
    }
    // A finite loss does not show what the last step did.
    if (!weights_are_finite()) fail(state.batch, "it left weights that are not finite");
    if (state.validation_samples == 0) return end_epoch();
    state.phase = TrainingState::Phase::validating;
    validation_penalty = penalty(model.backend(), executor.trainable());
    std::fill(sums.begin(), sums.end(), 0.0);
    validation_batches.start_plain();
  }

  void validate_batch() {
    const std::int64_t n = validation_batches.next();
    const Executor::Pass inference{.training = false, .logits = pass.logits};
    executor.forward(inference);
    const double sum =
        loss.evaluate(model.backend(), executor.output(), pass.logits, validation_batches.targets(), {}) +
        static_cast<double>(n) * validation_penalty;
    if (!std::isfinite(sum)) fail(state.batch, "the validation loss became " + in_words(sum));
    state.validation_done += n;
    account(sum, validation_batches, state.validation_done, validation_logs);
    if (state.validation_done < state.validation_samples) return;
    for (const auto& log : validation_logs) state.logs.push_back(log);
    end_epoch();
  }

  bool weights_are_finite() const {
    return std::all_of(parameters.begin(), parameters.end(), [](const Parameter* parameter) { return is_finite(parameter->value.view()); });
  }

  void keep_good_weights() {
    if (!weights_are_finite()) fail(state.batch + 1, "its weights are no longer finite, though the loss is");
    for (std::size_t i = 0; i < parameters.size(); ++i) copy(parameters[i]->value.view(), good_weights[i].view());
    good_epoch = state.epoch;
    good_batch = state.batch;
  }

  static std::string in_words(double value) { return std::isnan(value) ? "nan" : "infinite"; }

  // Why a loss or weights are not finite, and what to do.
  std::string cause() const {
    for (const auto& [data, name] : {std::pair(&splits.training, "training"), std::pair(&splits.validation, "validation")})
      if (const std::optional<Dataset::NotFinite> found = data->first_not_finite())
        return "Sample " + std::to_string(found->sample) + " of the " + name + " data (counted from 0) has " + in_words(found->value) +
               (found->in_target ? " as its target" : " among its values") +
               ". Leave such samples out or replace the value; another learning_rate is no cure.";
    if (steps == 0 && !weights_are_finite())
      return "The model's weights were not finite when the run began: load or initialize them anew.";
    return "A smaller learning_rate is the usual cure.";
  }

  bool has_good_weights() const {
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      const ConstTensorView is = std::as_const(parameters[i]->value).view();
      if (std::memcmp(is.data, good_weights[i].view().data, good_weights[i].size_bytes()) != 0) return false;
    }
    return true;
  }

  // `batch` counts from 1.
  [[noreturn]] void fail(std::int64_t batch, const std::string& what) {
    std::string message = "Training stopped at epoch " + std::to_string(state.epoch + 1) + ", batch " + std::to_string(batch) + ": " + what +
                          ". The weights from before batch " + std::to_string(good_batch + 1) + " of epoch " + std::to_string(good_epoch + 1) +
                          ", the last copy with a finite loss, are back in the model.";
    const std::string why = cause();
    model.set_weights(good_weights);
    optimizer->build({});  // its state is of the run that failed
    state.failed = state.stopped_early = true;
    try {
      finish();
    } catch (const std::exception& e) {
      message += "\n  At its end a callback failed, too: " + std::string(e.what());
    }
    if (!has_good_weights()) message += "\n  A callback then put weights of its own there (restore_best_weights does).";
    throw NotFiniteError(message + "\n  " + why);
  }

  bool step() {
    using Phase = TrainingState::Phase;
    if (state.phase == Phase::ready) {
      tell([&](Callback& c) { c.on_train_begin(context); });
      has_begun = true;
      if (state.epochs == 0) {
        finish();
        return false;
      }
      begin_epoch();
    }
    if (state.phase == Phase::training)
      train_batch();
    else if (state.phase == Phase::validating)
      validate_batch();
    return state.phase != Phase::finished;
  }

  // ---- snapshots: snapshot.hpp says what they hold and what must be equal

  RunDescription describe() {
    RunDescription run;
    run.architecture = detail::architecture_text(model, &compiled);
    std::vector<std::int64_t> trainable;
    for (const auto& [name, parameter] : model.named_parameters()) {
      run.weights.push_back(name);
      trainable.push_back(parameter->trainable ? 1 : 0);
    }
    const auto shape = [](const Shape& s) { return std::vector<std::int64_t>(s.begin(), s.end()); };
    run.options.set("number of training samples", state.samples);
    run.options.set("number of validation samples", state.validation_samples);
    run.options.set("shape of a sample", shape(splits.training.sample_shape()));
    run.options.set("shape of a target", shape(splits.training.target_shape()));
    run.options.set("augmentation", splits.training.is_augmented());
    run.options.set(kBatchSizeKey, executor.max_batch());
    run.options.set("shuffle", options.shuffle);
    run.options.set("seed", std::to_string(options.seed));
    run.options.set("dtype", std::string(to_string(model.dtype())));
    run.options.set("weights that are trained", trainable);
    run.optimizer = optimizer->name();
    run.optimizer_options = optimizer->config();
    return run;
  }

  const std::shared_ptr<const RunDescription>& description() {
    if (!run_description) run_description = std::make_shared<const RunDescription>(describe());
    return run_description;
  }

  void check_between_steps(const char* function) const {
    if (is_telling)
      throw ValueError(std::string("FitJob::") + function + ": a callback is at work, and its step is not over. Call it between two steps.");
  }

  std::vector<CallbackState> callback_states() const {
    std::vector<CallbackState> states;
    for (const auto& callback : options.callbacks) states.push_back(callback->save_state());
    return states;
  }

  Snapshot snapshot() {
    check_between_steps("snapshot");
    auto data = std::make_shared<Snapshot::Data>();
    data->run = description();
    data->state = state;
    data->history = history;
    data->sums = sums;
    data->validation_penalty = validation_penalty;
    data->epoch_ms = now_ms() - epoch_start_ms;
    data->steps = steps;
    data->good_epoch = good_epoch;
    data->good_batch = good_batch;
    data->has_begun = has_begun;
    data->stop_training = context.stop_training;
    data->weights = model.get_weights();
    data->good_weights = good_weights;
    data->optimizer = optimizer->state();
    data->callbacks = callback_states();
    Snapshot snapshot(std::move(data));
    snapshot.metadata() = model.metadata();
    return snapshot;
  }

  // Empty, or why the snapshot is not one of a run like this.
  std::string refusal(const Snapshot::Data& from, const std::vector<CallbackState>& callbacks) {
    if (std::string what = difference(from, *description(), callbacks); !what.empty()) return what;
    if (std::string what = misfit(from.weights, parameters, 1, "the weights"); !what.empty()) return what;
    // After a failure the optimizer has nothing any more, before the first fit nothing yet.
    const std::size_t each = optimizer->slots_per_parameter();
    if (!from.optimizer.slots.empty())
      if (std::string what = misfit(from.optimizer.slots, executor.trainable(), each, "the optimizer's slots"); !what.empty()) return what;
    const auto has_names = [](const Logs& logs, const Logs& as, std::size_t count) {
      for (std::size_t i = 0; i < count; ++i)
        if (i >= logs.size() || logs[i].first != as.at(i).first) return false;
      return true;
    };
    const bool has_numbers = from.sums.size() == sums.size() && has_names(from.state.logs, state.logs, sums.size()) &&
                             from.state.batch_metrics.size() == state.batch_metrics.size() &&
                             has_names(from.state.batch_metrics, state.batch_metrics, state.batch_metrics.size());
    if (!has_numbers) return "the names of its numbers are others";
    if (from.state.samples != state.samples || from.state.validation_samples != state.validation_samples || from.state.batches != state.batches)
      return "its numbers of samples and batches are others";
    if (std::string what = contradiction(from); !what.empty()) return "the snapshot contradicts itself: " + what;
    return "";
  }

  // Each callback takes its state up, or, where one throws, none does.
  void restore_callbacks(const Snapshot::Data& from, const std::vector<CallbackState>& before) {
    context.epochs = from.state.epochs;
    context.samples_done = from.state.samples_done;
    context.continues = is_telling = true;
    try {
      if (from.has_begun && !has_begun)
        for (const auto& callback : options.callbacks) callback->on_train_begin(context);
      for (std::size_t i = 0; i < from.callbacks.size(); ++i) options.callbacks[i]->restore_state(context, from.callbacks[i]);
    } catch (...) {
      context.epochs = state.epochs;
      context.samples_done = state.samples_done;
      for (std::size_t i = 0; i < before.size(); ++i) {
        try {
          options.callbacks[i]->restore_state(context, before[i]);
        } catch (...) {  // what is told is why it failed at first
        }
      }
      context.continues = is_telling = false;
      throw;
    }
    context.continues = is_telling = false;
  }

  void restore(const Snapshot& snapshot) {
    check_between_steps("restore");
    const Snapshot::Data& from = snapshot.data();
    const std::vector<CallbackState> before = callback_states();
    if (const std::string what = refusal(from, before); !what.empty())
      throw ValueError("FitJob::restore: this is no snapshot of a run like this one: " + what + ".");
    // What may throw comes first: from the last callback on nothing does.
    TrainingState next_state = from.state;
    next_state.logs.reserve(2 * sums.size());
    History next_history = from.history;
    std::vector<double> next_sums = from.sums;
    OptimizerState next_optimizer = from.optimizer;
    restore_callbacks(from, before);
    optimizer->set_state(std::move(next_optimizer));
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      copy(from.weights[i].view(), parameters[i]->value.view());
      copy(from.good_weights[i].view(), good_weights[i].view());
    }
    state = std::move(next_state);
    history = std::move(next_history);
    sums = std::move(next_sums);
    validation_penalty = from.validation_penalty;
    epoch_start_ms = now_ms() - from.epoch_ms;
    steps = from.steps;
    good_epoch = from.good_epoch;
    good_batch = from.good_batch;
    has_begun = from.has_begun;
    context.stop_training = from.stop_training;
    start_batches();
    batches.skip(state.samples_done);
    validation_batches.start_plain();
    validation_batches.skip(state.validation_done);
  }

  Model& model;
  FitOptions options;
  const CompileOptions compiled;  // shares loss, optimiser and metrics: compiling the model anew does no harm to this run
  const Loss& loss;
  const Handle<Optimizer> optimizer;
  Splits splits;
  Executor executor;
  Batches batches, validation_batches;
  Executor::Pass pass;
  Rng epoch_rng;
  TrainingContext context;
  TrainingState state;
  History history;
  std::vector<double> sums;  // of the loss and each metric, over the samples of the phase
  Logs validation_logs;
  double validation_penalty = 0.0;
  std::vector<Parameter*> parameters;
  std::vector<Tensor> good_weights;
  std::int64_t steps = 0, good_epoch = 0, good_batch = 0;
  std::vector<std::string> warnings;
  std::shared_ptr<const RunDescription> run_description;  // made at the first snapshot
  bool has_begun = false;   // on_train_begin was called
  bool is_telling = false;  // a callback is at work
  double epoch_start_ms = 0.0;
};

FitJob::FitJob(Model& model, Dataset data, FitOptions options)
    : impl_(std::make_unique<Impl>(model, std::move(data), std::move(options))) {}
FitJob::~FitJob() = default;

bool FitJob::step() {
  return impl_->guarded([&] { return impl_->step(); });
}

bool FitJob::advance(double budget_ms, Progress& progress) {
  const double start = now_ms();
  bool more = true;
  do {
    more = step();
  } while (more && now_ms() - start < budget_ms);
  const TrainingState& s = impl_->state;
  progress.done = s.epoch * s.samples + s.samples_done;
  progress.total = s.epochs * s.samples;
  progress.unit = "samples";
  return more;
}

void FitJob::request_stop() {
  if (impl_->state.phase == TrainingState::Phase::finished) return;
  impl_->guarded([&] { impl_->stop(); });
}

void FitJob::extend(std::int64_t epochs) {
  if (epochs < 1) throw ValueError("FitJob::extend: " + std::to_string(epochs) + " epochs; at least 1.");
  if (impl_->state.stopped_early)
    throw ValueError(std::string("FitJob::extend: the run ") + (impl_->state.failed ? "failed" : "stopped early") + "; start a new one.");
  impl_->guarded([&] { impl_->extend(epochs); });
}

Snapshot FitJob::snapshot() const { return impl_->snapshot(); }
void FitJob::restore(const Snapshot& snapshot) { impl_->restore(snapshot); }
const TrainingState& FitJob::state() const { return impl_->state; }
const History& FitJob::history() const { return impl_->history; }
const std::vector<std::string>& FitJob::warnings() const { return impl_->warnings; }
std::size_t FitJob::arena_bytes() const { return impl_->executor.arena_bytes(); }

std::vector<double> History::operator[](std::string_view name) const {
  std::vector<double> values;
  for (const Logs& logs : epochs) {
    const std::optional<double> value = find_log(logs, name);
    if (!value) {
      std::string known;
      for (const auto& [key, unused] : logs) known += (known.empty() ? "" : ", ") + key;
      throw ValueError("History has no '" + std::string(name) + "'. It has: " + known + ".");
    }
    values.push_back(*value);
  }
  return values;
}

double Evaluation::accuracy() const {
  const std::optional<double> value = find_log(metrics, "accuracy");
  if (!value) throw ValueError("Evaluation: the model was compiled without the metric accuracy.");
  return *value;
}

}  // namespace neurona
