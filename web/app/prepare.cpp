#include "prepare.hpp"

#include <algorithm>
#include <cmath>

namespace neurona::app {

std::array<std::uint8_t, 784> prepare_drawing(const PadDrawing& drawing) {
  std::array<std::uint8_t, 784> out{};
  float x0 = 1e9f, x1 = -1e9f, y0 = 1e9f, y1 = -1e9f;
  for (const PadStroke& stroke : drawing.strokes)
    for (const PadPoint& p : stroke)
      x0 = std::min(x0, p.x), x1 = std::max(x1, p.x), y0 = std::min(y0, p.y), y1 = std::max(y1, p.y);
  if (x0 > x1) return out;
  constexpr float kRadius = 1.2f;
  const float scale = (20 - 2 * kRadius) / std::max({x1 - x0, y1 - y0, 0.05f});
  const auto raster = [&](float dx, float dy, double& mass, double& mx, double& my) {
    mass = mx = my = 0;
    for (int y = 0; y < 28; ++y)
      for (int x = 0; x < 28; ++x) {
        const float px = float(x) + 0.5f - dx, py = float(y) + 0.5f - dy;
        float nearest = 1e9f;
        for (const PadStroke& stroke : drawing.strokes)
          for (std::size_t i = 0; i < stroke.size(); ++i) {
            const PadPoint a = stroke[i ? i - 1 : 0], b = stroke[i];
            const float ax = (a.x - x0) * scale, ay = (a.y - y0) * scale;
            const float bx = (b.x - x0) * scale - ax, by = (b.y - y0) * scale - ay;
            const float length = bx * bx + by * by;
            const float t =
                length > 0 ? std::clamp(((px - ax) * bx + (py - ay) * by) / length, 0.f, 1.f) : 0.f;
            nearest = std::min(nearest, std::hypot(px - ax - t * bx, py - ay - t * by));
          }
        const float v = std::clamp(kRadius + 0.5f - nearest, 0.f, 1.f);
        out[std::size_t(y * 28 + x)] = std::uint8_t(std::lround(255 * v));
        mass += v, mx += double(v) * (x + 0.5), my += double(v) * (y + 0.5);
      }
  };
  float dx = 14 - (x1 - x0) * scale / 2, dy = 14 - (y1 - y0) * scale / 2;
  double mass, mx, my;
  raster(dx, dy, mass, mx, my);
  if (mass > 0) raster(dx + 14 - float(mx / mass), dy + 14 - float(my / mass), mass, mx, my);
  return out;
}

}  // namespace neurona::app
