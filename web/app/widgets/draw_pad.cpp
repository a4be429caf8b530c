#include "draw_pad.hpp"

#include <cmath>

namespace neurona::app {
namespace {

/// A smooth path through the samples: quadratic curves between the middles of neighbours.
void trace(ImDrawList* draw, Rect square, const PadStroke& stroke, ImU32 color, float width) {
  const auto at = [&](const PadPoint& p) {
    return ImVec2{square.x + p.x * square.w, square.y + p.y * square.w};
  };
  const auto middle = [](ImVec2 a, ImVec2 b) { return ImVec2{(a.x + b.x) / 2, (a.y + b.y) / 2}; };
  if (stroke.empty()) return;
  const float radius = width / 2;
  draw->AddCircleFilled(at(stroke.front()), radius, color, 48);
  if (stroke.size() == 1) return;
  // Points nearer than this to each other would only spoil the joins.
  constexpr float kSpacing = 2.5f;
  std::vector<ImVec2> path{at(stroke[0])};
  const auto add = [&](ImVec2 p, bool last) {
    const float distance = std::hypot(p.x - path.back().x, p.y - path.back().y);
    if (distance >= kSpacing || (last && distance > 0.5f)) path.push_back(p);
  };
  for (std::size_t i = 1; i + 1 < stroke.size(); ++i) {
    const ImVec2 a = i == 1 ? at(stroke[0]) : middle(at(stroke[i - 1]), at(stroke[i]));
    const ImVec2 control = at(stroke[i]), b = middle(control, at(stroke[i + 1]));
    const float length =
        std::hypot(control.x - a.x, control.y - a.y) + std::hypot(b.x - control.x, b.y - control.y);
    const int pieces = std::clamp(int(length / 3), 1, 24);
    for (int k = 1; k <= pieces; ++k) {
      const float t = float(k) / float(pieces), u = 1 - t;
      add({u * u * a.x + 2 * u * t * control.x + t * t * b.x,
           u * u * a.y + 2 * u * t * control.y + t * t * b.y},
          false);
    }
  }
  add(at(stroke.back()), true);
  // One thick line, broken where it turns sharply; a disc makes the join there and the caps at the ends.
  std::size_t from = 0;
  for (std::size_t i = 1; i < path.size(); ++i) {
    bool corner = i + 1 == path.size();
    if (!corner) {
      const ImVec2 p{path[i].x - path[i - 1].x, path[i].y - path[i - 1].y};
      const ImVec2 q{path[i + 1].x - path[i].x, path[i + 1].y - path[i].y};
      corner = p.x * q.x + p.y * q.y < 0.9f * std::hypot(p.x, p.y) * std::hypot(q.x, q.y);
    }
    if (!corner) continue;
    draw->AddPolyline(&path[from], int(i - from + 1), color, 0, width);
    draw->AddCircleFilled(path[i], radius, color, 48);
    from = i;
  }
}

}  // namespace

void draw_strokes(Ui& ui, Rect square, const PadDrawing& drawing, ImU32 color, float pen_width) {
  for (const PadStroke& stroke : drawing.strokes)
    trace(ui.draw(), square, stroke, color, square.w * pen_width);
}

bool draw_pad(Ui& ui, std::string_view name, Rect rect, PadDrawing& drawing, const DrawPadOptions& o) {
  const Theme& t = ui.theme();
  const Rect square = rect.square();
  const Interaction touch =
      ui.region(name, rect, {.label = o.label, .role = Role::image, .drag = Drag::all, .focusable = false});
  const int before = drawing.revision;
  if (touch.cancelled) {
    if (!touch.pressed && !drawing.strokes.empty() && drawing.pen_revision == drawing.revision) drawing.undo();
    drawing.pen_revision = -1;
  } else if (touch.pressed || touch.held || touch.released) {
    if (touch.pressed) {
      drawing.strokes.emplace_back();
      drawing.pen_revision = ++drawing.revision;
    }
    // Undone, cleared or replaced under the pen: the rest of this press draws nothing.
    if (!drawing.strokes.empty() && drawing.pen_revision == drawing.revision) {
      PadStroke& stroke = drawing.strokes.back();
      for (const ImVec2 p : ui.trail()) {
        const float limit_x0 = (rect.x - square.x) / square.w,
                    limit_x1 = (rect.right() - square.x) / square.w;
        const float limit_y0 = (rect.y - square.y) / square.w,
                    limit_y1 = (rect.bottom() - square.y) / square.w;
        const PadPoint point{std::clamp((p.x - square.x) / square.w, limit_x0, limit_x1),
                             std::clamp((p.y - square.y) / square.w, limit_y0, limit_y1)};
        if (!stroke.empty() &&
            std::hypot(point.x - stroke.back().x, point.y - stroke.back().y) < kLeastPenMove)
          continue;
        stroke.push_back(point);
        ++drawing.revision;
      }
      if (stroke.empty()) drawing.strokes.pop_back();
      drawing.pen_revision = touch.released ? -1 : drawing.revision;
    }
  }

  ui.push_clip(rect);
  const float margin = square.w * 4 / 28;  // MNIST's 20x20 box inside 28x28
  const Rect box = square.inset(margin);
  if (o.guide) {
    const ImU32 line = mix(t.line, t.faint, 0.15f);
    ui.dashed(box.min(), {box.right(), box.y}, line, 1.2f, 5, 5);
    ui.dashed({box.x, box.bottom()}, box.max(), line, 1.2f, 5, 5);
    ui.dashed(box.min(), {box.x, box.bottom()}, line, 1.2f, 5, 5);
    ui.dashed({box.right(), box.y}, box.max(), line, 1.2f, 5, 5);
  }
  const float empty = ui.animate("pad-hint:" + std::string(name), drawing.empty() ? 1.f : 0.f, 160);
  if (empty > 0.01f && !o.hint.empty()) {
    // A ghost of a digit invites the pen.
    PadDrawing ghost;
    ghost.strokes = {{{0.60f, 0.24f},
                      {0.54f, 0.33f},
                      {0.46f, 0.44f},
                      {0.37f, 0.56f},
                      {0.42f, 0.575f},
                      {0.55f, 0.57f},
                      {0.68f, 0.56f}},
                     {{0.60f, 0.44f}, {0.585f, 0.58f}, {0.565f, 0.76f}}};
    draw_strokes(ui, square, ghost, mix(t.panel, t.line, 0.55f * empty), o.pen_width);
    TextStyle style = ui.style(Type::small).with(fade(t.soft, empty));
    // On a phone on its side there is little paper above the box, and not always the width.
    const float width = ui.measure(o.hint, style).x, room = rect.w - 16;
    if (width > room) style = style.at(std::max(10.f, style.size * room / width));
    ui.text_in({rect.x + 8, std::max(rect.y + 2, box.y - 30), room, 20}, o.hint, style, 0.5f);
  }
  draw_strokes(ui, square, drawing, t.ink, o.pen_width);
  ui.pop_clip();
  return drawing.revision != before;
}

}  // namespace neurona::app
