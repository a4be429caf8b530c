#include <algorithm>
#include <cstring>

#include "backend/cpu/images.hpp"
#include "backend/cpu/patches.hpp"
#include "backend/cpu/share.hpp"

namespace neurona::cpu {

namespace {

// Values scattered at a time: they stay in the second-level cache.
constexpr std::int64_t kPatchValues = 1 << 18;
// So many rows of a product make panels of its kernel worth their memory.
constexpr std::int64_t kPositionsWorthPanels = 32;

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

// kernel (KH,KW,channels,F), of it the filters of a group -> (KH,KW,filters,channels), upside down.
void turn_kernel(const Kernels& kernels, const Extents& e, const float* kernel, float* to) {
  const std::int64_t taps = e.window.size.height * e.window.size.width;
  for (std::int64_t tap = 0; tap < taps; ++tap)
    kernels.transpose(e.channels, e.filters, kernel + (taps - 1 - tap) * e.channels * e.F, e.F,
                      to + tap * e.channels * e.filters, e.channels);
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

std::int64_t Convolution::prepared_values(const FusedConv2D& of, const Shape& kernel) const {
  const bool pays = of.groups == 1 && of.pool == Extent2D(1) && of.positions.height * of.positions.width >= kPositionsWorthPanels &&
                    kernel[3] % panel_columns(kernels_) == 0;
  return pays ? kernel.elements() : 0;
}

void Convolution::prepare(ConstTensorView kernel, float* to) const {
  const std::int64_t F = kernel.shape[3];
  to_panels(kernels_, kernel.elements() / F, F, kernel.as<float>(), to);
}

void Convolution::forward(const FusedConv2D& of, ConstTensorView x, ConstTensorView kernel, TensorView y) {
  const Extents e(of.window, of.groups, x.shape, y.shape);
  const float *in = x.as<float>(), *weights = kernel.as<float>(), *offsets = of.bias ? of.bias.as<float>() : nullptr;
  float* out = y.as<float>();
  if (e.depthwise() && !of.scale && !of.addend) {
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
      float* line = out + row * e.OW * e.C;
      if (of.relu) kernels_.activation_forward(Activation::relu, e.OW * e.C, line, line);
    });
    return;
  }
  for (std::int64_t g = 0; g < of.groups; ++g) {
    const Patches patches(e, in + g * e.channels);
    const auto of_group = [&](ConstTensorView view) { return view ? view.as<float>() + g * e.filters : nullptr; };
    gemm(kernels_, {.M = e.positions,
                    .N = e.filters,
                    .K = e.depth,
                    .a = patches.x,
                    .a_row = e.C,
                    .b = of.prepared != nullptr ? of.prepared : weights + g * e.filters,
                    .b_row = e.F,
                    .panels = of.prepared != nullptr,
                    .scale = of_group(of.scale),
                    .bias = of_group(of.bias),
                    .c = out + g * e.filters,
                    .c_row = e.F,
                    .addend = of_group(of.addend),
                    .clamps = of.relu,
                    .gather = e.one_pixel() ? nullptr : Patches::gather,
                    .gathers = &patches});
  }
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
  for (std::int64_t g = 0; g < groups; ++g) {
    const Patches patches(e, in + g * e.channels);
    gemm(kernels_, {.M = e.depth,
                    .N = e.filters,
                    .K = e.positions,
                    .a = patches.x,
                    .a_row = e.C,
                    .transposed = true,
                    .b = gradient + g * e.filters,
                    .b_row = e.F,
                    .c = to + g * e.filters,
                    .c_row = e.F,
                    .gather = e.one_pixel() ? nullptr : Patches::gather,
                    .gathers = &patches});
  }
}

void Convolution::backward_input(const Window2D& window, std::int64_t groups, ConstTensorView dz, ConstTensorView kernel,
                                 TensorView dx) {
  const Extents e(window, groups, dx.shape, dz.shape);
  const float *gradient = dz.as<float>(), *weights = kernel.as<float>();
  float* to = dx.as<float>();
  if (e.depthwise()) {
    clear_values(to, dx.elements());
    share(dx.shape[0], e.positions * e.C * e.depth, [&](std::int64_t n) {
      for (std::int64_t row = n * e.OH; row < (n + 1) * e.OH; ++row)
        for_depthwise_taps(e, row, [&](std::int64_t position, std::int64_t tap, std::int64_t pixel) {
          kernels_.multiply_add(e.C, gradient + position, weights + tap, to + pixel);
        });
    });
    return;
  }
  float* turned = reserve(turned_, e.filters * e.depth);
  // Where the window moves by single pixels, dx is dz convolved with the kernel upside down, its channels swapped.
  if (window.strides == Extent2D(1)) {
    const Window2D back{.size = window.size,
                        .strides = window.strides,
                        .top = window.size.height - 1 - window.top,
                        .left = window.size.width - 1 - window.left};
    const Extents b(back, groups, dz.shape, dx.shape);
    for (std::int64_t g = 0; g < groups; ++g) {
      turn_kernel(kernels_, e, weights + g * e.filters, turned);
      const Patches patches(b, gradient + g * e.filters);
      gemm(kernels_, {.M = b.positions,
                      .N = b.filters,
                      .K = b.depth,
                      .a = patches.x,
                      .a_row = b.C,
                      .b = turned,
                      .b_row = b.filters,
                      .c = to + g * b.filters,
                      .c_row = b.F,
                      .gather = b.one_pixel() ? nullptr : Patches::gather,
                      .gathers = &patches});
    }
    return;
  }
  // Elsewhere the gradients of the patches are computed, some positions at a time, and added up where they lie.
  clear_values(to, dx.elements());
  const std::int64_t chunk = std::clamp<std::int64_t>(kPatchValues / e.depth, 1, e.positions), image_positions = e.OH * e.OW;
  float* patches = reserve(patches_, chunk * e.depth);
  for (std::int64_t g = 0; g < groups; ++g) {
    kernels_.transpose(e.depth, e.filters, weights + g * e.filters, e.F, turned, e.depth);
    for (std::int64_t begin = 0; begin < e.positions; begin += chunk) {
      const std::int64_t rows = std::min(chunk, e.positions - begin);
      gemm(kernels_, {.M = rows,
                      .N = e.depth,
                      .K = e.filters,
                      .a = gradient + begin * e.F + g * e.filters,
                      .a_row = e.F,
                      .b = turned,
                      .b_row = e.depth,
                      .c = patches,
                      .c_row = e.depth});
      // Positions of one image add to the same pixels: one task an image.
      const std::int64_t first = begin / image_positions, last = (begin + rows - 1) / image_positions;
      share(last - first + 1, rows * e.depth, [&](std::int64_t i) {
        const std::int64_t from = std::max(begin, (first + i) * image_positions),
                           until = std::min(begin + rows, (first + i + 1) * image_positions);
        scatter(kernels_, e, patches + (from - begin) * e.depth, from, until - from, g * e.channels, to);
      });
    }
  }
}

}  // namespace neurona::cpu
