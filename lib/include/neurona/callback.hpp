// What may look at, and stop, a training run while it goes.
#pragma once

#include <functional>
#include <iosfwd>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "neurona/handle.hpp"
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
};

/// Base of the callbacks; each function does nothing unless overridden.
class Callback {
 public:
  virtual ~Callback() = default;
  virtual void on_train_begin(TrainingContext&) {}
  virtual void on_epoch_begin(TrainingContext&, std::int64_t /*epoch*/) {}
  /// `logs` are the running means of the epoch so far.
  virtual void on_batch_end(TrainingContext&, std::int64_t /*batch*/, const Logs& /*logs*/) {}
  virtual void on_epoch_end(TrainingContext&, std::int64_t /*epoch*/, const Logs& /*logs*/) {}
  virtual void on_train_end(TrainingContext&) {}
};

struct EarlyStoppingOptions {
  std::string monitor = "val_loss";
  double min_delta = 0.0;
  std::int64_t patience = 0;  ///< epochs without improvement; 0 and 1 behave alike, as in Keras
  bool restore_best_weights = false;
};

/// Stops when `monitor` has not improved for `patience` epochs. Improved means lower, or higher when the name ends
/// in "accuracy". Where the logs lack it: `warning()` is set once and the run never stops early.
class EarlyStopping : public Callback {
 public:
  explicit EarlyStopping(EarlyStoppingOptions options = {});
  void on_train_begin(TrainingContext& context) override;
  void on_epoch_end(TrainingContext& context, std::int64_t epoch, const Logs& logs) override;
  void on_train_end(TrainingContext& context) override;
  /// The epoch (from 0) after which it stopped, or nothing.
  std::optional<std::int64_t> stopped_epoch() const { return stopped_epoch_; }
  std::int64_t best_epoch() const { return best_epoch_; }
  const std::string& warning() const { return warning_; }

 private:
  EarlyStoppingOptions options_;
  double best_ = 0.0;
  std::int64_t wait_ = 0;
  std::int64_t best_epoch_ = 0;
  std::optional<std::int64_t> stopped_epoch_;
  std::string warning_;
  std::vector<Tensor> best_weights_;
};

struct ProgressBarOptions {
  /// On a terminal the line is redrawn in place; otherwise one line an epoch.
  bool redraw = true;
  double min_interval_ms = 100.0;
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

 private:
  void draw(std::string line, bool finished);
  Sink sink_;
  ProgressBarOptions options_;
  double epoch_start_ms_ = 0.0;
  double last_draw_ms_ = 0.0;
  std::size_t last_length_ = 0;
};

/// The line of the progress bar: "31392/57000 [====>....] - ETA: 2s - loss: 0.2296". With done == total the time
/// taken and the time per sample stand in place of the ETA.
std::string progress_line(std::int64_t done, std::int64_t total, double seconds, const Logs& logs);
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

/// Falls from `initial` to 0 along half a cosine over `epochs` (Loshchilov and Hutter 2017, without restarts).
double cosine_decay(double initial, std::int64_t epoch, std::int64_t epochs);

/// Calls a function after each batch and epoch; either may be empty.
class LambdaCallback : public Callback {
 public:
  using Function = std::function<void(TrainingContext&, std::int64_t, const Logs&)>;
  LambdaCallback(Function batch_end, Function epoch_end) : batch_end_(std::move(batch_end)), epoch_end_(std::move(epoch_end)) {}
  void on_batch_end(TrainingContext& context, std::int64_t batch, const Logs& logs) override {
    if (batch_end_) batch_end_(context, batch, logs);
  }
  void on_epoch_end(TrainingContext& context, std::int64_t epoch, const Logs& logs) override {
    if (epoch_end_) epoch_end_(context, epoch, logs);
  }

 private:
  Function batch_end_, epoch_end_;
};

}  // namespace neurona
