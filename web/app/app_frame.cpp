// How App draws: rail, text and stage side by side, or one below the other on a phone; menu and step bar.
#include <cmath>

#include "app.hpp"
#include "guess.hpp"
#include "widgets/callout.hpp"
#include "widgets/controls.hpp"
#include "widgets/step_bar.hpp"

namespace neurona::app {
namespace {

constexpr float kRail = 224, kFoldedRail = 64, kTopBar = 52;
constexpr float kStepBar = 64, kLeastStepBar = 48;
constexpr float kTextBeside = 720;  // narrower, the text stands above and below the stage

/// At most a sixth of a low window (a phone on its side), as far as fingers allow.
float step_bar_height(float window) { return std::clamp(std::floor(window / 6), kLeastStepBar, kStepBar); }

/// A block in a scrolling area of its own; cards keep room for their shadows inside the clip.
void scrolled(Ui& ui, std::string_view name, const Block& what, Rect column, Rect clip, float margin) {
  const Rect content = ui.begin_scroll(name, {column.x - margin, clip.y, column.w + 2 * margin, clip.h});
  const float least = what.least_height(column.w), above = column.y - clip.y;
  what.draw({column.x, content.y + above, column.w, least});
  ui.end_scroll(content.y + above + least + 24);
}

}  // namespace

// ------------------------------------------------------------------------------------------------- the step

Block App::waiting_for_text() {
  const std::string error(texts_.error(here().id));
  std::vector<Block> parts;
  if (error.empty()) {
    parts.push_back(block(4, [this](Rect rect) { progress_line(ui_, rect, -1); }).at_most(4));
    return column(std::move(parts));
  }
  const std::string text = "**" + std::string(tr(Msg::text_failed, language_)) + "** " + error;
  parts.push_back(callout_block(ui_, text, CalloutKind::warning));
  parts.push_back(block(40, [this](Rect rect) {
    const std::string_view retry = tr(Msg::retry, language_);
    const float width = button_width(ui_, retry, {.icon = Icon::retry});
    if (button(ui_, "retry-text", {rect.x, rect.y, width, 40}, retry, {.icon = Icon::retry})) {
      texts_.retry(here().id);
      ui_.request_frames();
    }
  }));
  return column(std::move(parts));
}

void App::draw_body_wide(Rect body, Rect clip, float gap) {
  const LessonText* text = text_of(here());
  if (!text) return scrolled(ui_, "page", waiting_for_text(), body, clip, 8);
  StepContext c = context(*text);
  Step& step = step_here();
  const Scope lesson(ui_, here().id, false), inside(ui_, step.id(), false);
  const bool passed = progress_.passed(here().id, step.id());
  const auto details = [&] { return detail_text(c, step, step.live_numbers(c), passed); };
  const Block stage = step.stage(c);
  const auto draw_stage = [&](Rect column) {
    if (stage.least_height(column.w) <= column.h + 1) return stage.draw(column);
    scrolled(ui_, "stage", stage, column, clip, 12);
  };
  if (step.text_place() == TextPlace::within) {
    draw_stage(body);
  } else if (body.w >= kTextBeside) {
    std::vector<Block> parts;
    parts.push_back(head_text(c));
    parts.push_back(details());
    Rect text_column = body.cut_left(std::clamp(body.w * 0.29f, 300.f, 384.f), gap);
    text_column.y += 10;
    scrolled(ui_, "text", column(std::move(parts), 16), text_column, clip, 8);
    draw_stage(body);
  } else {
    std::vector<Block> parts;
    parts.push_back(head_text(c));
    parts.push_back(stage);
    parts.push_back(details());
    scrolled(ui_, "page", column(std::move(parts), 22), body, clip, 12);
  }
  note_progress(c);
}

float App::draw_body_narrow(ImVec2 at, float width, float least) {
  const LessonText* text = text_of(here());
  std::vector<Block> parts;
  if (!text) {
    const Block waiting = waiting_for_text();
    waiting.draw({at.x, at.y, width, waiting.least_height(width)});
    return at.y + waiting.least_height(width);
  }
  StepContext c = context(*text);
  Step& step = step_here();
  const Scope lesson(ui_, here().id, false), inside(ui_, step.id(), false);
  const bool within = step.text_place() == TextPlace::within;
  if (!within) parts.push_back(head_text(c));
  parts.push_back(step.stage(c));
  if (!within)
    parts.push_back(detail_text(c, step, step.live_numbers(c), progress_.passed(here().id, step.id())));
  const Block page = column(std::move(parts), within ? kGap : 18);
  const float height = std::max(page.least_height(width), within ? least : 0.f);
  page.draw({at.x, at.y, width, height});
  note_progress(c);
  return at.y + height;
}

// -------------------------------------------------------------------------------------------------- windows

RailState App::rail_state() {
  rail_items_.clear(), rail_names_.clear();
  for (const Place& place : places_) rail_names_.push_back(name_of(place));
  for (std::size_t i = 0; i < places_.size(); ++i) {
    const Place& place = places_[i];
    RailItem item{.id = place.id, .name = rail_names_[i], .number = int(i), .coming = place.coming};
    item.steps = int(place.steps.size());
    item.seen = place.coming ? 0 : progress_.seen_count(place.id);
    item.passed = place.coming ? 0 : progress_.passed_count(place.id);
    rail_items_.push_back(item);
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

void App::draw_wide(Rect area, bool folded) {
  RailState state = rail_state();
  state.folded = folded;
  const Rect left = area.cut_left(folded ? kFoldedRail : kRail);
  const Rect bar = area.cut_bottom(step_bar_height(area.h));
  const RailAction action = rail(ui_, left, state);  // first in the tab order; obeyed last

  const bool low = area.h < 420;
  Rect body = area;
  body.cut_top(low ? 12 : 24), body.cut_bottom(low ? 8 : 14);
  const float margin = folded ? 22.f : 40.f;
  body.x += margin - 8, body.w -= margin - 8 + (folded ? 20.f : 28.f);
  draw_body_wide(body, area, folded ? 26.f : 34.f);

  draw_step_bar(bar, false);
  if (action.go >= 0) navigator_.go(places_[std::size_t(action.go)].id);
  if (action.language) set_language(language_ == Language::es ? Language::en : Language::es);
  if (action.theme) cycle_theme();
}

void App::draw_compact(Rect area) {
  const Theme& t = ui_.theme();
  const float bar_height = step_bar_height(area.h);
  const Rect top = area.cut_top(kTopBar), bar = area.cut_bottom(bar_height);
  const float margin = area.w < 380 ? 12.f : 14.f;
  const Rect content = ui_.begin_scroll("page", area);
  const float bottom = draw_body_narrow({margin, content.y + 16}, area.w - 2 * margin, area.h - 32);
  ui_.end_scroll(bottom + 22);

  draw_step_bar(bar, true);
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
    if (menu_row(ui_, {panel.x + 10, y, panel.w - 20, 44}, state, i)) {
      navigator_.go(places_[i].id);
      menu_open_ = false;
    }
    y += 46;
  }
  ui_.end_scroll(y + 12);
  const bool escape = ui_.take_key(Key::escape);
  ui_.end_overlay();
  if (close || scrim.clicked || escape) menu_open_ = false, ui_.request_frames();
}

void App::draw_step_bar(Rect rect, bool compact) {
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
  if (const LessonText* text = text_of(here())) {
    StepContext c = context(*text);
    const Scope lesson(ui_, here().id, false), inside(ui_, step_here().id(), false);
    const Block bar = step_here().bar(c);
    const std::string& teaser = c.step().next;
    if (!bar.empty())
      bar.draw(middle);
    else if (!teaser.empty() && ui_.measure(teaser, ui_.style(Type::mono_small)).x <= middle.w)
      ui_.text_in(middle, teaser, ui_.style(Type::mono_small));
  }
  if (action.go) step_by(action.go);
  if (action.jump >= 0) navigator_.go(here().id, action.jump);
}

}  // namespace neurona::app
