#pragma once

#include <memory>

#include "../lesson.hpp"
#include "../run_view.hpp"

namespace neurona::app {

/// What the steps of the training lesson share: the controls, the runs, and their view.
struct TrainRoom {
  explicit TrainRoom(Values& values);

  Number learning_rate, units, batch_size, validation_split, epochs, patience, seed;
  Choice activation;
  Flag early_stopping, restore_best_weights;
  Runs runs;
  RunView view;

  Experiment& run() { return runs.now(); }
  const Experiment& run() const { return runs.now(); }
  RunSettings settings() const;
  void new_seed();
  std::function<void()> on_new_seed() { return [this] { new_seed(); }; }

  // --- parts of stages that several steps show ---
  /// Settings in a card that says when some wait for a reset or a branch.
  Block settings_of(const StepContext& c, const std::vector<Control*>& controls) const;
  /// The button that begins the exam, and its marks.
  Block exam_bar(const StepContext& c);

 private:
  void draw_exam_bar(const StepContext& c, Rect bar);
};

// The steps, in their files.
std::unique_ptr<Step> make_data_step(TrainRoom& room, Values& values);
std::unique_ptr<Step> make_build_step(TrainRoom& room, Values& values);
std::unique_ptr<Step> make_compile_step(TrainRoom& room, Values& values);
std::unique_ptr<Step> make_fit_step(TrainRoom& room, Values& values);
std::unique_ptr<Step> make_stopping_step(TrainRoom& room, Values& values);
std::unique_ptr<Step> make_evaluate_step(TrainRoom& room, Values& values);
std::unique_ptr<Step> make_exams_step(TrainRoom& room, Values& values);

}  // namespace neurona::app
