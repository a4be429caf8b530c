#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "layout.hpp"
#include "lesson_text.hpp"
#include "navigator.hpp"
#include "progress.hpp"
#include "values.hpp"
#include "widgets/code_panel.hpp"

namespace neurona::app {

class CourseData;
class DigitReader;
class Guess;
class Platform;

/// What the course lends its lessons. Each exists once, for all of them.
struct Services {
  Ui& ui;
  Platform& platform;  ///< the clock, events, the clipboard
  CourseData& data;    ///< MNIST, fetched and unpacked once for all
  DigitReader& digit;  ///< the drawn digit that follows the learner, and the networks that read it
  Navigator& navigator;
  LearnerProgress& progress;
};

/// What the learner has opened in the text of a step.
struct TextState {
  bool unfolded = false;  ///< on a phone: the whole prose
  CodeTab tab = CodeTab::keras;
};

/// What a step sees of a frame.
struct StepContext {
  Ui& ui;
  Services& services;
  const LessonText& text;  ///< of the lesson, in the current language
  int index = 0;           ///< of the step, from 0
  TextState& text_state;
  bool compact = false;  ///< a phone: one column, the page scrolls

  const StepText& step() const { return text.steps[std::size_t(index)]; }

  std::string_view label(std::string_view key) const { return text.label(key); }
  std::string word(std::string_view key) const { return std::string(text.label(key)); }
};

/// Where a step's text stands: in a column of its own, or in the stage, which the step makes with `head_text`.
enum class TextPlace { beside, within };

/// One step of a lesson. The shell draws title, prose, formula, code and check from the lesson's text; the step
/// draws the instrument.
class Step {
 public:
  virtual ~Step() = default;
  /// As in lesson.json.
  virtual std::string_view id() const = 0;
  virtual TextPlace text_place() const { return TextPlace::beside; }
  /// The instrument; `stage_of` puts its parts in order.
  virtual Block stage(StepContext&) = 0;
  /// What the step bar holds between dots and Next: play, step, a time slider.
  virtual Block bar(StepContext&) { return {}; }
  /// The line of live numbers below the step's formula.
  virtual std::string live_numbers(StepContext&) { return {}; }
  /// Whether what the check asks for has been done. Once it was, it stays passed.
  virtual bool done(StepContext&) { return false; }
  /// The guess that the check asks for, if it is of that kind.
  virtual Guess* guess() { return nullptr; }
  /// What the mirror says besides the text: the values on the stage in one or two sentences.
  virtual std::string spoken(StepContext&) { return {}; }
  /// Work that is needed only while the step is on the screen. Returns whether there is more.
  virtual bool work(Services&, double /*budget_ms*/) { return false; }
};

/// A lesson: its steps, and what they share.
class Lesson {
 public:
  virtual ~Lesson() = default;
  virtual std::string_view id() const = 0;
  /// In the order of lesson.json.
  const std::vector<std::unique_ptr<Step>>& steps() const { return steps_; }
  /// What the learner sets in it.
  Values& values() { return values_; }
  const Values& values() const { return values_; }
  /// Takes over what was set: after each frame, address or call of the door that changed values.
  virtual void apply(Services&) {}
  /// Work that goes on out of sight, too (training): about `budget_ms`. It asks for frames when there is something
  /// new to see. Returns whether there is more to do at once.
  virtual bool work(Services&, double /*budget_ms*/) { return false; }
  /// A JSON object (text) merged into window.neurona.state().
  virtual std::string state_json(Services&) { return "{}"; }

 protected:
  template <class S, class... Arguments>
  void add_step(Arguments&&... arguments) {
    steps_.push_back(std::make_unique<S>(std::forward<Arguments>(arguments)...));
  }
  void add_step(std::unique_ptr<Step> step) { steps_.push_back(std::move(step)); }

 private:
  Values values_;
  std::vector<std::unique_ptr<Step>> steps_;
};

/// The parts of a stage, one below the other; on a phone what one looks at stands before the settings.
Block stage_of(const StepContext& c, std::vector<Block> blocks);

// --- a step's text, as blocks (step_text.cpp) ---
/// Kicker, title and prose. On a phone long prose is folded to its first lines.
Block head_text(const StepContext& c);
/// Formula with its live numbers, code, check, guess.
Block detail_text(const StepContext& c, Step& step, const std::string& live_numbers, bool passed);

}  // namespace neurona::app
