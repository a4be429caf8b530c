#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lesson_text.hpp"
#include "ui.hpp"
#include "url_state.hpp"

namespace neurona::app {

class App;
class Platform;

/// Everything a lesson needs from the shell in a frame.
struct LessonContext {
  Ui& ui;
  App& app;                ///< navigation, shared digit, events; see app.hpp
  Platform& platform;      ///< the only door to the outside
  const LessonText& text;  ///< this lesson's text in the current language
  int step = 0;            ///< 0-based
  bool compact = false;    ///< phone layout: one column, the page scrolls
};

/// One lesson: its stage, its controls in the step bar, its state in the URL and in window.neurona.
/// The shell draws title, prose, formula, code and check from the lesson's text; the lesson draws the
/// instrument.
class Lesson {
 public:
  virtual ~Lesson() = default;
  virtual std::string_view id() const = 0;

  /// Work that is not drawing: advance jobs by about `budget_ms`. Called between frames, also while hidden; it asks
  /// for frames when there is something new to see. Returns true while there is more to do at once.
  virtual bool advance(LessonContext&, float /*budget_ms*/) { return false; }
  virtual void enter(LessonContext&) {}
  virtual void leave(LessonContext&) {}

  /// True when the lesson draws its own title and text (Draw): the stage then gets the text column's room
  /// too.
  virtual bool full_width(int /*step*/) const { return false; }
  /// The least height the stage needs at this width; the shell scrolls when the window has less.
  virtual float stage_height(LessonContext&, float width) = 0;
  /// Draws the stage into `area` (at least stage_height high; the whole column on wide windows).
  virtual void stage(LessonContext&, Rect area) = 0;

  /// Room the lesson wants in the step bar between the dots and Next, at most `available`; 0 = none.
  virtual float bar_width(LessonContext&, float /*available*/) { return 0; }
  /// Draws play, step and the time slider there.
  virtual void bar(LessonContext&, Rect /*area*/) {}

  /// The mono line of live numbers below the step's formula.
  virtual std::string live_numbers(LessonContext&) { return {}; }
  /// Whether the check of the step is passed.
  virtual bool check_passed(LessonContext&) { return false; }
  /// Extra content of the text column below the code; returns its height. With draw = false only measures.
  virtual float aside(LessonContext&, ImVec2 /*position*/, float /*width*/, bool /*draw*/) { return 0; }

  /// What the DOM mirror says besides the text: the values on the stage in one or two sentences.
  virtual std::string spoken(LessonContext&) { return {}; }
  /// Hyper-parameters and choices for the URL fragment, as name and value: those that are not at their initial value.
  virtual UrlState url_state(LessonContext&) const { return {}; }
  /// Takes them from an address; what it lacks, or holds wrongly, gets its initial value. Other names are left alone.
  virtual void restore(LessonContext&, const UrlState&) {}
  /// Takes one value or action of window.neurona.set. Returns an empty string, or what is wrong with it in English.
  /// `known` stays false when the name is not this lesson's.
  virtual std::string set_value(LessonContext&, std::string_view /*name*/, std::string_view /*value*/, bool& known) {
    known = false;
    return {};
  }
  /// A JSON object (text) merged into window.neurona.state(), e.g. {"training": {...}, "values": {...}}; `values` are
  /// what set_value takes, with their types.
  virtual std::string state_json(LessonContext&) { return "{}"; }
};

}  // namespace neurona::app
