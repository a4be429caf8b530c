#pragma once

#include <vector>

#include "../course_data.hpp"
#include "../lesson.hpp"
#include "../training_lab.hpp"
#include "../widgets/heat_map.hpp"

namespace neurona::app {

/// What the stages of the training lesson share: the data, the lab, and what the learner has chosen to look at.
struct TrainView {
  CourseData data;
  TrainingLab lab;
  int image = 0;                        ///< training image that is shown large: pointed at, else chosen
  int chosen = -1;                      ///< chosen training image; -1: none yet
  int truth = -1, predicted = -1;       ///< chosen cell of the confusion matrix
  bool looked_at_confusion = false;
  ImageSheet gallery, weights, errors;  ///< textures, made anew when their key changes
  int gallery_key = -1, weights_key = -1, weights_shown = 0, errors_key = -1;
  double weights_time = -1;
  bool dark = false;
  std::vector<float> smooth_loss, smooth_accuracy, scratch;
  std::size_t smoothed = 0;
};

/// Height a stage needs at that width, and its drawing; one pair for each step.
float data_stage_height(LessonContext& c, TrainView& view, float width);
void data_stage(LessonContext& c, TrainView& view, Rect area);
float build_stage_height(LessonContext& c, TrainView& view, float width);
void build_stage(LessonContext& c, TrainView& view, Rect area);
float compile_stage_height(LessonContext& c, TrainView& view, float width);
void compile_stage(LessonContext& c, TrainView& view, Rect area);
float fit_stage_height(LessonContext& c, TrainView& view, float width);
void fit_stage(LessonContext& c, TrainView& view, Rect area);
float stopping_stage_height(LessonContext& c, TrainView& view, float width);
void stopping_stage(LessonContext& c, TrainView& view, Rect area);
float evaluate_stage_height(LessonContext& c, TrainView& view, float width);
void evaluate_stage(LessonContext& c, TrainView& view, Rect area);
float exams_stage_height(LessonContext& c, TrainView& view, float width);
void exams_stage(LessonContext& c, TrainView& view, Rect area);

/// One line about the data when they are not simply there: loading, failed with a retry, or embedded digits.
/// Returns the height used; with draw = false it only measures.
float data_notice(LessonContext& c, TrainView& view, Rect area, bool draw = true);

/// A card of settings. Which ones a stage shows.
struct SettingsShown {
  bool network = false, optimiser = false, stopping = false, seed = false;
};
float settings_height(LessonContext& c, float width, SettingsShown shown);
void settings(LessonContext& c, TrainView& view, Rect area, SettingsShown shown);

/// Loss or accuracy by epoch, with the validation curve.
void curve(LessonContext& c, TrainView& view, Rect area, bool accuracy);

}  // namespace neurona::app
