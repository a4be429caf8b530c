#include <algorithm>
#include <cstring>

#include "backend/cpu/images.hpp"
#include "backend/cpu/patches.hpp"
#include "backend/cpu/share.hpp"

namespace neurona::cpu {

namespace {

// The batch is shared out in so many parts, whatever the number of threads: sums over it are made part by part.
constexpr std::int64_t kParts = 16;

// Whether the kernels for gray images can do it.
bool is_gray(const Kernels& kernels, const FusedConv2D& of, const Extents& e) {
  return e.C == 1 && of.groups == 1 && !of.scale && of.window.size == Extent2D(3) && of.window.strides == Extent2D(1) &&
         of.pool == Extent2D(2) && e.inside() && e.F % kernels.vector == 0;
}

// What both directions go through: parts of the batch, image by image, and of an image the lines that one line of windows covers.
struct Lines {
  Lines(const FusedConv2D& of, const Shape& x, const Shape& y)
      : e(of.window, of.groups, x, {y[0], of.positions.height, of.positions.width, y[3]}),
        pool(of.pool),
        images(y[0]),
        windows(y[2]),
        lines(y[1]),
        parts(std::min(images, kParts)),
        positions(pool.height * e.OW),
        values(positions * e.F) {}

  // body(image, line of windows, first value of y) for each line of windows of a part.
  template <class Body>
  void for_lines(std::int64_t part, Body body) const {
    for (std::int64_t n = part * images / parts; n < (part + 1) * images / parts; ++n)
      for (std::int64_t line = 0; line < lines; ++line)
        body(n, line, (n * lines + line) * windows * e.F);
  }

  // The first position of the convolution that a line of windows covers.
  std::int64_t position(std::int64_t n, std::int64_t line) const { return (n * e.OH + line * pool.height) * e.OW; }

  Extents e;
  Extent2D pool;
  std::int64_t images, windows, lines, parts, positions, values;
};

}  // namespace

void FusedConvolution::forward(const FusedConv2D& of, ConstTensorView x, ConstTensorView kernel, TensorView y,
                               std::uint8_t* taps) {
  const Lines l(of, x.shape, y.shape);
  const Extents& e = l.e;
  if (is_gray(kernels_, of, e)) {
    return share(l.parts, e.positions * e.F * e.depth, [&](std::int64_t part) {
      l.for_lines(part, [&](std::int64_t n, std::int64_t line, std::int64_t value) {
        kernels_.gray_forward({.count = l.windows,
                               .F = e.F,
                               .row = e.W,
                               .x = x.as<float>() + (n * e.H + 2 * line) * e.W,
                               .kernel = kernel.as<float>(),
                               .bias = of.bias ? of.bias.as<float>() : nullptr,
                               .clamps = of.relu,
                               .y = y.as<float>() + value,
                               .taps = taps != nullptr ? taps + value : nullptr});
      });
    });
  }
  float* scratch = reserve(lines_, l.parts * l.values);
  share(l.parts, e.positions * e.F * e.depth, [&](std::int64_t part) {
    float* pixels = scratch + part * l.values;
    l.for_lines(part, [&](std::int64_t n, std::int64_t line, std::int64_t value) {
      for (std::int64_t g = 0; g < of.groups; ++g) {
        const Patches patches(e, x.as<float>() + g * e.channels);
        const auto of_group = [&](ConstTensorView view) { return view ? view.as<float>() + g * e.filters : nullptr; };
        kernels_.gemm({.M = l.positions,
                       .N = e.filters,
                       .K = e.depth,
                       .a = nullptr,
                       .a_row = 0,
                       .b = kernel.as<float>() + g * e.filters,
                       .b_row = e.F,
                       .scale = of_group(of.scale),
                       .bias = of_group(of.bias),
                       .c = pixels + g * e.filters,
                       .c_row = e.F,
                       .gather = Patches::gather,
                       .gathers = &patches,
                       .gather_from = l.position(n, line)});
      }
      kernels_.max_pool({.count = l.windows,
                         .F = e.F,
                         .height = l.pool.height,
                         .width = l.pool.width,
                         .row = e.OW * e.F,
                         .pixels = pixels,
                         .clamps = of.relu,
                         .y = y.as<float>() + value,
                         .taps = taps != nullptr ? taps + value : nullptr});
    });
  });
}

void FusedConvolution::backward_parameters(const FusedConv2D& of, ConstTensorView x, ConstTensorView y,
                                           const std::uint8_t* taps, ConstTensorView dy, TensorView dkernel,
                                           TensorView dbias) {
  const Lines l(of, x.shape, dy.shape);
  const Extents& e = l.e;
  const std::int64_t weights = e.depth * e.F, part_values = l.values + e.F + weights;
  const Patches patches(e, x.as<float>());
  const bool gray = is_gray(kernels_, of, e);
  float* scratch = reserve(lines_, l.parts * part_values);
  bias_sums_.assign(std::max(bias_sums_.size(), static_cast<std::size_t>(l.parts * e.F)), 0.0);
  share(l.parts, e.positions * e.F * e.depth, [&](std::int64_t part) {
    float *pixels = scratch + part * part_values, *line_sums = pixels + l.values, *sums = line_sums + e.F;
    double* totals = bias_sums_.data() + part * e.F;
    clear_values(pixels, l.values);
    clear_values(sums, weights);
    l.for_lines(part, [&](std::int64_t n, std::int64_t line, std::int64_t value) {
      if (gray) {
        kernels_.gray_backward({.count = l.windows,
                                .F = e.F,
                                .row = e.W,
                                .x = x.as<float>() + (n * e.H + 2 * line) * e.W,
                                .dy = dy.as<float>() + value,
                                .clamped = of.relu ? y.as<float>() + value : nullptr,
                                .taps = taps + value,
                                .kernel = sums,
                                .sums = line_sums});
        for (std::int64_t f = 0; f < e.F; ++f) totals[f] += static_cast<double>(line_sums[f]);
        return;
      }
      kernels_.max_unpool({.count = l.windows,
                           .F = e.F,
                           .height = l.pool.height,
                           .width = l.pool.width,
                           .row = e.OW * e.F,
                           .dy = dy.as<float>() + value,
                           .clamped = of.relu ? y.as<float>() + value : nullptr,
                           .taps = taps + value,
                           .pixels = pixels,
                           .sums = line_sums});
      for (std::int64_t f = 0; f < e.F; ++f) totals[f] += static_cast<double>(line_sums[f]);
      kernels_.gemm({.M = e.depth,
                     .N = e.F,
                     .K = l.positions,
                     .a = nullptr,
                     .a_row = 0,
                     .transposed = true,
                     .b = pixels,
                     .b_row = e.F,
                     .c = sums,
                     .c_row = e.F,
                     .accumulate = true,
                     .gather = Patches::gather,
                     .gathers = &patches,
                     .gather_at = l.position(n, line)});
    });
  });
  for (std::int64_t i = 0; dkernel && i < weights; ++i) {
    double total = 0.0;
    for (std::int64_t part = 0; part < l.parts; ++part)
      total += static_cast<double>(scratch[part * part_values + l.values + e.F + i]);
    dkernel.as<float>()[i] = static_cast<float>(total);
  }
  for (std::int64_t f = 0; dbias && f < e.F; ++f) {
    double total = 0.0;
    for (std::int64_t part = 0; part < l.parts; ++part) total += bias_sums_[static_cast<std::size_t>(part * e.F + f)];
    dbias.as<float>()[f] = static_cast<float>(total);
  }
}

}  // namespace neurona::cpu
