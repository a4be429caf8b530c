#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "neurona/data/mnist.hpp"
#include "run_settings.hpp"
#include "snapshot_shelf.hpp"

namespace neurona::app {

/// A point of the validation curve.
struct EpochPoint {
  float epoch = 0, loss = 0, accuracy = 0, val_loss = 0, val_accuracy = 0;
  bool has_validation = false;
};

/// A network's marks on the test images.
struct Judgement {
  double loss = 0, accuracy = 0;
  std::array<int, 100> confusion{};         ///< [truth * 10 + predicted]
  std::vector<std::int32_t> predicted;      ///< by test image
  std::vector<std::int32_t> misclassified;  ///< indices of test images
  bool complete = false;
  int serial = -1;  ///< grows with each judgement
};

/// Trains a network of ten digits in slices and keeps what the interface shows of it. It draws nothing; the interface reads.
/// The same settings and seed give the same weights, however the work was cut.
///
/// It remembers its run: `visit` goes to any batch of it, back and forth, and everything that it tells is then of that
/// moment, bit for bit as it was; between two snapshots the moment is computed again from the one before.
class Experiment {
 public:
  enum class Status { no_data, ready, running, paused, finished, stopped_early, failed };
  enum class Goal { none, batch, epoch, run };
  static constexpr std::size_t kMemory = std::size_t{64} << 20;  ///< for snapshots, if nothing else is said

  explicit Experiment(std::size_t memory_bytes = kMemory);

  /// The images to train on and to judge by; may come later than everything else.
  void set_data(std::shared_ptr<const ImageSet> train, std::shared_ptr<const ImageSet> test);
  bool has_data() const { return status_ != Status::no_data; }
  const ImageSet* train_images() const { return train_.get(); }
  const ImageSet* test_images() const { return test_.get(); }
  /// The test images as the network gets them.
  const Dataset& test_data() const { return test_data_; }

  const RunSettings& settings() const { return settings_; }
  /// Those that the network was built with and is trained by.
  const RunSettings& applied() const { return applied_; }
  /// Takes new settings. At the end of what was trained, the learning rate works at once, and so do more epochs while a run is
  /// under way; others start the network anew when nothing was trained yet, and else wait for the next reset or branch.
  void set_settings(const RunSettings& settings);
  /// Whether settings wait.
  bool pending() const { return has_data() && applied_ != settings_; }

  /// Works towards a goal: one batch, the end of this epoch, or of the run; from a moment that is visited it goes over what was
  /// trained, then on. A finished run starts anew, with what waits.
  void start(Goal goal);
  void pause();
  /// Back to fresh weights from the seed; what waits takes effect.
  void reset();
  /// Judges the network of the moment on the test images, in slices.
  void evaluate();
  /// Works for about `budget_ms`; returns whether there is more to do now.
  bool advance(double budget_ms);

  Status status() const { return status_; }
  bool validating() const;
  bool evaluating() const { return evaluation_ != nullptr; }
  /// What went wrong, in the library's words, when failed.
  const std::string& error() const { return error_; }
  /// Of the moment. Null before data arrived.
  const TrainingState* state() const { return job_ ? &job_->state() : nullptr; }
  /// Of the epochs that had ended at the moment. Only with a state.
  const History& history() const { return job_->history(); }
  Model* model() { return model_.get(); }
  const Model* model() const { return model_.get(); }

  // --- the time machine; moments are batches done, from 0 ---
  std::int64_t moment() const;
  /// The moment that was trained last.
  std::int64_t trained() const { return trained_; }
  /// Of the whole run, as long as it may get. Only with a state.
  std::int64_t batches() const { return job_->state().epochs * job_->state().batches; }
  bool is_visiting() const { return !now_.empty(); }
  /// Goes to a moment of 0 to trained(), in slices; pauses a run.
  void visit(std::int64_t batch);
  /// Where it is going; nothing once it is there.
  std::optional<std::int64_t> going_to() const { return target_; }
  /// Where its snapshots are, and how much memory they take.
  const SnapshotShelf& shelf() const { return shelf_; }
  /// A run that goes on from the moment that is visited, with what waits in the settings. The network itself cannot change.
  /// With another batch_size, validation_split or seed its epochs begin anew there. Only with a state.
  std::unique_ptr<Experiment> branch() const;
  /// Where this run left another one, in epochs; 0 for one that began by itself.
  float begins() const { return begins_; }

  // --- the curves, by batch: x in epochs; long epochs are thinned to at most kPointsPerEpoch means. All that was trained ---
  static constexpr int kPointsPerEpoch = 600;
  const std::vector<float>& x() const { return x_; }
  const std::vector<float>& loss() const { return loss_; }
  const std::vector<float>& accuracy() const { return accuracy_; }
  const std::vector<EpochPoint>& epochs() const { return epochs_; }
  /// The moment on that axis.
  float moment_x() const;
  /// Those of epochs() that had ended at the moment.
  std::size_t epochs_ended() const;
  /// Epochs after which early stopping ended the run, and which was the best; -1 when it did not.
  int stopped_epoch() const;
  int best_epoch() const;
  /// The epoch that the weights of the moment are of: the last, or the best when its weights came back. Null before the first.
  const EpochPoint* weights_epoch() const;
  /// Early stopping was asked for, but there is nothing to watch: no validation data.
  bool cannot_stop() const { return applied_.early_stopping && stopping_ && !stopping_->warning().empty(); }
  /// Keras' lines up to the moment, the newest last; the last one changes while an epoch runs.
  std::vector<std::string> log() const;
  double samples_per_second() const { return rate_; }
  /// Grows whenever something to show has changed.
  int revision() const { return revision_; }
  /// Weights of unit `unit` of the first Dense layer as 28x28 values in [-1, 1], scaled by its largest.
  void hidden_weights(int unit, std::vector<float>& out) const;

  const Judgement& judgement() const { return judgement_; }
  /// Whether the judgement is of the weights of the moment.
  bool judgement_current() const { return judgement_.complete && judged_ == weights_of_now(); }
  double evaluation_progress() const;

 private:
  /// A change that worked at once, so that going there again finds it.
  struct RateChange {
    std::int64_t batch;
    double learning_rate;
  };
  using WeightsKey = std::pair<int, std::int64_t>;  // of which start, after which batch; -1: as the run ended
  WeightsKey weights_of_now() const;
  /// How early stopping ended the run; epochs from 1, -1 where it did not.
  struct Ended {
    int stopped = -1, best = -1, restored = -1;
  };
  void apply_at_once();
  void make_job();
  void take_step();
  void record(std::int64_t epochs_before, bool was_validating);
  bool reached_goal(std::int64_t epochs_before, bool was_validating) const;
  void note_end();
  void keep_snapshot();
  void restore(const Snapshot& snapshot);
  void repeat_rate_changes();
  void take_past(const Experiment& other);
  void travel(double budget_ms);
  void arrive_now();
  void finish_evaluation();
  std::string epoch_line(std::size_t epoch) const;

  RunSettings settings_, applied_;
  std::shared_ptr<const ImageSet> train_, test_;
  Dataset train_data_, test_data_;
  std::unique_ptr<Model> model_;
  std::unique_ptr<FitJob> job_;
  std::shared_ptr<EarlyStopping> stopping_;
  Status status_ = Status::no_data;
  Goal goal_ = Goal::none;
  std::string error_;

  SnapshotShelf shelf_;
  std::vector<RateChange> rates_;
  std::int64_t trained_ = 0;
  Snapshot now_;  // the end of what was trained, while another moment is visited
  Status now_status_ = Status::ready;
  std::optional<std::int64_t> target_;
  float begins_ = 0;
  float begins_anew_ = 0;  // where its epochs are counted from
  Ended ended_;

  std::vector<float> x_, loss_, accuracy_;
  float loss_sum_ = 0, accuracy_sum_ = 0;
  int thin_ = 1, gathered_ = 0;
  std::vector<EpochPoint> epochs_;
  std::vector<double> epoch_seconds_;
  double epoch_ms_ = 0, rate_ = 0;
  int revision_ = 0, starts_ = 0;
  std::unique_ptr<EvaluateJob> evaluation_;
  Judgement judgement_;
  WeightsKey judged_{-1, 0};
  int judgements_ = 0;
};

/// What a network of these settings pays on the test images before it has learned anything; computed in slices.
class UntrainedExam {
 public:
  UntrainedExam(const RunSettings& settings, const Experiment& run);
  /// Works for about `budget_ms`; returns whether there is more to do.
  bool advance(double budget_ms);
  double loss() const;

 private:
  std::unique_ptr<Model> model_;
  std::unique_ptr<EvaluateJob> job_;
};

}  // namespace neurona::app
