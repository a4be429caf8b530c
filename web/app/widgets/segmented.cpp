#include <cmath>

#include "controls.hpp"

namespace neurona::app {
namespace {

constexpr float kRow = 32, kPad = 3;

float choice_width(Ui& ui, std::string_view label) {
  return std::ceil(ui.measure(label, {Face::strong, 13.5f, 0, 0}).x + 22);
}

int columns_for(Ui& ui, float width, std::span<const std::string_view> choices) {
  float widest = 0;
  for (const std::string_view choice : choices) widest = std::max(widest, choice_width(ui, choice));
  const int count = int(choices.size());
  int columns = std::clamp(int((width - 2 * kPad) / std::max(1.f, widest)), 1, std::max(1, count));
  // Two even rows look better than a full one and a rest.
  const int rows = (count + columns - 1) / columns;
  return (count + rows - 1) / rows;
}

}  // namespace

float segmented_width(Ui& ui, std::span<const std::string_view> choices) {
  float widest = 0;
  for (const std::string_view choice : choices) widest = std::max(widest, choice_width(ui, choice));
  return widest * float(choices.size()) + 2 * kPad;
}

float segmented_height(Ui& ui, float width, std::span<const std::string_view> choices) {
  const int columns = columns_for(ui, width, choices);
  const int rows = (int(choices.size()) + columns - 1) / columns;
  return kRow * float(rows) + 2 * kPad;
}

bool segmented(Ui& ui, std::string_view name, Rect rect, std::span<const std::string_view> choices,
               int& value, bool enabled) {
  const Theme& t = ui.theme();
  const int count = int(choices.size()), before = value;
  if (count == 0) return false;
  const int columns = columns_for(ui, rect.w, choices), rows = (count + columns - 1) / columns;
  ui.fill(rect, t.dark ? t.background : t.code, 10);
  ui.stroke(rect, t.line, 10);
  const Rect in = rect.inset(kPad);
  for (int i = 0; i < count; ++i) {
    const Rect cell = in.row(i / columns, rows, 0).column(i % columns, columns, 0);
    const std::string id = std::string(name) + "-" + std::to_string(i);
    const bool on = i == value;
    const Interaction touch = ui.region(id, cell,
                                        {.label = choices[std::size_t(i)],
                                         .value = spoken_state(ui, on),
                                         .role = Role::toggle,
                                         .enabled = enabled});
    if (touch.clicked) value = i;
    const int move = touch.arrow_x + touch.arrow_y;
    if (move != 0) {
      value = ((i + move) % count + count) % count;
      ui.focus(std::string(name) + "-" + std::to_string(value));
    }
    if (on) {
      ui.fill(cell, t.panel, 8);
      ui.stroke(cell, enabled ? mix(t.line, t.accent, 0.7f) : t.line, 8);
    } else if (touch.hovered) {
      ui.fill(cell, t.hover, 8);
    }
    if (touch.ring) ui.focus_ring(cell.inset(2), 6);
    const ImU32 ink = !enabled ? mix(t.soft, t.panel, 0.45f) : on ? t.ink : t.soft;
    ui.text_in(cell.inset(6, 0), choices[std::size_t(i)], {on ? Face::strong : Face::text, 13.5f, ink, 0},
               0.5f);
  }
  return value != before;
}

}  // namespace neurona::app
