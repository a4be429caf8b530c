#include "app.hpp"

#include <bit>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <utility>

#include "course.hpp"
#include "lessons/coming.hpp"
#include "widgets/controls.hpp"
#include "widgets/step_bar.hpp"

namespace neurona::app {
namespace {

constexpr float kWide = 1100, kPhone = 700;

std::string_view name_of(ThemeChoice theme) {
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
    : platform_(platform), digit_(digit) {
  const LessonTexts coming = load_lesson("coming");
  int number = 0;
  for (const std::string_view id : kCourse) {
    Place place;
    place.id = id;
    for (auto& lesson : lessons)
      if (lesson && lesson->id() == id) {
        place.lesson = std::move(lesson);
        place.texts = load_lesson(id);
      }
    if (!place.lesson) {
      place.lesson = make_coming_lesson(std::string(id));
      place.texts = coming_text(coming, id, number);
      place.coming = true;
    }
    const std::string seen = platform.load("seen." + place.id);
    place.visited = seen.empty() ? 0u : unsigned(std::strtoul(seen.c_str(), nullptr, 10));
    places_.push_back(std::move(place));
    ++number;
  }
  language_ = language_from(platform.load("language"), language_among(platform.preferred_language()));
  theme_ = theme_from(platform.load("theme"));
  if (platform.load("code") == "cpp") code_tab_ = CodeTab::cpp;
  apply_url(true);
}

App::~App() = default;

LessonContext App::context(const Place& place) {
  const int step = &place == &places_[std::size_t(current_)] ? step_ : 0;
  return {ui_, *this, platform_, text_of(place), step, ui_.screen().w < kPhone};
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
  step = std::clamp(step, 0, int(places_[std::size_t(place)].texts.es.steps.size()) - 1);
  const bool same = place == current_ && step == step_;
  if (place != current_) {
    LessonContext leaving = context();
    places_[std::size_t(current_)].lesson->leave(leaving);
  }
  const bool other = place != current_;
  current_ = place, step_ = step;
  Place& here = places_[std::size_t(current_)];
  if (!here.coming) here.visited |= 1u << unsigned(std::min(step, 31));
  if (other) {
    LessonContext entering = context();
    here.lesson->enter(entering);
  }
  ui_.reset_scroll("page"), ui_.reset_scroll("text"), ui_.reset_scroll("stage");
  menu_open_ = false;
  if (!same) {
    url_dirty_ = true;
    url_push_ = url_push_ || push;
    platform_.store("seen." + here.id, std::to_string(here.visited));
    platform_.emit("step", "{\"lesson\":\"" + here.id + "\",\"step\":" + std::to_string(step_ + 1) + "}");
  }
  ui_.request_frames();
}

void App::step_by(int delta) {
  const int step = step_ + delta;
  if (step >= 0 && step < step_count()) return enter(current_, step, true);
  const int place = current_ + delta;
  if (place < 0 || place >= int(places_.size())) return;
  enter(place, delta > 0 ? 0 : 1000, true);
}

void App::apply_url(bool opening) {
  const UrlState state = parse_fragment(platform_.url_fragment());
  set_language(language_from(value_of(state, "lang"), language_), false);
  // No theme in an address of ours is the system's; on opening the page it is the one of the last visit.
  if (const auto theme = value_of(state, "theme"); !theme.empty() || !opening) set_theme(theme_from(theme), false);
  const auto lesson = value_of(state, "lesson");
  const std::string step(value_of(state, "step"));
  if (go(lesson.empty() ? kCourse[0] : lesson, step.empty() ? 0 : std::atoi(step.c_str()) - 1, false)) {
    LessonContext c = context();
    places_[std::size_t(current_)].lesson->restore(c, state);
  }
  url_push_ = false;
  ui_.request_frames();
}

void App::write_url() {
  url_dirty_ = false;
  const Place& here = places_[std::size_t(current_)];
  UrlState state{
      {"lesson", here.id}, {"step", std::to_string(step_ + 1)}, {"lang", std::string(code_of(language_))}};
  if (theme_ != ThemeChoice::automatic)
    state.emplace_back("theme", name_of(theme_));
  LessonContext c = context();
  for (auto& item : here.lesson->url_state(c)) state.push_back(std::move(item));
  platform_.set_url_fragment(format_fragment(state), url_push_);
  url_push_ = false;
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
  if (remember) platform_.store("theme", name_of(theme));
  if (theme == theme_) return;
  theme_ = theme;
  platform_.emit("theme", "\"" + std::string(name_of(theme)) + "\"");
  url_dirty_ = true;
  ui_.request_frames();
}

void App::cycle_theme() {
  set_theme(theme_ == ThemeChoice::automatic ? (pick_theme().dark ? ThemeChoice::light : ThemeChoice::dark)
            : theme_ == ThemeChoice::dark    ? (platform_.prefers_dark() ? ThemeChoice::automatic : ThemeChoice::light)
                                             : (platform_.prefers_dark() ? ThemeChoice::dark : ThemeChoice::automatic));
}

// ----------------------------------------------------------------------------------------------------- frame

void App::frame(Input& input) {
  ui_.begin_frame(input, pick_theme(), language_, platform_.reduced_motion());
  const bool updated = digit_.update(platform_), predicted = std::exchange(predicted_, false) || updated;
  if (predicted || digit_.status() == DigitReader::Status::loading) ui_.request_frames(2);

  LessonContext c = context();
  Rect screen = ui_.screen();
  if (screen.w >= kPhone)
    draw_wide(c, screen, screen.w < kWide);
  else
    draw_compact(c, screen);

  if (!menu_open_) {
    if (ui_.take_key(Key::left)) step_by(-1);
    if (ui_.take_key(Key::right)) step_by(1);
    // Elsewhere it would change a drawing that one does not see.
    while (ui_.take_key(Key::undo))
      if (ui_.on_screen("pad")) digit_.drawing().undo();
  }
  ui_.end_frame();
  if (url_dirty_) write_url();
  emit_changes(predicted);
}

bool App::work(double budget_ms) {
  if (digit_.update(platform_)) predicted_ = true, ui_.request_frames(2);
  bool more = false;
  for (Place& place : places_) {
    // Training does not stop because one looks elsewhere.
    LessonContext c = context(place);
    more = place.lesson->advance(c, float(budget_ms)) || more;
  }
  // Nothing will be drawn any more: the mirror must not stay behind.
  if (mirror_due_ && !more && !ui_.wants_frame()) emit_mirror();
  return more;
}

RailState App::rail_state() {
  rail_items_.clear();
  for (std::size_t i = 0; i < places_.size(); ++i) {
    const Place& place = places_[i];
    const float progress = float(std::popcount(place.visited)) / float(place.texts.es.steps.size());
    rail_items_.push_back({place.id, text_of(place).name, int(i), place.coming ? 0 : progress, place.coming});
  }
  const int threads = platform_.thread_count();
  threads_text_ = threads == 1
                      ? std::string(tr(Msg::threads_one, language_))
                      : std::to_string(threads) + " " + std::string(tr(Msg::threads_many, language_));
  const Msg theme = theme_ == ThemeChoice::automatic ? Msg::theme_automatic
                    : theme_ == ThemeChoice::dark    ? Msg::theme_dark
                                                     : Msg::theme_light;
  RailState state;
  state.items = rail_items_, state.current = current_, state.theme = theme_, state.threads = threads_text_;
  state.coming = tr(Msg::coming, language_);
  state.spoken_language = tr(Msg::language, language_), state.spoken_theme = tr(theme, language_);
  return state;
}

void App::draw_wide(LessonContext& c, Rect area, bool folded) {
  RailState state = rail_state();
  state.folded = folded;
  const Rect left = area.cut_left(folded ? 64.f : 224.f);
  const Rect bar = area.cut_bottom(64);
  Lesson& lesson = *places_[std::size_t(current_)].lesson;
  const RailAction action = rail(ui_, left, state);  // first in the tab order; obeyed last

  Rect body = area;
  body.cut_top(24), body.cut_bottom(14);
  const float margin = folded ? 22.f : 40.f;
  body.x += margin - 8, body.w -= margin - 8 + (folded ? 20.f : 28.f);
  const auto stage = [&](Rect column) {
    const float least = lesson.stage_height(c, column.w);
    if (least <= column.h + 1) return lesson.stage(c, column);
    // The shadow of cards needs room inside the clip.
    const Rect view{column.x - 12, area.y, column.w + 24, area.h};
    Rect content = ui_.begin_scroll("stage", view);
    lesson.stage(c, {column.x, content.y + 24, column.w, least});
    ui_.end_scroll(content.y + 24 + least + 18);
  };
  if (lesson.full_width(step_)) {
    stage(body);
  } else if (body.w >= 720) {
    const float text_width = std::clamp(body.w * 0.29f, 300.f, 372.f);
    Rect column = body.cut_left(text_width, folded ? 26.f : 34.f);
    const Rect view{column.x - 8, area.y, column.w + 16, area.h};
    const Rect content = ui_.begin_scroll("text", view);
    const float height = draw_text(c, {column.x, content.y + 34}, column.w);
    ui_.end_scroll(content.y + 34 + height + 24);
    stage(body);
  } else {
    // Too narrow for two columns: the stage above, the text below.
    const Rect content = ui_.begin_scroll("page", {body.x - 12, area.y, body.w + 24, area.h});
    const float least = lesson.stage_height(c, body.w);
    lesson.stage(c, {body.x, content.y + 24, body.w, least});
    const float height = draw_text(c, {body.x, content.y + 24 + least + 28}, body.w);
    ui_.end_scroll(content.y + 24 + least + 28 + height + 24);
  }
  draw_step_bar(c, bar, false);
  if (action.go >= 0) enter(action.go, 0, true);
  if (action.language) set_language(language_ == Language::es ? Language::en : Language::es);
  if (action.theme) cycle_theme();
}

void App::draw_compact(LessonContext& c, Rect area) {
  const Theme& t = ui_.theme();
  const Rect top = area.cut_top(52), bar = area.cut_bottom(64);
  Lesson& lesson = *places_[std::size_t(current_)].lesson;

  const float margin = area.w < 380 ? 12.f : 14.f;
  const Rect content = ui_.begin_scroll("page", area);
  const float width = area.w - 2 * margin;
  float y = content.y + 16;
  const float least = std::max(lesson.stage_height(c, width), lesson.full_width(step_) ? area.h - 32 : 0.f);
  lesson.stage(c, {margin, y, width, least});
  y += least + 22;
  if (!lesson.full_width(step_)) y += draw_text(c, {margin + 4, y}, width - 8) + 22;
  ui_.end_scroll(y);

  draw_step_bar(c, bar, true);
  ui_.fill(top, t.background);
  ui_.fill({top.x, top.bottom() - 1, top.w, 1}, t.line);
  RailAction action;
  const RailState state = rail_state();
  const Rect menu{top.x + 4, top.y + 4, 44, 44};
  const Interaction touch = ui_.region("menu", menu, {.label = tr(Msg::menu, language_)});
  draw_icon(ui_, Icon::menu, menu.center(), 18, t.ink);
  if (touch.ring) ui_.focus_ring(menu.inset(5), 8);
  if (touch.clicked) menu_open_ = true;
  brand(ui_, {top.x + 52, top.y + 12}, area.w >= 350);
  language_and_theme(ui_, {top.right() - margin, top.y + 8}, 36, state, action);
  if (action.language) set_language(language_ == Language::es ? Language::en : Language::es);
  if (action.theme) cycle_theme();
  if (menu_open_) draw_menu(ui_.screen());
}

void App::draw_menu(Rect area) {
  const Theme& t = ui_.theme();
  ui_.begin_overlay();
  const Interaction scrim = ui_.region("menu-scrim", area, {.role = Role::none});
  ui_.fill(area, IM_COL32(8, 10, 14, 120));
  Rect panel = area;
  panel.w = std::min(area.w - 44, 320.f);
  ui_.region("menu-panel", panel, {.role = Role::none});
  ui_.fill(panel, t.background);
  ui_.fill({panel.right(), panel.y, 1, panel.h}, t.line);
  Rect head = panel.cut_top(60);
  brand(ui_, {head.x + 20, head.y + 16}, true);
  const bool close =
      button(ui_, "menu-close", {head.right() - 52, head.y + 8, 44, 44}, {},
             {.kind = ButtonKind::ghost, .icon = Icon::close, .spoken = tr(Msg::close, language_)});
  const Rect content = ui_.begin_scroll("menu-list", panel);
  float y = content.y;
  const RailState state = rail_state();
  for (std::size_t i = 0; i < state.items.size(); ++i) {
    const RailItem& item = state.items[i];
    const Rect row{panel.x + 10, y, panel.w - 20, 44};
    const Interaction touch =
        ui_.region("menu-" + std::string(item.id), row, {.label = item.name, .role = Role::link});
    const bool here = int(i) == current_;
    if (here) ui_.fill(row, t.accent_soft, 10);
    if (touch.ring) ui_.focus_ring(row.inset(3), 8);
    const ImU32 quiet = here ? t.accent : t.soft;
    if (i == 0)
      draw_icon(ui_, Icon::pencil, {row.x + 24, row.center().y}, 14, quiet);
    else
      ui_.text_in({row.x + 8, row.y, 24, row.h}, std::to_string(i), {Face::mono, 12.5f, quiet, 0}, 1);
    Rect label{row.x + 44, row.y, row.w - 54, row.h};
    if (item.coming) ui_.text_in(label.cut_right(48, 6), state.coming, {Face::mono, 11, t.soft, 0}, 1);
    ui_.text_in(label, item.name, {here ? Face::strong : Face::text, 16, here ? t.ink : t.soft, 0});
    if (touch.clicked) enter(int(i), 0, true);
    y += 46;
  }
  ui_.end_scroll(y + 12);
  ui_.end_overlay();
  if (close || scrim.clicked || ui_.take_key(Key::escape)) menu_open_ = false, ui_.request_frames();
}

void App::draw_step_bar(LessonContext& c, Rect rect, bool compact) {
  Lesson& lesson = *places_[std::size_t(current_)].lesson;
  StepBarOptions o;
  o.step = step_, o.count = step_count(), o.compact = compact;
  o.can_back = current_ > 0 || step_ > 0;
  const bool last = step_ + 1 == o.count;
  o.can_next = !(last && current_ + 1 == int(places_.size()));
  o.next_label = tr(last ? Msg::next_lesson : Msg::next, language_);
  o.back_spoken = tr(Msg::back, language_);
  o.step_spoken = tr(Msg::step, language_);
  Rect middle;
  const StepBarAction action = step_bar(ui_, rect, o, middle);
  const float want = lesson.bar_width(c, middle.w);
  if (want > 0) {
    lesson.bar(c, middle);
  } else if (const std::string& teaser = c.text.steps[std::size_t(step_)].next;
             !teaser.empty() && ui_.measure(teaser, ui_.style(Type::mono_small)).x <= middle.w) {
    ui_.text_in(middle, teaser, ui_.style(Type::mono_small));
  }
  if (action.go) step_by(action.go);
  if (action.jump >= 0) enter(current_, action.jump, true);
}

// ------------------------------------------------------------------------------------------------- the
// host's door

std::string App::set_value(std::string_view name, std::string_view value) {
  if (name == "language" || name == "lang") {
    if (value != "es" && value != "en")
      return "language: received '" + std::string(value) + "', expected 'es' or 'en'.";
    set_language(language_from(value));
    return {};
  }
  if (name == "theme") {
    if (value != "auto" && value != "light" && value != "dark")
      return "theme: received '" + std::string(value) + "', expected 'auto', 'light' or 'dark'.";
    set_theme(theme_from(value));
    return {};
  }
  // The lesson on screen first, then the others.
  for (std::size_t k = 0; k < places_.size(); ++k) {
    Place& place = places_[(std::size_t(current_) + k) % places_.size()];
    bool known = true;
    LessonContext c = context(place);
    const std::string error = place.lesson->set_value(c, name, value, known);
    if (!known) continue;
    url_dirty_ = true;
    ui_.request_frames();
    return error;
  }
  return "set: no value is called '" + std::string(name) +
         "'. Known: language, theme, and the values of the lessons " + "(see state().values).";
}

std::string App::draw_strokes(const std::vector<PadStroke>& strokes) {
  if (digit_.status() == DigitReader::Status::failed)
    throw std::runtime_error("draw: the network could not be loaded (" + digit_.error() +
                             "); press 'retry' on the page.");
  if (digit_.status() != DigitReader::Status::ready)
    throw std::runtime_error("draw: the network is not loaded yet; wait for window.neurona.ready.");
  if (places_[std::size_t(current_)].id != "draw") enter(0, 0, true);
  digit_.set_strokes(strokes);
  digit_.refresh();
  predicted_ = true;
  ui_.request_frames();
  const Prediction& p = digit_.prediction();
  std::string out = "{\"label\":" + std::to_string(p.label) + ",\"probabilities\":[";
  for (std::size_t i = 0; i < p.probabilities.size(); ++i) {
    char number[32];
    std::snprintf(number, sizeof number, "%s%.6g", i ? "," : "", double(p.probabilities[i]));
    out += number;
  }
  return out + "]}";
}

}  // namespace neurona::app
