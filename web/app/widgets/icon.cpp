#include <cmath>

#include "controls.hpp"

namespace neurona::app {
namespace {

constexpr float kPi = 3.14159265f;

}  // namespace

void draw_icon(Ui& ui, Icon icon, ImVec2 c, float size, ImU32 color) {
  ImDrawList* d = ui.draw();
  const float s = size / 16.f, w = std::max(1.3f, 1.6f * s);  // drawn on a grid of 16
  const auto p = [&](float x, float y) { return ImVec2{c.x + (x - 8) * s, c.y + (y - 8) * s}; };
  const auto line = [&](std::initializer_list<ImVec2> points, bool closed = false) {
    d->AddPolyline(points.begin(), int(points.size()), color, closed ? ImDrawFlags_Closed : 0, w);
  };
  switch (icon) {
    case Icon::none:
      break;
    case Icon::left:
      line({p(13, 8), p(3.5f, 8)});
      line({p(7.5f, 4), p(3.5f, 8), p(7.5f, 12)});
      break;
    case Icon::right:
      line({p(3, 8), p(12.5f, 8)});
      line({p(8.5f, 4), p(12.5f, 8), p(8.5f, 12)});
      break;
    case Icon::play:
      d->AddTriangleFilled(p(5, 3), p(13, 8), p(5, 13), color);
      break;
    case Icon::pause:
      d->AddRectFilled(p(4, 3), p(6.8f, 13), color, s);
      d->AddRectFilled(p(9.2f, 3), p(12, 13), color, s);
      break;
    case Icon::step:
      d->AddTriangleFilled(p(4, 3), p(10.5f, 8), p(4, 13), color);
      d->AddRectFilled(p(11, 3), p(12.8f, 13), color, s * 0.5f);
      break;
    case Icon::undo:
      line({p(6.5f, 3), p(3, 6.2f), p(6.5f, 9.4f)});
      d->PathLineTo(p(3, 6.2f));
      d->PathArcTo(p(9.3f, 9.6f), 3.4f * s, -kPi / 2, kPi / 2, 14);
      d->PathLineTo(p(6.5f, 13));
      d->PathStroke(color, 0, w);
      break;
    case Icon::reset:
    case Icon::retry:
      d->PathArcTo(p(8, 8), 5 * s, -kPi * 0.25f, kPi * 1.35f, 20);
      d->PathStroke(color, 0, w);
      d->AddTriangleFilled(p(9.2f, 2.2f), p(13.4f, 2.8f), p(11.6f, 6.4f), color);
      break;
    case Icon::erase:
      line({p(4, 4), p(12, 12)});
      line({p(12, 4), p(4, 12)});
      break;
    case Icon::close:
      line({p(3.5f, 3.5f), p(12.5f, 12.5f)});
      line({p(12.5f, 3.5f), p(3.5f, 12.5f)});
      break;
    case Icon::sun:
      d->AddCircleFilled(c, 2.9f * s, color);
      for (int i = 0; i < 8; ++i) {
        const float a = float(i) * kPi / 4;
        d->AddLine({c.x + std::cos(a) * 4.6f * s, c.y + std::sin(a) * 4.6f * s},
                   {c.x + std::cos(a) * 6.4f * s, c.y + std::sin(a) * 6.4f * s}, color, w * 0.85f);
      }
      break;
    case Icon::moon:
      d->PathArcTo(p(8, 8), 5.2f * s, kPi * -0.05f, kPi * 1.45f, 26);
      d->PathBezierCubicCurveTo(p(6.6f, 6.4f), p(9.2f, 10.2f), p(13.2f, 7.2f));
      d->PathStroke(color, 0, w * 0.9f);
      break;
    case Icon::automatic:
      d->AddCircle(c, 5.2f * s, color, 24, w * 0.9f);
      d->PathArcTo(c, 5.2f * s, -kPi / 2, kPi / 2, 20);
      d->PathFillConvex(color);
      break;
    case Icon::menu:
      for (const float y : {4.f, 8.f, 12.f}) line({p(2.5f, y), p(13.5f, y)});
      break;
    case Icon::check:
      line({p(3, 8.5f), p(6.6f, 12), p(13, 4.5f)});
      break;
    case Icon::target:
      d->AddCircle(c, 5.6f * s, color, 24, w * 0.85f);
      d->AddCircle(c, 2.6f * s, color, 16, w * 0.85f);
      break;
    case Icon::pencil:
      line({p(3, 13), p(3.8f, 9.8f), p(10.8f, 2.8f), p(13.2f, 5.2f), p(6.2f, 12.2f)}, true);
      line({p(9.2f, 4.4f), p(11.6f, 6.8f)});
      break;
  }
}

}  // namespace neurona::app
