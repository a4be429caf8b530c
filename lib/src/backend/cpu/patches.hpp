// What a convolution's window sees, as a matrix that the products gather piece by piece.
#pragma once

#include <algorithm>
#include <cstring>

#include "backend/backend.hpp"

namespace neurona::cpu {

// x (N,H,W,C), positions (N,OH,OW,F), G groups
struct Extents {
  Extents(const Window2D& w, std::int64_t groups, const Shape& x, const Shape& y)
      : window(w),
        H(x[1]),
        W(x[2]),
        C(x[3]),
        OH(y[1]),
        OW(y[2]),
        F(y[3]),
        channels(C / groups),
        filters(F / groups),
        positions(y[0] * OH * OW),
        depth(w.size.height * w.size.width * channels) {}

  bool one_pixel() const {
    return window.size == Extent2D(1) && window.strides == Extent2D(1) && window.top == 0 &&
           window.left == 0 && OH == H && OW == W;
  }
  // No window leaves the image.
  bool inside() const {
    return window.top == 0 && window.left == 0 && (OH - 1) * window.strides.height + window.size.height <= H &&
           (OW - 1) * window.strides.width + window.size.width <= W;
  }
  bool depthwise() const { return channels == 1 && filters == 1 && C > 1; }

  Window2D window;
  std::int64_t H, W, C, OH, OW, F, channels, filters, positions, depth;
};

inline void copy_values(const float* from, std::int64_t count, float* to) {
  if (count >= 16) {
    std::memcpy(to, from, static_cast<std::size_t>(count) * sizeof(float));
  } else {
    for (std::int64_t i = 0; i < count; ++i) to[i] = from[i];
  }
}

inline void clear_values(float* to, std::int64_t count) { std::memset(to, 0, static_cast<std::size_t>(count) * sizeof(float)); }

// The matrix (positions, depth) of what each position's window sees, which exists piece by piece only.
struct Patches {
  Patches(const Extents& extents, const float* first) : e(extents), x(first) {}
  Extents e;
  const float* x;  // the first channel of the group, of the first pixel

  static void gather(const void* matrix, std::int64_t row, std::int64_t rows, std::int64_t column, std::int64_t columns,
                     float* to, std::int64_t to_row) {
    static_cast<const Patches*>(matrix)->gather_rows(row, rows, column, column + columns, to, to_row);
  }

 private:
  void gather_rows(std::int64_t row, std::int64_t rows, std::int64_t k0, std::int64_t k1, float* to, std::int64_t to_row) const {
    const std::int64_t line = e.window.size.width * e.channels, first_ky = k0 / line;
    if (line == 3 && e.channels == e.C && e.inside() && k0 == 0 && k1 == e.depth) return gather_threes(row, rows, to, to_row);
    std::int64_t ox = row % e.OW, oy = row / e.OW % e.OH, n = row / e.OW / e.OH;
    for (std::int64_t r = 0; r < rows; ++r, to += to_row) {
      const std::int64_t left = ox * e.window.strides.width - e.window.left;
      std::int64_t iy = oy * e.window.strides.height - e.window.top + first_ky;
      for (std::int64_t begin = first_ky * line; begin < k1; begin += line, ++iy) {
        const std::int64_t from = std::max(k0, begin) - begin, until = std::min(k1 - begin, line);
        float* place = to + begin + from - k0;
        if (iy < 0 || iy >= e.H)
          clear_values(place, until - from);
        else
          gather_line((n * e.H + iy) * e.W, left, from, until, place);
      }
      if (++ox == e.OW) ox = 0, ++oy;
      if (oy == e.OH) oy = 0, ++n;
    }
  }

  // Whole windows of three values a line, which never leave the image: for gray images.
  void gather_threes(std::int64_t row, std::int64_t rows, float* to, std::int64_t to_row) const {
    std::int64_t ox = row % e.OW, oy = row / e.OW % e.OH, n = row / e.OW / e.OH;
    for (std::int64_t r = 0; r < rows; ++r, to += to_row) {
      const float* from = x + ((n * e.H + oy * e.window.strides.height) * e.W + ox * e.window.strides.width) * e.C;
      for (std::int64_t ky = 0; ky < e.window.size.height; ++ky, from += e.W * e.C)
        for (std::int64_t i = 0; i < 3; ++i) to[ky * 3 + i] = from[i];
      if (++ox == e.OW) ox = 0, ++oy;
      if (oy == e.OH) oy = 0, ++n;
    }
  }

  // Values [from, until) of one line of the window, which begins at column `left` of the line of pixels.
  void gather_line(std::int64_t pixels, std::int64_t left, std::int64_t from, std::int64_t until, float* to) const {
    if (e.channels == e.C) {
      const std::int64_t inside = std::clamp(-left * e.C, from, until), outside = std::clamp((e.W - left) * e.C, inside, until);
      if (inside > from) clear_values(to, inside - from);
      copy_values(x + (pixels + left) * e.C + inside, outside - inside, to + inside - from);
      if (until > outside) clear_values(to + outside - from, until - outside);
      return;
    }
    for (std::int64_t i = from; i < until;) {
      const std::int64_t kx = i / e.channels, ix = left + kx, c = i - kx * e.channels;
      const std::int64_t count = std::min(e.channels - c, until - i);
      if (ix < 0 || ix >= e.W)
        clear_values(to + i - from, count);
      else
        copy_values(x + (pixels + ix) * e.C + c, count, to + i - from);
      i += count;
    }
  }
};

}  // namespace neurona::cpu
