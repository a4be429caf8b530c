#pragma once

#include <memory>
#include <string>
#include <vector>

#include "experiment.hpp"
#include "lesson.hpp"
#include "widgets/heat_map.hpp"

namespace neurona::app {

/// A run, and the one that it branched from: trained in one budget, shown over each other.
class Runs {
 public:
  Experiment& now() { return *now_; }
  const Experiment& now() const { return *now_; }
  /// Null while there is one run.
  const Experiment* older() const { return older_.get(); }
  /// "A", "B": of the run in hand, and of the older one.
  std::string name() const { return std::string(1, letter_); }
  std::string older_name() const { return std::string(1, older_letter_); }
  /// Forks the run at the moment that is visited; the whole run stays as the older one.
  void branch();
  /// The older run is in hand again, and the other way round.
  void swap();
  /// One run from the beginning.
  void reset();
  /// Works for about `budget_ms`; returns whether there is more to do now.
  bool advance(double budget_ms) { return now_->advance(budget_ms); }

 private:
  std::unique_ptr<Experiment> now_ = std::make_unique<Experiment>(), older_;
  char letter_ = 'A', older_letter_ = 'A', last_letter_ = 'A';
};

/// What lessons show of their runs, as parts of stages; the words are the lesson's strings.
class RunView {
 public:
  /// `values` gets the moment, for the time machine.
  RunView(Values& values, Runs& runs);

  /// What was set is taken over: the moment.
  void apply();
  /// The moment follows the run. After work.
  void follow();

  /// What went wrong in the run, if anything did.
  Block trouble(const StepContext& c) const;
  /// Loss or accuracy by epoch, with the validation curve, the moment, and the older run behind it. A press goes there.
  Block curve(const StepContext& c, bool accuracy);
  /// The track of the time machine: every batch, snapshots as marks, "branch here".
  Block track(const StepContext& c);
  Block log(const StepContext& c) const;
  /// What the neurons of the first layer have learned, as pictures; beside them those of the older run.
  Block weights(const StepContext& c);
  /// Play, one batch, one epoch, reset, another seed, and how far the run is: for the step bar. Where that is too narrow for
  /// all of them, the rest stand on the stage (`buttons`). `new_seed` begins again with another one.
  Block bar(const StepContext& c, std::function<void()> new_seed);
  Block buttons(const StepContext& c, std::function<void()> new_seed);

 private:
  struct Smooth {
    std::vector<float> loss, accuracy;
    std::size_t count = 0;
    void update(const Experiment& run);
  };
  struct Gallery {
    ImageSheet sheet;
    int revision = -1, shown = 0;
    const Experiment* of = nullptr;
    double time = -1;
    bool dark = false;
  };
  void draw_curve(const StepContext& c, Rect in, bool accuracy);
  void draw_track(const StepContext& c, Rect in);
  void draw_bar(const StepContext& c, Rect area, const std::function<void()>& new_seed);
  void draw_gallery(Ui& ui, Rect in, const Experiment& run, Gallery& gallery) const;
  void run_button(const StepContext& c, std::string_view name, std::string_view label, Rect rect,
                  const std::function<void()>& new_seed);

  Runs& runs_;
  Number moment_;
  Smooth smooth_, older_smooth_;
  Gallery gallery_, older_gallery_;
};

}  // namespace neurona::app
