#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "digit_reader.hpp"
#include "i18n.hpp"
#include "lesson.hpp"
#include "platform.hpp"
#include "ui.hpp"
#include "url_state.hpp"
#include "widgets/code_panel.hpp"
#include "widgets/rail.hpp"

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
  /// Advances training, evaluation and loading by about `budget_ms`; lessons out of sight go on too. Returns whether
  /// there is more to do at once.
  bool work(double budget_ms);
  /// The ground colour, for the host's clear and the page's theme-color.
  ImU32 background() const { return ui_.theme().background; }
  void request_frames() { ui_.request_frames(); }
  /// See Ui::set_solid_fill.
  void set_solid_fill(ImDrawCallback callback) { ui_.set_solid_fill(callback); }
  Cursor cursor() const { return ui_.cursor(); }

  // --- what lessons use ---
  DigitReader& digit() { return digit_; }
  Language language() const { return language_; }
  int step() const { return step_; }
  /// Goes to a step (0-based) of a lesson; unknown ids and steps are clamped. Returns false for an unknown
  /// lesson.
  bool go(std::string_view lesson, int step, bool push_history = true);
  /// Writes the URL again at the end of this frame: a value of the lesson changed.
  void mark_url() { url_dirty_ = true; }

  // --- what the host's door uses (window.neurona, tests) ---
  /// The whole state as JSON (see web/browser/README.md).
  std::string state_json();
  /// Sets language, theme, or a value of the current or any lesson. Returns "" or what was wrong.
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

 private:
  struct Place {
    std::string id;
    std::unique_ptr<Lesson> lesson;
    LessonTexts texts;
    bool coming = false;
    unsigned visited = 0;  // a bit for each step
  };
  const LessonText& text_of(const Place& place) const { return place.texts.in(language_); }
  LessonContext context() { return context(places_[std::size_t(current_)]); }
  LessonContext context(const Place& place);
  int step_count() const { return int(places_[std::size_t(current_)].texts.es.steps.size()); }
  void apply_url(bool opening);
  void write_url();
  void enter(int place, int step, bool push);
  void step_by(int delta);
  void cycle_theme();
  /// `remember`: the learner's own choice, kept for the next visit; that of an address is not.
  void set_language(Language language, bool remember = true);
  void set_theme(ThemeChoice theme, bool remember = true);
  const Theme& pick_theme() const;
  void emit_changes(bool predicted);
  void emit_mirror();

  void draw_wide(LessonContext& c, Rect area, bool folded);
  void draw_compact(LessonContext& c, Rect area);
  void draw_menu(Rect area);
  void draw_step_bar(LessonContext& c, Rect rect, bool compact);
  /// Kicker, title, prose, formula, code, check; returns the height.
  float draw_text(LessonContext& c, ImVec2 at, float width);
  RailState rail_state();

  Platform& platform_;
  DigitReader& digit_;
  Ui ui_;
  std::vector<Place> places_;
  std::vector<RailItem> rail_items_;
  std::string threads_text_;
  int current_ = 0, step_ = 0;
  Language language_ = Language::es;
  ThemeChoice theme_ = ThemeChoice::automatic;
  CodeTab code_tab_ = CodeTab::keras;
  bool menu_open_ = false, url_dirty_ = false, url_push_ = false, announced_ = false,
       predicted_ = false, mirror_due_ = false;
  std::string last_mirror_;
  double mirrored_ = -10;
};

/// All lessons that exist, in their order.
std::vector<std::unique_ptr<Lesson>> make_lessons();

}  // namespace neurona::app
