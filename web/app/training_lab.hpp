#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "neurona/activation.hpp"
#include "neurona/image_set.hpp"
#include "neurona/model.hpp"
#include "neurona/train.hpp"

namespace neurona::app {

/// What the learner chooses before (or, for the learning rate, while) a network is trained.
struct TrainingSettings {
  double learning_rate = 0.1;  ///< 0.0001 to 100
  int units = 100;             ///< hidden neurons, 1 to 512
  Activation activation = Activation::sigmoid;
  int batch_size = 32;            ///< 1 to 1024
  double validation_split = 0.05; ///< 0 to 0.5, from the end of the training images
  int epochs = 10;                ///< 1 to 50
  bool early_stopping = true;
  int patience = 0;  ///< 0 to 10
  bool restore_best_weights = false;
  std::uint64_t seed = 1;

  friend bool operator==(const TrainingSettings&, const TrainingSettings&) = default;
};

/// A point of the validation curve.
struct EpochPoint {
  float epoch = 0, loss = 0, accuracy = 0, val_loss = 0, val_accuracy = 0;
  bool has_validation = false;
};

/// Trains the tutorial's 784-H-10 network in slices and keeps what the interface shows of it. It draws nothing; the interface
/// reads. The same settings and seed give the same weights, however the work was cut.
class TrainingLab {
 public:
  enum class Status { no_data, ready, running, paused, finished, stopped_early, failed };
  enum class Goal { none, batch, epoch, run };

  /// The images to train on and to judge by; may come later than everything else.
  void set_data(std::shared_ptr<const ImageSet> train, std::shared_ptr<const ImageSet> test);
  bool has_data() const { return status_ != Status::no_data; }

  const TrainingSettings& settings() const { return settings_; }
  /// Those that the network was built with and is trained by.
  const TrainingSettings& applied() const { return applied_; }
  /// Takes new settings. The learning rate works at once, and so do more epochs while a run is under way; others start the
  /// network anew when nothing was trained yet, and else wait for the next reset.
  void set_settings(const TrainingSettings& settings);
  /// Whether settings wait for a reset.
  bool pending() const { return has_data() && applied_ != settings_; }

  /// Works towards a goal: one batch, the end of this epoch, or of the run. A finished run starts anew, with what waits.
  void start(Goal goal);
  void pause();
  /// Back to fresh weights from the seed; what waits takes effect.
  void reset();
  /// Judges the network on the test images, in slices.
  void evaluate();
  /// Works for about `budget_ms`; returns whether there is more to do now.
  bool advance(double budget_ms);

  Status status() const { return status_; }
  bool validating() const;
  bool evaluating() const { return evaluation_ != nullptr; }
  /// What went wrong, in the library's words, when failed.
  const std::string& error() const { return error_; }
  /// Null before data arrived.
  const TrainingState* state() const { return job_ ? &job_->state() : nullptr; }
  /// Batches done, and those of the whole run; what is validated counts as the epoch's last batch. Only with a state.
  std::pair<std::int64_t, std::int64_t> batches_done() const;
  /// Of the epochs that ended. Only with a state.
  const History& history() const { return job_->history(); }
  Model* model() { return model_.get(); }

  // --- the curves, by batch: x in epochs; long epochs are thinned to at most kPointsPerEpoch means ---
  static constexpr int kPointsPerEpoch = 600;
  const std::vector<float>& x() const { return x_; }
  const std::vector<float>& loss() const { return loss_; }
  const std::vector<float>& accuracy() const { return accuracy_; }
  const std::vector<EpochPoint>& epochs() const { return epochs_; }
  /// Epochs after which early stopping ended the run, and which was the best; -1 when it did not.
  int stopped_epoch() const;
  int best_epoch() const;
  /// The epoch that the weights are of: the last, or the best when its weights came back. Null before the first.
  const EpochPoint* weights_epoch() const;
  /// Early stopping was asked for, but there is nothing to watch: no validation data.
  bool cannot_stop() const { return applied_.early_stopping && stopping_ && !stopping_->warning().empty(); }
  /// Keras' lines, the newest last; the last one changes while an epoch runs.
  const std::vector<std::string>& log() const { return log_; }
  double samples_per_second() const { return rate_; }
  /// Grows whenever something to show has changed.
  int revision() const { return revision_; }
  /// Weights of hidden neuron `unit` as 28x28 values in [-1, 1], scaled by its largest.
  void hidden_weights(int unit, std::vector<float>& out) const;

  // --- the judgement on the test images ---
  struct Judgement {
    double loss = 0, accuracy = 0;
    std::array<int, 100> confusion{};         ///< [truth * 10 + predicted]
    std::vector<std::int32_t> predicted;      ///< by test image
    std::vector<std::int32_t> misclassified;  ///< indices of test images
    bool complete = false;
    int revision = -1;  ///< of the weights that were judged
  };
  const Judgement& judgement() const { return judgement_; }
  /// Whether the judgement is of the weights as they are now.
  bool judgement_current() const { return judgement_.complete && judgement_.revision == weights_revision_; }
  double evaluation_progress() const;
  /// The test images as the network gets them.
  const Dataset& test_data() const { return test_images_; }
  const ImageSet* train_images() const { return train_.get(); }
  const ImageSet* test_images() const { return test_.get(); }

 private:
  void build();
  void take_step();
  void end_slice();
  void finish_evaluation();
  void write_log(bool epoch_over);

  TrainingSettings settings_, applied_;
  std::shared_ptr<const ImageSet> train_, test_;
  Dataset training_images_, test_images_;
  std::unique_ptr<Sequential> model_;
  std::unique_ptr<FitJob> job_;
  std::shared_ptr<EarlyStopping> stopping_;
  Status status_ = Status::no_data;
  Goal goal_ = Goal::none;
  std::string error_;
  std::vector<float> x_, loss_, accuracy_;
  float loss_sum_ = 0, accuracy_sum_ = 0;
  int thin_ = 1, gathered_ = 0;
  std::vector<EpochPoint> epochs_;
  std::vector<std::string> log_;
  std::int64_t logged_epoch_ = -1;
  double epoch_ms_ = 0, rate_ = 0;
  int revision_ = 0, weights_revision_ = 0;
  std::unique_ptr<EvaluateJob> evaluation_;
  Judgement judgement_;
};

/// What a network of these settings pays on the test images before it has learned anything; computed in slices.
class UntrainedExam {
 public:
  UntrainedExam(const TrainingSettings& settings, const TrainingLab& lab);
  /// Works for about `budget_ms`; returns whether there is more to do.
  bool advance(double budget_ms);
  double loss() const;

 private:
  std::unique_ptr<Sequential> model_;
  std::unique_ptr<EvaluateJob> job_;
};

}  // namespace neurona::app
