#include "app.hpp"

#include <cmath>
#include <cstdlib>
#include <utility>

#include "course.hpp"
#include "guess.hpp"
#include "lessons/coming.hpp"

namespace neurona::app {
namespace {

constexpr float kWide = 1100, kPhone = 700;
constexpr double kDataNews = 0.01;  // share of the data between two frames that show how much has arrived

std::string_view text_of(ThemeChoice theme) {
  return theme == ThemeChoice::automatic ? "auto" : theme == ThemeChoice::dark ? "dark" : "light";
}

/// "dark" or "light"; anything else is the system's.
ThemeChoice theme_from(std::string_view name) {
  return name == "dark" ? ThemeChoice::dark : name == "light" ? ThemeChoice::light : ThemeChoice::automatic;
}

/// The text of one lesson to come, out of the common file.
LessonTexts coming_text(const LessonTexts& all, std::string_view id, int number) {
  const auto take = [&](const LessonText& from) {
    LessonText out;
    out.id = id;
    out.number = number;
    for (const StepText& step : from.steps)
      if (step.id == id) out.steps = {step};
    if (out.steps.empty())
      throw LessonTextError("assets/lessons/coming has no step '" + std::string(id) + "'.");
    out.name = from.label(id);
    out.title = out.steps[0].title;
    return out;
  };
  return {take(all.es), take(all.en)};
}

}  // namespace

App::App(Platform& platform, DigitReader& digit, std::vector<std::unique_ptr<Lesson>> lessons)
    : platform_(platform),
      digit_(digit),
      progress_(platform),
      texts_(platform),
      services_{ui_, platform_, data_, digit_, navigator_, progress_, walk_} {
  const LessonTexts coming = embedded_lesson("coming");
  for (const std::string_view id : kCourse) {
    Place place;
    place.id = id;
    for (auto& lesson : lessons)
      if (lesson && lesson->id() == id) place.lesson = std::move(lesson);
    place.coming = !place.lesson;
    if (place.coming) {
      place.lesson = make_coming_lesson(std::string(id));
      place.coming_texts = coming_text(coming, id, int(places_.size()));
    }
    for (const auto& step : place.lesson->steps()) place.steps.emplace_back(step->id());
    places_.push_back(std::move(place));
  }
  language_ = language_from(platform.load("language"), language_among(platform.preferred_language()));
  theme_ = theme_from(platform.load("theme"));
  if (platform.load("code") == "cpp") text_state_.tab = CodeTab::cpp;
  apply_url(true);
}

App::~App() = default;

const LessonText* App::text_of(const Place& place) const {
  if (place.coming) return &place.coming_texts.in(language_);
  const LessonTexts* texts = texts_.find(place.id);
  return texts ? &texts->in(language_) : nullptr;
}

std::string App::name_of(const Place& place) const {
  if (place.coming) return place.coming_texts.in(language_).name;
  const LessonSummary* summary = texts_.summary(place.id);
  return summary ? std::string(summary->name(language_)) : place.id;
}

StepContext App::context(const LessonText& text) {
  return {ui_, services_, text, step_, text_state_, ui_.screen().w < kPhone};
}

const Theme& App::pick_theme() const {
  const bool dark =
      theme_ == ThemeChoice::dark || (theme_ == ThemeChoice::automatic && platform_.prefers_dark());
  return dark ? dark_theme() : light_theme();
}

// ------------------------------------------------------------------------------------------------ navigation

bool App::go(std::string_view lesson, int step, bool push_history) {
  for (std::size_t i = 0; i < places_.size(); ++i)
    if (places_[i].id == lesson) {
      enter(int(i), step, push_history);
      return true;
    }
  return false;
}

void App::enter(int place, int step, bool push) {
  place = std::clamp(place, 0, int(places_.size()) - 1);
  step = std::clamp(step, 0, int(places_[std::size_t(place)].steps.size()) - 1);
  const bool same = place == current_ && step == step_;
  current_ = place, step_ = step;
  if (!here().coming) texts_.want(here().id);
  if (here().id != kCourse[0]) {
    if (math_fonts_failed()) math_font_.reset();
    fetch_math_fonts();
  }
  if (!here().coming) progress_.see(here().id, here().steps[std::size_t(step)]);
  if (Guess* guess = step_here().guess(); guess && !guess->committed())
    if (const auto earlier = progress_.guessed(here().id, here().steps[std::size_t(step)])) guess->recall(*earlier);
  text_state_.unfolded = false;
  if (!same) walk_.close();
  ui_.reset_scroll("page"), ui_.reset_scroll("text"), ui_.reset_scroll("stage");
  menu_open_ = false;
  if (!same) {
    url_dirty_ = true;
    url_push_ = url_push_ || push;
    platform_.emit("step", "{\"lesson\":\"" + here().id + "\",\"step\":" + std::to_string(step_ + 1) + "}");
  }
  ui_.request_frames();
}

void App::step_by(int delta) {
  const int step = step_ + delta;
  if (step >= 0 && step < step_count()) return navigator_.go(here().id, step);
  const int place = current_ + delta;
  if (place < 0 || place >= int(places_.size())) return;
  constexpr int kLast = 1000;
  navigator_.go(places_[std::size_t(place)].id, delta > 0 ? 0 : kLast);
}

void App::apply_url(bool opening) {
  const UrlState state = parse_fragment(platform_.url_fragment());
  set_language(language_from(value_of(state, "lang"), language_), false);
  // No theme in an address of ours is the system's; on opening the page it is the one of the last visit.
  if (const auto theme = value_of(state, "theme"); !theme.empty() || !opening) set_theme(theme_from(theme), false);
  const auto lesson = value_of(state, "lesson");
  const std::string step(value_of(state, "step"));
  if (go(lesson.empty() ? kCourse[0] : lesson, step.empty() ? 0 : std::atoi(step.c_str()) - 1, false)) {
    here().lesson->values().restore(state);
    here().lesson->apply(services_);
    here().taken = here().lesson->values().revision();
  }
  url_push_ = false;
  ui_.request_frames();
}

void App::write_url() {
  url_dirty_ = false;
  UrlState state{
      {"lesson", here().id}, {"step", std::to_string(step_ + 1)}, {"lang", std::string(code_of(language_))}};
  if (theme_ != ThemeChoice::automatic) state.emplace_back("theme", app::text_of(theme_));
  for (auto& item : here().lesson->values().address()) state.push_back(std::move(item));
  platform_.set_url_fragment(format_fragment(state), url_push_);
  url_push_ = false;
}

void App::take_values() {
  for (Place& place : places_) {
    const int revision = place.lesson->values().revision();
    if (place.taken == revision) continue;
    place.taken = revision;
    place.lesson->apply(services_);
    ui_.request_frames();
    if (&place == &here()) url_dirty_ = true;
  }
}

void App::set_language(Language language, bool remember) {
  if (remember) platform_.store("language", code_of(language));
  if (language == language_) return;
  language_ = language;
  platform_.emit("language", "\"" + std::string(code_of(language)) + "\"");
  url_dirty_ = true;
  ui_.request_frames();
}

void App::set_theme(ThemeChoice theme, bool remember) {
  if (remember) platform_.store("theme", app::text_of(theme));
  if (theme == theme_) return;
  theme_ = theme;
  platform_.emit("theme", "\"" + std::string(app::text_of(theme)) + "\"");
  url_dirty_ = true;
  ui_.request_frames();
}

void App::cycle_theme() {
  const bool system_is_dark = platform_.prefers_dark();
  if (theme_ == ThemeChoice::automatic) return set_theme(system_is_dark ? ThemeChoice::light : ThemeChoice::dark);
  const bool other = (theme_ == ThemeChoice::dark) == system_is_dark;
  if (other) return set_theme(ThemeChoice::automatic);
  set_theme(system_is_dark ? ThemeChoice::dark : ThemeChoice::light);
}

// ----------------------------------------------------------------------------------------------------- frame

void App::frame(Input& input) {
  zoom_ = input.zoom;
  ui_.begin_frame(input, pick_theme(), language_, platform_.reduced_motion());
  const bool updated = digit_.update(platform_), predicted = std::exchange(predicted_, false) || updated;
  if (predicted || digit_.status() == DigitReader::Status::loading) ui_.request_frames(2);
  const bool had_data = data_.status() == CourseData::Status::ready;

  const Rect screen = ui_.screen();
  if (screen.w >= kPhone)
    draw_wide(screen, screen.w < kWide);
  else
    draw_compact(screen);

  if (ui_.take_key(Key::left)) step_by(-1);
  if (ui_.take_key(Key::right)) step_by(1);
  ui_.end_frame();
  data_shown_ = had_data;

  if (const auto wish = navigator_.take()) go(wish->lesson, wish->step);
  take_values();
  if (url_dirty_) write_url();
  emit_changes(predicted);
}

void App::note_progress(StepContext& c) {
  const std::string& lesson = here().id;
  const std::string& step = here().steps[std::size_t(step_)];
  if (step_here().done(c)) progress_.pass(lesson, step);
  const Guess* guess = step_here().guess();
  if (!guess || !guess->committed() || !guess->answer()) return;
  progress_.pass(lesson, step);
  const auto known = progress_.guessed(lesson, step);
  if (!known || known->answer != *guess->answer())
    progress_.guess(lesson, step, {*guess->committed(), *guess->answer()});
}

void App::fetch_math_fonts() {
  if (has_math_fonts_ || math_font_) return;  // also one that failed: only a step that is opened asks again
  math_font_ = platform_.fetch("fonts/math.ttf");
  math_italic_font_ = platform_.fetch("fonts/math-italic.ttf");
}

void App::take_math_fonts() {
  if (has_math_fonts_ || !math_font_) return;
  using Status = Fetch::Status;
  if (math_font_->status == Status::running || math_italic_font_->status == Status::running) return;
  if (math_fonts_failed()) return;  // formulas stay in the text's face
  ui_.add_math_fonts(math_font_->bytes, math_italic_font_->bytes);
  has_math_fonts_ = true;
  ui_.request_frames(2);
}

bool App::math_fonts_failed() const {
  using Status = Fetch::Status;
  return math_font_ && (math_font_->status == Status::failed || math_italic_font_->status == Status::failed);
}

bool App::work(double budget_ms) {
  if (digit_.update(platform_)) predicted_ = true, ui_.request_frames(2);
  if (texts_.update()) ui_.request_frames(2);
  take_math_fonts();
  if (walk_.update()) ui_.request_frames(2);
  // Data and the step on the screen take part like lessons.
  const std::size_t lessons = places_.size(), data = lessons, step = lessons + 1;
  bool more = share_.advance(budget_ms, lessons + 2, data_.status() == CourseData::Status::loading ? data : std::size_t(current_),
                             [&](std::size_t i, double budget) {
                               if (i == data) return data_.advance(platform_, budget);
                               if (i == step) return step_here().work(services_, budget);
                               return places_[i].lesson->work(services_, budget);
                             });
  if (std::fabs(data_.progress() - data_told_) > kDataNews || (data_.progress() == 1) != (data_told_ == 1)) {
    data_told_ = data_.progress();
    ui_.request_frames(1);
  }
  const bool idle = !more && !ui_.wants_frame() && digit_.status() != DigitReader::Status::loading;
  if (idle) {
    fetch_math_fonts();
    texts_.prefetch();
  }
  // Nothing will be drawn any more: the mirror must not stay behind.
  if (mirror_due_ && !more && !ui_.wants_frame()) emit_mirror();
  return more;
}

}  // namespace neurona::app
