#include "step_bar.hpp"

#include <string>

#include "controls.hpp"

namespace neurona::app {

StepBarAction step_bar(Ui& ui, Rect rect, const StepBarOptions& o, Rect& middle) {
  StepBarAction action;
  const Theme& t = ui.theme();
  ui.fill(rect, t.background);
  ui.fill({rect.x, rect.y, rect.w, 1}, t.line);
  const float height = o.compact ? 44.f : 36.f;
  Rect in = rect.inset(o.compact ? 14.f : 20.f, (rect.h - height) / 2);
  if (button(ui, "back", in.cut_left(o.compact ? 46.f : 44.f, 14), {},
             {.icon = Icon::left, .enabled = o.can_back, .spoken = o.back_spoken}))
    action.go = -1;

  const float next_width = o.compact ? 48 : button_width(ui, o.next_label, {.icon_after = Icon::right}) + 4;
  const Rect next = in.cut_right(next_width, 14);
  if (o.compact) {
    if (button(ui, "next", next, {},
               {.kind = ButtonKind::primary,
                .icon = Icon::right,
                .enabled = o.can_next,
                .spoken = o.next_label}))
      action.go = 1;
  } else if (button(ui, "next", next, o.next_label,
                    {.kind = ButtonKind::primary, .icon_after = Icon::right, .enabled = o.can_next})) {
    action.go = 1;
  }

  // Dots where there is room for them, then the count.
  if (!o.compact && o.count > 1 && in.w > 260) {
    for (int i = 0; i < o.count; ++i) {
      const Rect hit = in.cut_left(22, 5);
      const std::string name = "step-" + std::to_string(i + 1);
      const Interaction touch =
          ui.region(name, hit, {.label = std::string(o.step_spoken) + " " + std::to_string(i + 1)});
      const Rect dot{hit.x, hit.center().y - 2, hit.w, 4};
      ui.fill(dot, i <= o.step ? t.accent : touch.hovered ? t.faint : t.line, 2);
      if (touch.ring) ui.focus_ring(dot, 2);
      if (touch.clicked) action.jump = i;
    }
    in.cut_left(7);
  }
  const std::string count = std::to_string(o.step + 1) + "/" + std::to_string(o.count);
  const TextStyle mono = ui.style(Type::mono).with(t.soft);
  ui.text_in(in.cut_left(ui.measure(count, mono).x + 1, 14), count, mono);
  middle = in;
  return action;
}

}  // namespace neurona::app
