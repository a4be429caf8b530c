#include "confusion_matrix.hpp"

#include <cmath>
#include <string>

namespace neurona::app {

ConfusionHit confusion_matrix(Ui& ui, std::string_view name, Rect rect, std::span<const int> counts, int classes,
                              const ConfusionOptions& o) {
  ConfusionHit hit;
  if (classes <= 0 || counts.size() < std::size_t(classes) * std::size_t(classes)) return hit;
  const Theme& t = ui.theme();
  const TextStyle axis = ui.style(Type::caption);
  const float line = ui.line_height(axis);
  // Names of the axes: predicted above, truth at the left end of the same line.
  Rect head = rect.cut_top(line, 4);
  const std::string above = std::string(o.predicted) + " →", left = std::string(o.truth) + " ↓";
  ui.text_in(head.cut_left(head.w * 0.5f), left, axis);
  ui.text_in(head, above, axis, 1);
  Rect numbers = rect.cut_top(line, 2);
  const float gutter = ui.measure("0", axis).x + 10;
  const Rect grid{rect.x + gutter, rect.y, rect.w - gutter, rect.h};
  const float w = grid.w / float(classes), h = grid.h / float(classes);
  const Interaction touch = ui.region(name, grid, {.label = o.label, .role = Role::image});
  if (const int at = ui.cell(name, touch, grid, classes, classes, classes * classes); at >= 0) {
    hit.truth = at / classes, hit.predicted = at % classes;
    hit.clicked = touch.clicked;
    hit.cell = {grid.x + float(hit.predicted) * w, grid.y + float(hit.truth) * h, w, h};
  }
  // Counts shrink with the cell and are dropped when they could not be read.
  float size = std::min(12.f, h * 0.62f);
  const float widest = ui.measure("9999", {Face::mono, size, 0, 0}).x;
  if (widest > w - 4) size *= (w - 4) / widest;
  const bool show = size >= 7.5f;
  for (int r = 0; r < classes; ++r) {
    const std::string digit = std::to_string(r);
    ui.text_in({grid.x + float(r) * w, numbers.y, w, numbers.h}, digit, axis, 0.5f);
    ui.text_in({rect.x, grid.y + float(r) * h, gutter - 6, h}, digit, axis, 0.5f);
    long long total = 0;
    for (int c = 0; c < classes; ++c) total += counts[std::size_t(r * classes + c)];
    for (int c = 0; c < classes; ++c) {
      const int count = counts[std::size_t(r * classes + c)];
      const float share = total > 0 ? float(count) / float(total) : 0;
      const Rect cell{grid.x + float(c) * w + 1, grid.y + float(r) * h + 1, w - 2, h - 2};
      ImU32 ground = mix(t.panel, t.line, 0.35f), ink = t.soft;
      if (r == c) {
        ground = mix(t.accent_soft, t.accent, share * share * 0.75f), ink = ink_on(t, ground);
      } else if (count > 0) {
        ground = mix(ground, t.negative, std::min(0.85f, 0.12f + share * 9)), ink = ink_on(t, ground);
      }
      ui.fill(cell, ground, 3);
      if (show && (count > 0 || r == c))
        ui.text_in(cell, std::to_string(count), {r == c ? Face::mono_strong : Face::mono, size, ink, 0},
                   0.5f);
      const bool selected = o.selected_truth == r && o.selected_predicted == c;
      if (selected || (hit.truth == r && hit.predicted == c && !touch.ring))
        ui.stroke(cell, selected ? t.accent : t.soft, 3, 1.5f);
    }
  }
  if (touch.ring) ui.focus_ring(hit.truth >= 0 ? hit.cell.inset(3) : grid, 2);
  return hit;
}

}  // namespace neurona::app
