// What may look at, and stop, a training run while it goes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <iosfwd>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "neurona/config.hpp"
#include "neurona/handle.hpp"
#include "neurona/schedule.hpp"
#include "neurona/tensor.hpp"

namespace neurona {

class Model;

/// The numbers of a moment in the order in which Keras prints them: loss, accuracy, val_loss, val_accuracy.
using Logs = std::vector<std::pair<std::string, double>>;
/// The value of `name`, or nothing.
std::optional<double> find_log(const Logs& logs, std::string_view name);

/// What a callback sees of the run. Epochs and batches count from 0.
struct TrainingContext {
  Model& model;
  std::int64_t epochs = 0;
  std::int64_t samples = 0;             ///< samples of an epoch
  std::int64_t validation_samples = 0;  ///< 0 without validation
  std::int64_t samples_done = 0;        ///< in this epoch
  bool stop_training = false;           ///< set it to end the run after this batch or epoch
  /// In on_train_begin: the run goes on from a snapshot. What an earlier run wrote must stay; restore_state() follows.
  bool continues = false;
};

/// What a callback knows of a run, for snapshots.
struct CallbackState {
  std::string kind;                  ///< "EarlyStopping"; empty: it keeps nothing
  Config options = {};               ///< those that must be the same where the state is restored
  Config values = {};                ///< what changes in the run
  std::vector<Tensor> tensors = {};
};

/// Base of the callbacks; each function does nothing unless overridden. One that throws ends the run (FitJob): no callback
/// is called any more, on_train_end neither.
class Callback {
 public:
  virtual ~Callback() = default;
  virtual void on_train_begin(TrainingContext&) {}
  virtual void on_epoch_begin(TrainingContext&, std::int64_t /*epoch*/) {}
  /// `logs` are the running means of the epoch so far.
  virtual void on_batch_end(TrainingContext&, std::int64_t /*batch*/, const Logs& /*logs*/) {}
  virtual void on_epoch_end(TrainingContext&, std::int64_t /*epoch*/, const Logs& /*logs*/) {}
  virtual void on_train_end(TrainingContext&) {}
  /// What it must remember for a run to go on from a snapshot (FitJob::snapshot) as if it had never stopped; nothing unless
  /// overridden. Called between steps.
  virtual CallbackState save_state() const { return {}; }
  /// Takes up what save_state() gave, of this run or of one like it in another process. The job sees to it that kind and options are
  /// the same. Called between steps; in a job that has not begun on_train_begin comes first.
  /// Errors: ValueError or FormatError for a state that cannot be; then nothing changes.
  virtual void restore_state(TrainingContext&, const CallbackState&) {}
};

/// Which way a number improves. `automatic` (Keras' "auto"): up when its name ends in "acc", "accuracy" or "auc", down
/// otherwise.
enum class MonitorMode : std::uint8_t { automatic, min, max };

/// The best value so far of one number of the logs; what the callbacks have in common that watch one.
class Monitor {
 public:
  Monitor(std::string name, MonitorMode mode, double min_delta);
  const std::string& name() const { return name_; }
  /// Forgets the best value and the warning.
  void reset();
  /// The number's value, or nothing; then warning() says once that `who` misses it, with the names there are and the
  /// `consequence`.
  std::optional<double> read(const Logs& logs, std::string_view who, std::string_view consequence);
  /// Whether `value` is better than `reference` by more than min_delta. NaN is never better.
  bool is_better(double value, double reference) const;
  /// Takes `value` as the best if it is better than the best so far; says whether.
  bool improve(double value);
  double best() const { return best_; }
  const std::string& warning() const { return warning_; }
  /// The options and the best value so far, into a callback's state and back.
  void save(CallbackState& state) const;
  void restore(const CallbackState& state);

 private:
  std::string name_;
  bool upwards_;
  double min_delta_;
  double best_;
  std::string warning_;
};

struct EarlyStoppingOptions {
  std::string monitor = "val_loss";
  double min_delta = 0.0;     ///< what counts as better; 0 or more
  std::int64_t patience = 0;  ///< epochs without improvement; 0 and 1 behave alike, as in Keras
  MonitorMode mode = MonitorMode::automatic;
  std::optional<double> baseline = {};  ///< epochs that do not beat it count as waiting, even if they improve
  bool restore_best_weights = false;    ///< at the end of the run, however it ends
  std::int64_t start_from_epoch = 0;    ///< epochs before it (from 0) are not looked at
};

/// Stops when `monitor` has not improved for `patience` epochs, never after the first epoch. Where the logs lack it:
/// `warning()` is set once and the run never stops early. With restore_best_weights the weights of the best epoch are
/// put back when the run ends: by this callback, by its number of epochs, by a request to stop or by a loss that is not
/// finite (as in Keras 3; Keras 2 did so only where it stopped the run). They are not where an error ends the run.
class EarlyStopping : public Callback {
 public:
  explicit EarlyStopping(EarlyStoppingOptions options = {});
  void on_train_begin(TrainingContext& context) override;
  void on_epoch_end(TrainingContext& context, std::int64_t epoch, const Logs& logs) override;
  void on_train_end(TrainingContext& context) override;
  CallbackState save_state() const override;
  void restore_state(TrainingContext& context, const CallbackState& state) override;
  /// The epoch (from 0) after which it stopped, or nothing.
  std::optional<std::int64_t> stopped_epoch() const { return stopped_epoch_; }
  std::int64_t best_epoch() const { return best_epoch_; }
  /// The epoch (from 0) whose weights it put back at the end of the run, or nothing.
  std::optional<std::int64_t> restored_epoch() const { return restored_epoch_; }
  const std::string& warning() const { return monitor_.warning(); }

 private:
  EarlyStoppingOptions options_;
  Monitor monitor_;
  std::int64_t wait_ = 0;
  std::int64_t best_epoch_ = 0;
  std::optional<std::int64_t> stopped_epoch_, restored_epoch_;
  std::vector<Tensor> best_weights_;
};

struct ModelCheckpointOptions {
  /// Name of the file, in which the epoch (from 1) and the epoch's numbers may stand as in Python:
  /// "weights-{epoch:02d}-{val_loss:.4f}.safetensors". "{{" and "}}" give the brackets themselves.
  std::string filepath;
  std::string monitor = "val_loss";
  MonitorMode mode = MonitorMode::automatic;
  bool save_best_only = false;  ///< only when `monitor` is better than ever in this run
};

/// Saves the model after each epoch (`save` of formats.hpp: a failure leaves what was there). Errors: ValueError at
/// once for a pattern that cannot be read; at the end of an epoch ValueError for a number that the run does not have,
/// and IoError, which end the run. With save_best_only and without `monitor` in the logs nothing is saved and
/// `warning()` is set once.
class ModelCheckpoint : public Callback {
 public:
  explicit ModelCheckpoint(ModelCheckpointOptions options);
  void on_train_begin(TrainingContext& context) override;
  void on_epoch_end(TrainingContext& context, std::int64_t epoch, const Logs& logs) override;
  CallbackState save_state() const override;
  void restore_state(TrainingContext& context, const CallbackState& state) override;
  /// The last file written in this run; empty before the first.
  const std::filesystem::path& saved() const { return saved_; }
  const std::string& warning() const { return monitor_.warning(); }

 private:
  ModelCheckpointOptions options_;
  Monitor monitor_;
  std::filesystem::path saved_;
};

/// `pattern` with its {name:format}, where format is as in Python: [0][width][.digits] and d (whole numbers), f or e,
/// or nothing. "epoch" is `epoch`, the other names are those of the logs. Errors: ValueError that says what cannot be
/// read or lists the names.
std::string format_pattern(std::string_view pattern, std::int64_t epoch, const Logs& logs);

struct ReduceLROnPlateauOptions {
  std::string monitor = "val_loss";
  double factor = 0.1;  ///< of the learning rate; in [0, 1)
  std::int64_t patience = 10;
  MonitorMode mode = MonitorMode::automatic;
  double min_delta = 1e-4;
  std::int64_t cooldown = 0;  ///< epochs after a reduction during which waiting does not count
  double min_lr = 0.0;
};

/// Multiplies the learning rate by `factor` when `monitor` has not improved for `patience` epochs, down to `min_lr`.
/// Where the logs lack it: `warning()` is set once. Errors: ValueError for options out of range.
class ReduceLROnPlateau : public Callback {
 public:
  explicit ReduceLROnPlateau(ReduceLROnPlateauOptions options = {});
  void on_train_begin(TrainingContext& context) override;
  void on_epoch_end(TrainingContext& context, std::int64_t epoch, const Logs& logs) override;
  CallbackState save_state() const override;
  void restore_state(TrainingContext& context, const CallbackState& state) override;
  const std::string& warning() const { return monitor_.warning(); }

 private:
  ReduceLROnPlateauOptions options_;
  Monitor monitor_;
  std::int64_t wait_ = 0;
  std::int64_t cooling_ = 0;
};

struct CSVLoggerOptions {
  std::filesystem::path filename;
  std::string separator = ",";
  bool append = false;  ///< to what an earlier run wrote; else the file begins anew
  std::function<void(const std::string&)> write = {};  ///< where lines go in place of a file: standard output, say
};

/// Writes a line an epoch: "epoch" (from 0), then the epoch's numbers in the order of their names, as Keras does; the
/// first line has the names. The file is complete after each epoch; a device or a pipe is opened once. Lines end in \n; numbers have as
/// many digits as it takes to read them back; one that the first epoch had and a later one lacks is "NA". Where a run goes on from a
/// snapshot, the file is set back to what it was then, earlier runs' lines included; what went to a device, a pipe or `write` stays.
/// Errors: ValueError for an empty file name or separator, and when it is to append to a file with other columns; IoError. They end the
/// run.
class CSVLogger : public Callback {
 public:
  explicit CSVLogger(CSVLoggerOptions options);
  void on_train_begin(TrainingContext& context) override;
  void on_epoch_end(TrainingContext& context, std::int64_t epoch, const Logs& logs) override;
  CallbackState save_state() const override;
  void restore_state(TrainingContext& context, const CallbackState& state) override;

 private:
  void write(const std::string& text, bool anew);
  CSVLoggerOptions options_;
  std::string written_;                    // by this run
  std::int64_t bytes_before_ = 0;          // of the file, of earlier runs
  std::shared_ptr<std::ofstream> stream_;  // of what is no regular file
  std::vector<std::string> names_;  // of the columns after "epoch", once an epoch has told them
};

struct ProgressBarOptions {
  /// On a terminal the line is redrawn in place; otherwise one line an epoch.
  bool redraw = true;
  double min_interval_ms = 100.0;
  /// Columns of the terminal, asked for at each drawing; empty, or below 1: lines are as long as Keras'.
  std::function<int()> columns = {};
};

/// What Keras on TensorFlow 2.0 prints: bar of 30, time per sample, metrics with four digits.
class ProgressBar : public Callback {
 public:
  using Sink = std::function<void(std::string_view)>;
  explicit ProgressBar(Sink sink, ProgressBarOptions options = {});
  /// To a stream, which must live as long: ProgressBar(std::cout).
  explicit ProgressBar(std::ostream& stream, ProgressBarOptions options = {});
  void on_train_begin(TrainingContext& context) override;
  void on_epoch_begin(TrainingContext& context, std::int64_t epoch) override;
  void on_batch_end(TrainingContext& context, std::int64_t batch, const Logs& logs) override;
  void on_epoch_end(TrainingContext& context, std::int64_t epoch, const Logs& logs) override;
  CallbackState save_state() const override;
  /// In mid-epoch prints the epoch's line again; its time goes on.
  void restore_state(TrainingContext& context, const CallbackState& state) override;

 private:
  void draw(std::string line, bool finished);
  int columns() const;
  Sink sink_;
  ProgressBarOptions options_;
  std::int64_t epoch_ = -1;  // that is being shown; -1 between epochs
  double epoch_start_ms_ = 0.0;
  double last_draw_ms_ = 0.0;
  std::size_t last_length_ = 0;
};

/// The line of the progress bar: "31392/57000 [====>....] - ETA: 2s - loss: 0.2296". With done == total the time
/// taken and the time per sample stand in place of the ETA. Where that is longer than `columns` (0: any length), the bar shrinks, then goes;
/// then the time, then metrics from the end are left out. A line that will not be redrawn (`is_last`) loses nothing: it goes on in the next.
std::string progress_line(std::int64_t done, std::int64_t total, double seconds, const Logs& logs, int columns = 0, bool is_last = false);
/// A metric as Keras prints it: "%.4f", or "%.4e" when |value| <= 1e-3.
std::string format_metric(double value);

/// Sets the learning rate of each epoch (from 0) to what the function gives for it.
class LearningRateScheduler : public Callback {
 public:
  /// `schedule(epoch, learning_rate)`: the rate so far is handed in, as in Keras.
  explicit LearningRateScheduler(std::function<double(std::int64_t, double)> schedule) : schedule_(std::move(schedule)) {}
  void on_epoch_begin(TrainingContext& context, std::int64_t epoch) override;

 private:
  std::function<double(std::int64_t, double)> schedule_;
};

struct LambdaCallbackOptions {
  std::function<void(TrainingContext&)> on_train_begin = {};
  std::function<void(TrainingContext&, std::int64_t epoch)> on_epoch_begin = {};
  std::function<void(TrainingContext&, std::int64_t batch, const Logs&)> on_batch_end = {};
  std::function<void(TrainingContext&, std::int64_t epoch, const Logs&)> on_epoch_end = {};
  std::function<void(TrainingContext&)> on_train_end = {};
};

/// Calls functions; those that are empty are left out.
class LambdaCallback : public Callback {
 public:
  using Function = std::function<void(TrainingContext&, std::int64_t, const Logs&)>;
  explicit LambdaCallback(LambdaCallbackOptions options) : call_(std::move(options)) {}
  LambdaCallback(Function batch_end, Function epoch_end)
      : LambdaCallback(
            LambdaCallbackOptions{.on_batch_end = std::move(batch_end), .on_epoch_end = std::move(epoch_end)}) {}
  void on_train_begin(TrainingContext& context) override {
    if (call_.on_train_begin) call_.on_train_begin(context);
  }
  void on_epoch_begin(TrainingContext& context, std::int64_t epoch) override {
    if (call_.on_epoch_begin) call_.on_epoch_begin(context, epoch);
  }
  void on_batch_end(TrainingContext& context, std::int64_t batch, const Logs& logs) override {
    if (call_.on_batch_end) call_.on_batch_end(context, batch, logs);
  }
  void on_epoch_end(TrainingContext& context, std::int64_t epoch, const Logs& logs) override {
    if (call_.on_epoch_end) call_.on_epoch_end(context, epoch, logs);
  }
  void on_train_end(TrainingContext& context) override {
    if (call_.on_train_end) call_.on_train_end(context);
  }

 private:
  LambdaCallbackOptions call_;
};

}  // namespace neurona
