#include "rail.hpp"

#include <cmath>
#include <string>

#include "../i18n.hpp"
#include "controls.hpp"

namespace neurona::app {

void brand(Ui& ui, ImVec2 at, bool with_name) {
  const Theme& t = ui.theme();
  const ImVec2 c{at.x + 11, at.y + 14};
  ui.draw()->AddCircleFilled(c, 11, mix(t.accent_soft, t.accent, 0.12f), 40);
  ui.draw()->PathLineTo(c);
  ui.draw()->PathArcTo(c, 11, -1.5708f, 2.6f, 40);
  ui.draw()->PathFillConcave(t.accent);
  if (!with_name) return;
  const TextStyle style{Face::display, 19, t.ink, -0.015f};
  ui.text_on({at.x + 32, c.y + ui.cap_height(style) / 2}, "Neurona", style);
}

namespace {

float progress_of(const RailItem& item) { return item.steps > 0 ? float(item.seen) / float(item.steps) : 0; }

/// A dot that fills with the steps that were seen, with a ring once a check has been passed.
void progress_mark(Ui& ui, ImVec2 c, const RailItem& item) {
  const Theme& t = ui.theme();
  const float progress = progress_of(item);
  if (item.passed > 0) ui.draw()->AddCircle(c, 6.2f, t.accent, 24, 1.4f);
  ui.draw()->AddCircleFilled(c, 3.4f, t.line, 20);
  if (progress <= 0) return;
  if (progress >= 1) {
    ui.draw()->AddCircleFilled(c, 3.4f, t.accent, 20);
  } else {
    ui.draw()->PathArcTo(c, 3.4f, 1.5708f, 4.7124f, 14);
    ui.draw()->PathFillConvex(t.accent);
  }
}

/// "3 of 7 steps seen, 2 checks passed"
std::string progress_text(Ui& ui, const RailItem& item) {
  const Language l = ui.language();
  std::string out = std::to_string(item.seen) + " / " + std::to_string(item.steps) + " " + std::string(tr(Msg::steps_seen, l));
  if (item.passed > 0) out += " · " + std::to_string(item.passed) + " " + std::string(tr(Msg::checks_passed, l));
  return out;
}

}  // namespace

bool menu_row(Ui& ui, Rect row, const RailState& state, std::size_t index) {
  const Theme& t = ui.theme();
  const RailItem& item = state.items[index];
  const Interaction touch = ui.region("menu-" + std::string(item.id), row, {.label = item.name, .role = Role::link});
  const bool here = int(index) == state.current;
  if (here) ui.fill(row, t.accent_soft, 10);
  if (touch.ring) ui.focus_ring(row.inset(3), 8);
  const ImU32 quiet = here ? t.accent : t.soft;
  if (item.number == 0)
    draw_icon(ui, Icon::pencil, {row.x + 24, row.center().y}, 14, quiet);
  else
    ui.text_in({row.x + 8, row.y, 24, row.h}, std::to_string(item.number), {Face::mono, 12.5f, quiet, 0}, 1);
  Rect label{row.x + 44, row.y, row.w - 54, row.h};
  if (item.coming)
    ui.text_in(label.cut_right(48, 6), state.coming, {Face::mono, 11, t.soft, 0}, 1);
  else if (item.number > 0)
    progress_mark(ui, label.cut_right(16, 6).center(), item);
  ui.text_in(label, item.name, {here ? Face::strong : Face::text, 16, here ? t.ink : t.soft, 0});
  return touch.clicked;
}

float language_and_theme_width(Ui& ui, float height) {
  const TextStyle on{Face::strong, 13, 0, 0}, off{Face::text, 13, 0, 0};
  return ui.measure("ES", on).x + ui.measure(" · ", off).x + ui.measure("EN", on).x + 26 + 8 +
         std::max(36.f, height);
}

float language_and_theme(Ui& ui, ImVec2 right_top, float height, const RailState& state, RailAction& action) {
  const Theme& t = ui.theme();
  const auto round_button = [&](std::string_view name, Rect rect, std::string_view spoken) {
    const Interaction touch = ui.region(name, rect, {.label = spoken});
    ui.fill(rect, touch.hovered ? t.hover : t.panel, height / 2);
    ui.stroke(rect, touch.hovered ? mix(t.line, t.faint, 0.5f) : t.line, height / 2);
    if (touch.ring) ui.focus_ring(rect, height / 2);
    return touch.clicked;
  };
  const TextStyle on{Face::strong, 13, t.ink, 0}, off{Face::text, 13, t.soft, 0};
  const float es = ui.measure("ES", on).x, dot = ui.measure(" · ", off).x, en = ui.measure("EN", on).x;
  const float pad = 13, theme_width = std::max(36.f, height);
  Rect theme{right_top.x - theme_width, right_top.y, theme_width, height};
  Rect language{theme.x - 8 - (es + dot + en + 2 * pad), right_top.y, es + dot + en + 2 * pad, height};
  if (round_button("language", language, state.spoken_language)) action.language = true;
  const bool spanish = ui.language() == Language::es;
  const float base = language.center().y + ui.cap_height(on) / 2;
  float x = language.x + pad;
  ui.text_on({x, base}, "ES", spanish ? on : off);
  ui.text_on({x + es, base}, " · ", off);
  ui.text_on({x + es + dot, base}, "EN", spanish ? off : on);
  if (round_button("theme", theme, state.spoken_theme)) action.theme = true;
  const Icon icon = state.theme == ThemeChoice::automatic ? Icon::automatic
                    : state.theme == ThemeChoice::dark    ? Icon::moon
                                                          : Icon::sun;
  draw_icon(ui, icon, theme.center(), 16, t.soft);
  return right_top.x - language.x;
}

RailAction rail(Ui& ui, Rect rect, const RailState& state) {
  RailAction action;
  const Theme& t = ui.theme();
  ui.fill({rect.right() - 1, rect.y, 1, rect.h}, t.line);
  Rect in = rect;
  in.w -= 1;
  const Rect head = in.cut_top(64);
  brand(ui, {state.folded ? rect.center().x - 11.5f : head.x + 22, head.y + 17}, !state.folded);

  Rect foot = state.folded ? in.cut_bottom(92, 8) : in.cut_bottom(58, 6);
  const Rect list_view = in;
  Rect list = ui.begin_scroll("rail-list", list_view);
  float y = list.y;
  const float pitch =
      std::clamp(list_view.h / float(std::max<std::size_t>(1, state.items.size())), 30.f, 33.f);
  for (std::size_t i = 0; i < state.items.size(); ++i) {
    const RailItem& item = state.items[i];
    const bool here = int(i) == state.current;
    const Rect row{list.x + (state.folded ? 8 : 14), y, list.w - (state.folded ? 16 : 28), 31};
    const std::string name = "lesson-" + std::string(item.id);
    const std::string spoken = item.coming ? std::string(item.name) + " (" + std::string(state.coming) + ")"
                                           : std::string(item.name);
    std::string value(here ? tr(Msg::current, ui.language()) : std::string_view());
    if (!item.coming && item.number > 0) value += (value.empty() ? "" : ", ") + progress_text(ui, item);
    const Interaction touch = ui.region(name, row, {.label = spoken, .value = value, .role = Role::link});
    if (here)
      ui.fill(row, t.accent_soft, 9);
    else if (touch.hovered)
      ui.fill(row, t.hover, 9);
    if (touch.ring) ui.focus_ring(row.inset(2), 7);
    if (touch.clicked) action.go = int(i);
    const ImU32 ink = here ? t.ink : t.soft;
    Rect part = row.inset(8, 0);
    const ImU32 number_ink = here ? t.accent : t.soft;
    Rect number = part.cut_left(state.folded ? part.w : 20, 5);
    if (item.number == 0)
      draw_icon(ui, Icon::pencil, {number.right() - (state.folded ? number.w / 2 : 7), number.center().y},
                12.5f, number_ink);
    else
      ui.text_in(number, std::to_string(item.number),
                 {Face::mono, state.folded ? 13.f : 11.5f, number_ink, 0}, state.folded ? 0.5f : 0.9f);
    if (state.folded) {
      if (touch.hovered || touch.ring)
        ui.tooltip(name, {row.right() - 4, row.y + 8, 70, 10}, {.title = spoken});
    } else {
      Rect label = part;
      if (item.coming) {
        // A hollow dot: there is nothing to fill yet. The word comes with the pointer or the focus.
        const Rect dot = label.cut_right(8, 8);
        ui.draw()->AddCircle(dot.center(), 2.8f, t.line, 16, 1.2f);
        if (touch.hovered || touch.ring)
          ui.tooltip(name, {row.right() - 60, row.y, 60, row.h}, {.title = std::string(state.coming)});
      } else if (item.number > 0) {
        const Rect dot = label.cut_right(8, 8);
        progress_mark(ui, dot.center(), item);
        if (touch.hovered || touch.ring)
          ui.tooltip(name, {row.right() - 60, row.y, 60, row.h}, {.title = std::string(item.name), .text = progress_text(ui, item)});
      }
      const TextStyle style{here ? Face::strong : Face::text, 14, ink, 0};
      const float natural = ui.measure(item.name, style).x;
      ui.text_in(label, item.name,
                 natural > label.w ? style.at(std::max(12.5f, 14 * label.w / natural)) : style);
    }
    y += pitch;
  }
  ui.end_scroll(y);

  // Language, theme, threads at the bottom; stacked when folded.
  if (state.folded) {
    const auto cell = [&](Rect r, std::string_view name, std::string_view spoken) {
      const Interaction touch = ui.region(name, r, {.label = spoken});
      ui.fill(r, touch.hovered ? t.hover : t.panel, 18);
      ui.stroke(r, t.line, 18);
      if (touch.ring) ui.focus_ring(r, 18);
      return touch.clicked;
    };
    const Rect language{rect.center().x - 20, foot.y, 38, 34},
        theme{rect.center().x - 20, foot.y + 42, 38, 34};
    action.language = cell(language, "language", state.spoken_language);
    ui.text_in(language, ui.language() == Language::es ? "ES" : "EN", {Face::strong, 13, t.ink, 0}, 0.5f);
    action.theme = cell(theme, "theme", state.spoken_theme);
    const Icon icon = state.theme == ThemeChoice::automatic ? Icon::automatic
                      : state.theme == ThemeChoice::dark    ? Icon::moon
                                                            : Icon::sun;
    draw_icon(ui, icon, theme.center(), 16, t.soft);
  } else {
    Rect row = foot.inset(22, 0).cut_top(30);
    RailAction pressed;
    const float used = language_and_theme_width(ui, row.h);
    language_and_theme(ui, {row.x + used, row.y}, row.h, state, pressed);
    action.language = pressed.language, action.theme = pressed.theme;
    const TextStyle small{Face::text, 12.5f, t.soft, 0};
    const Rect pill{row.x + used + 8, row.y, ui.measure(state.threads, small).x + 20, row.h};
    if (!state.threads.empty() && pill.right() <= rect.right() - 10) {
      ui.stroke(pill, t.line, row.h / 2);
      ui.text_in(pill, state.threads, small, 0.5f);
    }
  }

  return action;
}

}  // namespace neurona::app
