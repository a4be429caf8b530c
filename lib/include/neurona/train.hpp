// Training, evaluation and prediction as jobs that advance in slices.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "neurona/error.hpp"
#include "neurona/job.hpp"
#include "neurona/model.hpp"

namespace neurona {

/// The loss or the weights became NaN or infinite. The message says at which epoch and batch, which weights were kept, and why: a
/// NaN in the data is named by its sample.
class NotFiniteError : public Error {
 public:
  using Error::Error;
};

/// Where a run stands.
struct TrainingState {
  enum class Phase : std::uint8_t { ready, training, validating, finished };
  Phase phase = Phase::ready;
  std::int64_t epoch = 0;              ///< from 0
  std::int64_t epochs = 0;
  std::int64_t batch = 0;              ///< batches done in this epoch
  std::int64_t batches = 0;            ///< batches of an epoch
  std::int64_t samples = 0;            ///< training samples of an epoch
  std::int64_t samples_done = 0;       ///< in this epoch
  std::int64_t validation_samples = 0;
  std::int64_t validation_done = 0;
  double batch_loss = 0.0;             ///< mean loss of the last batch
  Logs batch_metrics;                  ///< metrics of the last batch
  Logs logs;                           ///< running means of this epoch; after validation with the val_ values
  bool stopped_early = false;          ///< by a callback, request_stop or an error
  bool failed = false;                 ///< by an error: not finite, or thrown by a callback or the data
};

/// All of a run's state between two steps: weights and moving statistics, the optimizer's slots, iterations and learning rate, counters and
/// running sums, history, the last good weights, and what its callbacks remember. (Where a run stands in its random numbers follows from its
/// seed and counters.) It never changes and is cheap to copy: copies share it. As a file: save() and load_snapshot() of formats.hpp.
class Snapshot {
 public:
  struct Data;  // the library's own
  /// Holds nothing; restoring it is a ValueError.
  Snapshot() = default;
  explicit Snapshot(std::shared_ptr<const Data> data);
  bool empty() const { return data_ == nullptr; }
  /// Where the run stood. Errors (also of history()): ValueError for an empty one.
  const TrainingState& state() const;
  const History& history() const;
  /// Bytes of memory that it holds: about twice the weights, the optimizer's slots and the callbacks' copies of weights.
  std::size_t size_bytes() const;
  /// Free text, kept in its file; at first the model's. Copies have their own.
  std::map<std::string, std::string>& metadata() { return metadata_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  const Data& data() const;

 private:
  std::shared_ptr<const Data> data_;
  std::map<std::string, std::string> metadata_;
};

/// A run of `fit` that can be driven batch by batch. The model must live, keep its layers, and not be used elsewhere while a slice
/// runs. Loss, optimizer and metrics are those it was compiled with at construction.
class FitJob : public Job {
 public:
  /// Errors: ValueError for options out of range or an uncompiled model; ShapeError when data and model disagree.
  FitJob(Model& model, Dataset data, FitOptions options = {});
  ~FitJob() override;

  /// Trains for about `budget_ms`. Errors: NotFiniteError when a loss or the weights are no longer finite; the last good
  /// weights, at most 64 batches old, are in the model then. What a callback or an augmentation throws goes through. Each error
  /// ends the run: the model keeps the weights of its last batch, the history the epochs that were completed.
  bool advance(double budget_ms, Progress& progress) override;
  /// Exactly one batch of training or of validation. Returns whether there is more.
  bool step();
  /// Ends the run after the current batch; callbacks that saw on_train_begin see on_train_end. A callback may ask for it, too.
  void request_stop();
  /// Adds epochs to a run, also to one that is finished (not to one that stopped early or failed).
  void extend(std::int64_t epochs);

  /// The run as it stands. Copies tensors; computes nothing. Not to be taken while a slice runs on another thread.
  /// Errors: ValueError when a callback asks, whose step is not over.
  Snapshot snapshot() const;
  /// Goes to where a run like this one stood, forwards or back, in this process or another, also when this one is over or failed: the same
  /// bits follow as followed there, given the same data, backend and kind of processor. The weights are put into the model; `epochs` becomes
  /// the snapshot's (extend() adds to it). In a job that has not begun callbacks see on_train_begin first (TrainingContext::continues), then
  /// each its state. Errors: ValueError that names what differs (layers, number and shape of samples, batch_size, shuffle, seed, loss,
  /// metrics, optimizer, callbacks and their options), also for a snapshot that contradicts itself, and when a callback asks; what callbacks
  /// throw. Nothing changes then.
  void restore(const Snapshot& snapshot);

  const TrainingState& state() const;
  const History& history() const;
  /// What the user should know of this run, known from its beginning: layers that cannot learn from such batches.
  const std::vector<std::string>& warnings() const;
  /// Bytes of the arena made at construction: nothing else is allocated while training.
  std::size_t arena_bytes() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// A run of `evaluate`; also tells each sample's predicted class.
class EvaluateJob : public Job {
 public:
  EvaluateJob(Model& model, Dataset data, std::int64_t batch_size = 32);
  ~EvaluateJob() override;
  bool advance(double budget_ms, Progress& progress) override;
  /// Means over the samples done so far.
  Evaluation result() const;
  std::int64_t samples_done() const;
  /// Index of the largest output of each sample done so far.
  std::span<const std::int32_t> predicted() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// A run of `predict`.
class PredictJob : public Job {
 public:
  PredictJob(Model& model, Dataset data, std::int64_t batch_size = 32);
  ~PredictJob() override;
  bool advance(double budget_ms, Progress& progress) override;
  /// The predictions (N, ...), complete once advance() has returned false; moved out.
  Tensor take_result();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace neurona
