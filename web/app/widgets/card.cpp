#include <cmath>

#include "controls.hpp"

namespace neurona::app {

Rect card(Ui& ui, Rect rect, float padding) {
  const Theme& t = ui.theme();
  ui.shadow(rect, 16);
  ui.fill(rect, t.panel, 16);
  ui.stroke(rect, t.line, 16);
  return rect.inset(padding);
}

float card_chrome_height() { return 2 * kCardPadding + 18 + 12; }

Rect card(Ui& ui, Rect rect, std::string_view title, std::string_view reading) {
  Rect in = card(ui, rect, kCardPadding);
  Rect head = in.cut_top(18, 12);
  const TextStyle name = ui.style(Type::card_title), mono = ui.style(Type::mono_small);
  const float title_width = ui.measure(title, name).x, room = head.w - title_width - 14;
  if (!reading.empty() && room > 30) {
    const float width = std::min(room, ui.measure(reading, mono).x + 1);
    ui.text_in(head.cut_right(width, 14), reading, mono, 1);
  }
  ui.text_in(head, title, name);
  return in;
}

void progress_line(Ui& ui, Rect rect, float share) {
  const Theme& t = ui.theme();
  const float radius = rect.h / 2;
  ui.fill(rect, t.track, radius);
  if (share >= 0) {
    ui.fill({rect.x, rect.y, std::max(rect.h, rect.w * std::min(share, 1.f)), rect.h}, t.accent, radius);
    return;
  }
  const float length = rect.w * 0.3f;
  float at = 0.35f;
  if (!ui.reduced_motion()) {
    at = float(std::fmod(ui.time() * 0.7, 1.0));
    ui.request_frames(2);
  }
  const float x0 = std::max(rect.x, rect.x + at * (rect.w + length) - length);
  const float x1 = std::min(rect.right(), rect.x + at * (rect.w + length));
  ui.fill({x0, rect.y, x1 - x0, rect.h}, t.accent, radius);
}

}  // namespace neurona::app
