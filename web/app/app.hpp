#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "course_data.hpp"
#include "digit_reader.hpp"
#include "i18n.hpp"
#include "lesson.hpp"
#include "platform.hpp"
#include "text_store.hpp"
#include "ui.hpp"
#include "url_state.hpp"
#include "walk.hpp"
#include "widgets/rail.hpp"
#include "work_share.hpp"

namespace neurona::app {

/// The course: navigation, language, theme, URL, and the lessons in their places. `frame` draws one frame and
/// `work` advances what lessons train; the host calls them apart, so that neither waits for the other. Neither
/// does I/O. It owns no network: the host owns platform and digit reader, the lessons what they train.
class App {
 public:
  /// `lessons` are those that exist; the others of the course are shown as coming.
  App(Platform& platform, DigitReader& digit, std::vector<std::unique_ptr<Lesson>> lessons);
  ~App();
  App(const App&) = delete;
  App& operator=(const App&) = delete;

  /// Takes the input and draws. Between ImGui::NewFrame and ImGui::Render.
  void frame(Input& input);
  /// True while something moves, has changed or was just touched.
  bool wants_frame() const { return ui_.wants_frame(); }
  /// Advances training, evaluation and loading by about `budget_ms` in all; lessons out of sight go on too. Returns
  /// whether there is more to do at once.
  bool work(double budget_ms);
  /// The ground color, for the host's clear and the page's theme-color.
  ImU32 background() const { return ui_.theme().background; }
  void request_frames() { ui_.request_frames(); }
  /// See Canvas::set_solid_fill.
  void set_solid_fill(ImDrawCallback callback) { ui_.set_solid_fill(callback); }
  Cursor cursor() const { return ui_.cursor(); }

  // --- what the host's door uses (window.neurona, tests) ---
  /// Goes to a step (0-based) of a lesson; steps are clamped. Returns false for an unknown lesson.
  bool go(std::string_view lesson, int step, bool push_history = true);
  /// The whole state as JSON (see web/browser/README.md).
  std::string state_json();
  /// Sets language, theme, or a value: "units" of the lesson on the screen, or of the only other one that has it;
  /// "train.units" of that lesson. Returns "" or what was wrong.
  std::string set_value(std::string_view name, std::string_view value);
  /// Puts strokes on the pad and predicts at once. Returns {"label":..,"probabilities":[..]}; throws
  /// std::runtime_error when there is no network yet.
  std::string draw_strokes(const std::vector<PadStroke>& strokes);
  /// The host's URL changed (back button, edited by hand).
  void url_changed() { apply_url(false); }
  void activate_control(std::string_view name) { ui_.activate(name); }
  void focus_control(std::string_view name) { ui_.focus(name); }
  bool tab_leaves(int steps) const { return ui_.tab_leaves(steps); }
  /// What a screen reader gets: JSON with kicker, title, prose, formula (MathML), code, check, spoken,
  /// controls.
  std::string mirror_json();
  /// The values of all lessons as a table in Markdown, for the page's README.
  std::string values_table() const;
  /// Names that two controls of the last frame had (see Ui::names_used_twice).
  const std::vector<std::string>& names_used_twice() const { return ui_.names_used_twice(); }

 private:
  struct Place {
    std::string id;
    std::unique_ptr<Lesson> lesson;
    bool coming = false;
    LessonTexts coming_texts;
    std::vector<std::string> steps;  ///< their ids
    int taken = 0;                   ///< the revision of the values that the lesson has taken over
  };
  Place& here() { return places_[std::size_t(current_)]; }
  Step& step_here() { return *here().lesson->steps()[std::size_t(step_)]; }
  /// Null until it is here.
  const LessonText* text_of(const Place& place) const;
  std::string name_of(const Place& place) const;
  StepContext context(const LessonText& text);
  int step_count() { return int(here().steps.size()); }
  void apply_url(bool opening);
  void write_url();
  void enter(int place, int step, bool push);
  void step_by(int delta);
  void cycle_theme();
  /// `remember`: the learner's own choice, kept for the next visit; that of an address is not.
  void set_language(Language language, bool remember = true);
  void set_theme(ThemeChoice theme, bool remember = true);
  const Theme& pick_theme() const;
  /// Lessons take over what was set in them; the address follows those of the lesson on the screen.
  void take_values();
  void note_progress(StepContext& c);
  /// The typefaces of mathematics come with the first lesson that is opened.
  void fetch_math_fonts();
  void take_math_fonts();
  bool math_fonts_failed() const;
  void emit_changes(bool predicted);
  void emit_mirror();

  // --- app_frame.cpp ---
  void draw_wide(Rect area, bool folded);
  void draw_compact(Rect area);
  void draw_menu(Rect area);
  void draw_step_bar(Rect rect, bool compact);
  /// The step that is open, or why its text is not here.
  void draw_body_wide(Rect body, Rect clip, float gap);
  float draw_body_narrow(ImVec2 at, float width, float least);
  Block waiting_for_text();
  RailState rail_state();

  Platform& platform_;
  DigitReader& digit_;
  Ui ui_;
  CourseData data_;
  Navigator navigator_;
  LearnerProgress progress_;
  Walk walk_;
  TextStore texts_;
  Services services_;
  std::vector<Place> places_;
  WorkShare share_;
  std::shared_ptr<Fetch> math_font_, math_italic_font_;
  bool has_math_fonts_ = false;
  TextState text_state_;
  std::vector<RailItem> rail_items_;
  std::vector<std::string> rail_names_;
  std::string threads_text_;
  int current_ = 0, step_ = 0;
  Language language_ = Language::es;
  ThemeChoice theme_ = ThemeChoice::automatic;
  bool menu_open_ = false, url_dirty_ = false, url_push_ = false, announced_ = false, predicted_ = false,
       mirror_due_ = false;
  bool data_shown_ = false;  ///< a frame has been drawn since the data are there
  double data_told_ = -1;    ///< their progress, as it was shown last
  std::string last_mirror_;
  double mirrored_ = -10;
  float zoom_ = 1;  ///< of the frame that was drawn last
};

/// All lessons that exist, in their order.
std::vector<std::unique_ptr<Lesson>> make_lessons();

}  // namespace neurona::app
