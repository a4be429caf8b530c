#pragma once

#include <vector>

#include "../lesson.hpp"
#include "../training_lab.hpp"

namespace neurona::app {

/// What the steps of the training lesson share: the controls and the lab.
struct TrainRoom {
  explicit TrainRoom(Values& values);

  Number learning_rate, units, batch_size, validation_split, epochs, patience, seed;
  Choice activation;
  Flag early_stopping, restore_best_weights;
  TrainingLab lab;

  TrainingSettings settings() const;
  void new_seed();

  // --- parts of stages that several steps show ---
  /// Settings in a card that says when some wait for a reset.
  Block settings_of(const StepContext& c, const std::vector<Control*>& controls) const;
  /// What went wrong in the run, if anything did.
  Block trouble(const StepContext& c) const;
  /// Loss or accuracy by epoch, with the validation curve.
  Block curve(const StepContext& c, bool accuracy);
  Block log(const StepContext& c) const;
  /// The button that begins the exam, and its marks.
  Block exam_bar(const StepContext& c);
  /// Play, one batch, one epoch, reset, another seed, and how far the run is: for the step bar. Where that is too
  /// narrow for all of them, the rest stand on the stage.
  Block run_bar(const StepContext& c);
  Block run_buttons(const StepContext& c);

 private:
  void run_button(const StepContext& c, std::string_view name, std::string_view label, Rect rect);
  void draw_curve(const StepContext& c, Rect in, bool accuracy);
  void draw_run_bar(const StepContext& c, Rect area);
  void draw_exam_bar(const StepContext& c, Rect bar);
  void smooth_curves();

  std::vector<float> smooth_loss_, smooth_accuracy_;
  std::size_t smoothed_ = 0;
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
