#include "heat_map.hpp"

#include <cmath>

namespace neurona::app {

namespace {

/// The colour of a cell that holds 0, where that is not the paper's.
ImU32 ground(const Theme& theme) { return mix(theme.panel, theme.line, 0.45f); }

}  // namespace

ImU32 scale_color(const Theme& theme, Scale scale, float v) {
  switch (scale) {
    case Scale::ink:
      return ink_scale(theme, v);
    case Scale::diverging:
      return diverging(theme, v);
    case Scale::units:
      return mix(ground(theme), diverging(theme, v), std::min(1.f, std::fabs(v) * 3));
    case Scale::accent:
      return mix(theme.panel, theme.accent, v);
  }
  return theme.panel;
}

Rect heat_map_cell(Rect rect, int rows, int columns, int index) {
  const float w = rect.w / float(columns), h = rect.h / float(rows);
  return {rect.x + float(index % columns) * w, rect.y + float(index / columns) * h, w, h};
}

int grid_columns(int count, float width, float height) {
  if (count <= 0) return 1;
  return std::clamp(
      int(std::lround(std::sqrt(double(count) * double(width) / std::max(1.0, double(height))))), 1, count);
}

void paint_cells(Ui& ui, Rect rect, std::span<const float> values, int rows, int columns, const HeatMapOptions& o) {
  const Theme& t = ui.theme();
  const ImU32 zero = o.scale == Scale::ink ? t.panel : ground(t);
  if (o.ground) ui.fill(rect, o.gap > 0 ? t.panel : zero, o.radius);
  const float w = rect.w / float(columns), h = rect.h / float(rows);
  const int count = std::min(int(values.size()), rows * columns);
  // Cells end on device pixels, so that no seam shines through.
  const float density = ui.density();
  const auto snap = [&](float v) { return std::round(v * density) / density; };
  for (int i = 0; i < count; ++i) {
    const float v = values[std::size_t(i)];
    if (o.gap == 0 && std::fabs(v) < 0.004f) continue;
    const int x = i % columns, y = i / columns;
    const float x0 = snap(rect.x + float(x) * w), x1 = snap(rect.x + float(x + 1) * w);
    const float y0 = snap(rect.y + float(y) * h), y1 = snap(rect.y + float(y + 1) * h);
    ImU32 color = scale_color(t, o.scale, v);
    if (o.scale == Scale::diverging || o.scale == Scale::accent) color = mix(zero, color, std::min(1.f, std::fabs(v) * 3));
    ui.draw()->AddRectFilled({x0, y0}, {x1 - o.gap, y1 - o.gap}, color,
                             o.gap > 0 ? std::min(3.f, w * 0.18f) : 0);
  }
}

int heat_map(Ui& ui, std::string_view name, Rect rect, std::span<const float> values, int rows, int columns,
             const HeatMapOptions& o) {
  const Interaction touch = ui.region(name, rect, {.label = o.label, .role = Role::image});
  paint_cells(ui, rect, values, rows, columns, o);
  if (o.selected >= 0 && o.selected < rows * columns)
    ui.stroke(heat_map_cell(rect, rows, columns, o.selected), ui.theme().accent, 1, 2);
  if (touch.ring) ui.focus_ring(rect, o.radius);
  return ui.cell(name, touch, rect, rows, columns, std::min(int(values.size()), rows * columns));
}

GalleryLayout gallery_layout(float width, float height, int count, float least, float most, float gap) {
  GalleryLayout out;
  out.gap = gap;
  if (count <= 0 || width < least || height < least) return out;
  // The largest cell with which all fit; else the smallest allowed, and as many as there is room for.
  for (float cell = most; cell >= least; cell -= 1) {
    const int columns = int((width + gap) / (cell + gap)), rows = int((height + gap) / (cell + gap));
    out.columns = std::max(1, columns), out.rows = std::max(1, rows), out.cell = cell;
    if (columns * rows >= count) break;
  }
  out.shown = std::min(count, out.columns * out.rows);
  out.columns = std::min(out.columns, out.shown);
  out.rows = (out.shown + out.columns - 1) / out.columns;
  return out;
}

Rect gallery_cell(Rect area, const GalleryLayout& layout, int index) {
  const float pitch = layout.cell + layout.gap;
  return {area.x + float(index % layout.columns) * pitch, area.y + float(index / layout.columns) * pitch,
          layout.cell, layout.cell};
}

GalleryHit gallery(Ui& ui, std::string_view name, Rect area, const GalleryLayout& layout, const ImageSheet& sheet,
                   float radius, std::string_view label) {
  if (layout.shown == 0) return {};
  const float pitch = layout.cell + layout.gap;
  const Rect all{area.x, area.y, float(layout.columns) * pitch, float(layout.rows) * pitch};
  const Interaction touch = ui.region(name, all, {.label = label, .role = Role::image});
  const GalleryHit hit{ui.cell(name, touch, all, layout.rows, layout.columns, layout.shown), touch.clicked};
  for (int i = 0; i < layout.shown; ++i) sheet.draw(ui, i, gallery_cell(area, layout, i), radius);
  if (hit.index >= 0) {
    const Rect cell = gallery_cell(area, layout, hit.index);
    if (touch.ring)
      ui.focus_ring(cell, radius);
    else
      ui.stroke(cell.inset(-1.5f), ui.theme().soft, radius + 1, 1.5f);
  }
  return hit;
}

}  // namespace neurona::app
