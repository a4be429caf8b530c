#include <algorithm>
#include <cstring>

#include "backend/cpu/images.hpp"
#include "backend/cpu/share.hpp"

namespace neurona::cpu {

namespace {

// Values gathered at a time: they stay in the second-level cache.
constexpr std::int64_t kPatchValues = 1 << 18;
// Positions whose values one task gathers.
constexpr std::int64_t kGatherRows = 64;

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
  bool depthwise() const { return channels == 1 && filters == 1 && C > 1; }
  // Positions of a chunk; it depends on the shapes alone.
  std::int64_t chunk() const {
    return std::clamp(kPatchValues / depth / kGatherRows * kGatherRows, kGatherRows,
                      std::max(positions, kGatherRows));
  }

  Window2D window;
  std::int64_t H, W, C, OH, OW, F, channels, filters, positions, depth;
};

// Calls visit(iy, first tap kx, taps) for each row of the window at a position: the taps that lie inside the
// image.
template <class Visit>
void for_rows(const Extents& e, std::int64_t oy, std::int64_t ox, Visit visit) {
  const std::int64_t left = ox * e.window.strides.width - e.window.left;
  const std::int64_t first = std::max<std::int64_t>(0, -left),
                     last = std::min(e.window.size.width, e.W - left);
  for (std::int64_t ky = 0; ky < e.window.size.height; ++ky) {
    const std::int64_t iy = oy * e.window.strides.height - e.window.top + ky;
    if (iy >= 0 && iy < e.H && last > first) visit(ky, first, last - first, (iy * e.W + left + first) * e.C);
  }
}

// Values of positions [begin, begin + rows), channels from c0 on -> patches (rows, depth)
void gather(const Extents& e, const float* x, std::int64_t begin, std::int64_t rows, std::int64_t c0,
            float* patches) {
  const bool inside = e.window.top == 0 && e.window.left == 0 &&
                      (e.OH - 1) * e.window.strides.height + e.window.size.height <= e.H &&
                      (e.OW - 1) * e.window.strides.width + e.window.size.width <= e.W;
  if (!inside) std::memset(patches, 0, static_cast<std::size_t>(rows * e.depth) * sizeof(float));
  const std::int64_t row_values = e.window.size.width * e.channels;
  std::int64_t ox = begin % e.OW, oy = begin / e.OW % e.OH, n = begin / e.OW / e.OH;
  for (std::int64_t r = 0; r < rows; ++r, patches += e.depth) {
    const float* image = x + n * e.H * e.W * e.C + c0;
    for_rows(e, oy, ox, [&](std::int64_t ky, std::int64_t first, std::int64_t taps, std::int64_t offset) {
      float* to = patches + ky * row_values + first * e.channels;
      const float* from = image + offset;
      if (e.channels == e.C) {
        std::memcpy(to, from, static_cast<std::size_t>(taps * e.C) * sizeof(float));
      } else {
        for (std::int64_t t = 0; t < taps; ++t)
          std::memcpy(to + t * e.channels, from + t * e.C,
                      static_cast<std::size_t>(e.channels) * sizeof(float));
      }
    });
    if (++ox == e.OW) ox = 0, ++oy;
    if (oy == e.OH) oy = 0, ++n;
  }
}

// The opposite: adds patches (rows, depth) of positions [begin, begin + rows) to dx.
void scatter(const Kernels& kernels, const Extents& e, const float* patches, std::int64_t begin,
             std::int64_t rows, std::int64_t c0, float* dx) {
  const std::int64_t row_values = e.window.size.width * e.channels;
  for (std::int64_t p = begin; p < begin + rows; ++p, patches += e.depth) {
    float* image = dx + p / e.OW / e.OH * e.H * e.W * e.C + c0;
    for_rows(e, p / e.OW % e.OH, p % e.OW,
             [&](std::int64_t ky, std::int64_t first, std::int64_t taps, std::int64_t offset) {
               const float* from = patches + ky * row_values + first * e.channels;
               if (e.channels == e.C) return kernels.add_to(taps * e.C, from, image + offset);
               for (std::int64_t t = 0; t < taps; ++t)
                 kernels.add_to(e.channels, from + t * e.channels, image + offset + t * e.C);
             });
  }
}

// body(begin, rows) for each chunk of positions.
template <class Body>
void for_chunks(const Extents& e, Body body) {
  const std::int64_t chunk = e.chunk();
  for (std::int64_t begin = 0; begin < e.positions; begin += chunk)
    body(begin, std::min(chunk, e.positions - begin));
}

float* reserve(std::vector<float>& buffer, std::int64_t count) {
  buffer.resize(std::max(buffer.size(), static_cast<std::size_t>(count)));
  return buffer.data();
}

void gather_shared(const Extents& e, const float* x, std::int64_t begin, std::int64_t rows, std::int64_t c0,
                   float* patches) {
  share(pieces_of(rows, kGatherRows), rows * e.depth, [&](std::int64_t i) {
    const std::int64_t r = i * kGatherRows;
    gather(e, x, begin + r, std::min(kGatherRows, rows - r), c0, patches + r * e.depth);
  });
}

// Each channel by itself: body(n, oy, ox, offset of the tap's kernel, offset of the tap's pixel) for a row of
// positions.
template <class Body>
void for_depthwise_taps(const Extents& e, std::int64_t row, Body body) {
  const std::int64_t n = row / e.OH, oy = row % e.OH;
  for (std::int64_t ox = 0; ox < e.OW; ++ox)
    for_rows(e, oy, ox, [&](std::int64_t ky, std::int64_t first, std::int64_t taps, std::int64_t offset) {
      for (std::int64_t t = 0; t < taps; ++t)
        body((row * e.OW + ox) * e.C, (ky * e.window.size.width + first + t) * e.C,
             n * e.H * e.W * e.C + offset + t * e.C);
    });
}

}  // namespace

void Convolution::forward(const Window2D& window, std::int64_t groups, ConstTensorView x,
                          ConstTensorView kernel, ConstTensorView bias, TensorView y) {
  const Extents e(window, groups, x.shape, y.shape);
  const float *in = x.as<float>(), *weights = kernel.as<float>(),
              *offsets = bias ? bias.as<float>() : nullptr;
  float* out = y.as<float>();
  if (e.depthwise()) {
    share(e.positions / e.OW, e.positions * e.C * e.depth, [&](std::int64_t row) {
      for (std::int64_t ox = 0; ox < e.OW; ++ox) {
        float* to = out + (row * e.OW + ox) * e.C;
        if (offsets != nullptr)
          std::memcpy(to, offsets, static_cast<std::size_t>(e.C) * sizeof(float));
        else
          std::memset(to, 0, static_cast<std::size_t>(e.C) * sizeof(float));
      }
      for_depthwise_taps(e, row, [&](std::int64_t position, std::int64_t tap, std::int64_t pixel) {
        kernels_.multiply_add(e.C, in + pixel, weights + tap, out + position);
      });
    });
    return;
  }
  GemmTile product{.M = 0,
                   .N = e.filters,
                   .K = e.depth,
                   .a = nullptr,
                   .a_row = e.depth,
                   .a_col = 1,
                   .b = nullptr,
                   .b_row = e.F,
                   .bias = nullptr,
                   .c = nullptr,
                   .c_row = e.F};
  const auto multiply = [&](std::int64_t g, std::int64_t begin, std::int64_t rows, const float* a) {
    product.M = rows;
    product.a = a;
    product.b = weights + g * e.filters;
    product.bias = offsets != nullptr ? offsets + g * e.filters : nullptr;
    product.c = out + begin * e.F + g * e.filters;
    gemm(kernels_, product);
  };
  if (e.one_pixel()) {
    product.a_row = e.C;
    for (std::int64_t g = 0; g < groups; ++g) multiply(g, 0, e.positions, in + g * e.channels);
    return;
  }
  float* patches = reserve(patches_, std::min(e.chunk(), e.positions) * e.depth);
  for_chunks(e, [&](std::int64_t begin, std::int64_t rows) {
    for (std::int64_t g = 0; g < groups; ++g) {
      gather_shared(e, in, begin, rows, g * e.channels, patches);
      multiply(g, begin, rows, patches);
    }
  });
}

void Convolution::backward_kernel(const Window2D& window, std::int64_t groups, ConstTensorView x,
                                  ConstTensorView dz, TensorView dkernel) {
  const Extents e(window, groups, x.shape, dz.shape);
  const float *in = x.as<float>(), *gradient = dz.as<float>();
  float* to = dkernel.as<float>();
  if (e.depthwise()) {
    std::memset(to, 0, static_cast<std::size_t>(dkernel.elements()) * sizeof(float));
    for (std::int64_t row = 0; row < e.positions / e.OW; ++row)
      for_depthwise_taps(e, row, [&](std::int64_t position, std::int64_t tap, std::int64_t pixel) {
        kernels_.multiply_add(e.C, in + pixel, gradient + position, to + tap);
      });
    return;
  }
  GemmTile product{.M = e.depth,
                   .N = e.filters,
                   .K = 0,
                   .a = nullptr,
                   .a_row = 1,
                   .a_col = e.depth,
                   .b = nullptr,
                   .b_row = e.F,
                   .bias = nullptr,
                   .c = nullptr,
                   .c_row = e.F};
  const auto multiply = [&](std::int64_t g, std::int64_t begin, std::int64_t rows, const float* a) {
    product.K = rows;
    product.a = a;
    product.b = gradient + begin * e.F + g * e.filters;
    product.c = to + g * e.filters;
    product.accumulate = begin > 0;
    gemm(kernels_, product);
  };
  if (e.one_pixel()) {
    product.a_col = e.C;
    for (std::int64_t g = 0; g < groups; ++g) multiply(g, 0, e.positions, in + g * e.channels);
    return;
  }
  float* patches = reserve(patches_, std::min(e.chunk(), e.positions) * e.depth);
  for_chunks(e, [&](std::int64_t begin, std::int64_t rows) {
    for (std::int64_t g = 0; g < groups; ++g) {
      gather_shared(e, in, begin, rows, g * e.channels, patches);
      multiply(g, begin, rows, patches);
    }
  });
}

void Convolution::backward_input(const Window2D& window, std::int64_t groups, ConstTensorView dz,
                                 ConstTensorView kernel, TensorView dx) {
  const Extents e(window, groups, dx.shape, dz.shape);
  const float *gradient = dz.as<float>(), *weights = kernel.as<float>();
  float* to = dx.as<float>();
  const std::int64_t image_positions = e.OH * e.OW;
  if (!e.one_pixel()) std::memset(to, 0, static_cast<std::size_t>(dx.elements()) * sizeof(float));
  if (e.depthwise()) {
    share(dx.shape[0], e.positions * e.C * e.depth, [&](std::int64_t n) {
      for (std::int64_t row = n * e.OH; row < (n + 1) * e.OH; ++row)
        for_depthwise_taps(e, row, [&](std::int64_t position, std::int64_t tap, std::int64_t pixel) {
          kernels_.multiply_add(e.C, gradient + position, weights + tap, to + pixel);
        });
    });
    return;
  }
  float* patches = e.one_pixel() ? nullptr : reserve(patches_, std::min(e.chunk(), e.positions) * e.depth);
  float* transposed = reserve(transposed_, e.filters * e.depth);
  for (std::int64_t g = 0; g < groups; ++g) {
    kernels_.transpose(e.depth, e.filters, weights + g * e.filters, e.F, transposed);
    GemmTile product{.M = e.positions,
                     .N = e.depth,
                     .K = e.filters,
                     .a = gradient + g * e.filters,
                     .a_row = e.F,
                     .a_col = 1,
                     .b = transposed,
                     .b_row = e.depth,
                     .bias = nullptr,
                     .c = to + g * e.channels,
                     .c_row = e.C};
    if (e.one_pixel()) {
      gemm(kernels_, product);
      continue;
    }
    product.c_row = e.depth;
    product.c = patches;
    for_chunks(e, [&](std::int64_t begin, std::int64_t rows) {
      product.M = rows;
      product.a = gradient + begin * e.F + g * e.filters;
      gemm(kernels_, product);
      // Positions of one image add to the same pixels: one task an image.
      const std::int64_t first = begin / image_positions, last = (begin + rows - 1) / image_positions;
      share(last - first + 1, rows * e.depth, [&](std::int64_t i) {
        const std::int64_t from = std::max(begin, (first + i) * image_positions),
                           until = std::min(begin + rows, (first + i + 1) * image_positions);
        scatter(kernels_, e, patches + (from - begin) * e.depth, from, until - from, g * e.channels, to);
      });
    });
  }
}

}  // namespace neurona::cpu
