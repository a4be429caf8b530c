#pragma once

#include <algorithm>

#include "imgui.h"

namespace neurona::app {

/// An axis-aligned rectangle in CSS pixels. The cut functions take a strip off and return it, which is how
/// the whole interface is laid out: `Rect bar = area.cut_bottom(64);`.
struct Rect {
  float x = 0, y = 0, w = 0, h = 0;

  float right() const { return x + w; }
  float bottom() const { return y + h; }
  ImVec2 min() const { return {x, y}; }
  ImVec2 max() const { return {x + w, y + h}; }
  ImVec2 center() const { return {x + w * 0.5f, y + h * 0.5f}; }
  bool contains(ImVec2 p) const { return p.x >= x && p.y >= y && p.x < x + w && p.y < y + h; }
  bool empty() const { return w <= 0 || h <= 0; }

  Rect inset(float all) const { return inset(all, all); }
  Rect inset(float horizontal, float vertical) const {
    return {x + horizontal, y + vertical, std::max(0.f, w - 2 * horizontal), std::max(0.f, h - 2 * vertical)};
  }
  Rect moved(float dx, float dy) const { return {x + dx, y + dy, w, h}; }
  Rect clipped(const Rect& other) const {
    const float x0 = std::max(x, other.x), y0 = std::max(y, other.y);
    const float x1 = std::min(right(), other.right()), y1 = std::min(bottom(), other.bottom());
    return {x0, y0, std::max(0.f, x1 - x0), std::max(0.f, y1 - y0)};
  }

  /// Takes `size` pixels off that side (at most what there is), and `gap` more between the two parts.
  Rect cut_top(float size, float gap = 0) {
    size = std::min(size, h);
    Rect part{x, y, w, size};
    const float used = std::min(h, size + gap);
    y += used, h -= used;
    return part;
  }
  Rect cut_bottom(float size, float gap = 0) {
    size = std::min(size, h);
    Rect part{x, bottom() - size, w, size};
    h = std::max(0.f, h - size - gap);
    return part;
  }
  Rect cut_left(float size, float gap = 0) {
    size = std::min(size, w);
    Rect part{x, y, size, h};
    const float used = std::min(w, size + gap);
    x += used, w -= used;
    return part;
  }
  Rect cut_right(float size, float gap = 0) {
    size = std::min(size, w);
    Rect part{right() - size, y, size, h};
    w = std::max(0.f, w - size - gap);
    return part;
  }
  /// Column `index` of `count` equal columns with `gap` between them.
  Rect column(int index, int count, float gap) const {
    const float width = (w - gap * float(count - 1)) / float(count);
    return {x + float(index) * (width + gap), y, width, h};
  }
  /// Row `index` of `count` equal rows with `gap` between them.
  Rect row(int index, int count, float gap) const {
    const float height = (h - gap * float(count - 1)) / float(count);
    return {x, y + float(index) * (height + gap), w, height};
  }
  /// The largest square that fits, centred.
  Rect square() const {
    const float side = std::min(w, h);
    return {x + (w - side) * 0.5f, y + (h - side) * 0.5f, side, side};
  }
};

}  // namespace neurona::app
