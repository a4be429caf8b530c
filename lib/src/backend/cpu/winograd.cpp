#include <algorithm>
#include <array>

#include "backend/cpu/images.hpp"
#include "backend/cpu/share.hpp"

namespace neurona::cpu {

namespace {

// A value of a kernel that comes from memory costs as much time as so many multiply-adds.
constexpr std::int64_t kLoad = 8;
// Fewer channels or filters, and the transforms cost more than the products save.
constexpr std::int64_t kLeastChannels = 32;

using Taps = std::array<double, 3>;

// G of F(2,3) and F(4,3): what three taps weigh at each point.
constexpr std::array<Taps, 4> kPoints2{{{1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}}};
constexpr std::array<Taps, 6> kPoints4{{{1.0 / 4, 0, 0},
                                        {-1.0 / 6, -1.0 / 6, -1.0 / 6},
                                        {-1.0 / 6, 1.0 / 6, -1.0 / 6},
                                        {1.0 / 24, 1.0 / 12, 1.0 / 6},
                                        {1.0 / 24, -1.0 / 12, 1.0 / 6},
                                        {0, 0, 1}}};

// Columns of a panel of a point's matrix (C,F), all F where they are no whole panels.
std::int64_t columns_of(const Kernels& kernels, std::int64_t F) {
  return F % panel_columns(kernels) == 0 ? panel_columns(kernels) : F;
}

// kernel (3,3,C,F) -> to (points, panels, C, columns) = G kernel G^T
template <std::size_t Side>
void transform_kernel(const std::array<Taps, Side>& points, ConstTensorView kernel, std::int64_t columns, float* to) {
  const std::int64_t C = kernel.shape[2], F = kernel.shape[3];
  for (std::size_t i = 0; i < Side; ++i)
    for (std::size_t j = 0; j < Side; ++j) {
      double weights[9];
      for (std::size_t tap = 0; tap < 9; ++tap) weights[tap] = points[i][tap / 3] * points[j][tap % 3];
      for (std::int64_t n = 0; n < F; n += columns)
        for (std::int64_t c = 0; c < C; ++c)
          for (std::int64_t f = n; f < n + columns; ++f) {
            double sum = 0.0;
            for (std::int64_t tap = 0; tap < 9; ++tap)
              sum += weights[tap] * static_cast<double>(kernel.as<float>()[(tap * C + c) * F + f]);
            *to++ = static_cast<float>(sum);
          }
    }
}

}  // namespace

int Winograd::tile_for(const FusedConv2D& of, const Shape& x, const Shape& kernel) const {
  const std::int64_t C = x[3], F = kernel[3];
  if (!(of.window.size == Extent2D(3)) || !(of.window.strides == Extent2D(1)) || !(of.pool == Extent2D(1)) || of.groups != 1 ||
      C % kernels_.vector != 0 || F % kernels_.vector != 0 || C < kLeastChannels || F < kLeastChannels)
    return 0;
  // By the shapes of one image, so that the batch does not matter.
  const auto tiles = [&](std::int64_t side) {
    return pieces_of(of.positions.height, side) * pieces_of(of.positions.width, side);
  };
  const std::int64_t directly = 9 * (of.positions.height * of.positions.width + kLoad);
  const std::int64_t by_twos = 16 * (tiles(2) + kLoad), by_fours = 36 * (tiles(4) + kLoad);
  const std::int64_t best = std::min(by_twos, by_fours);
  if (4 * best > 3 * directly) return 0;
  return best == by_fours ? 4 : 2;
}

std::int64_t Winograd::prepared_values(const FusedConv2D& of, const Shape& x, const Shape& kernel) const {
  const std::int64_t side = tile_for(of, x, kernel) + 2;
  return side == 2 ? 0 : side * side * kernel[2] * kernel[3];
}

void Winograd::prepare(const FusedConv2D& of, const Shape& x, ConstTensorView kernel, float* to) const {
  const std::int64_t columns = columns_of(kernels_, kernel.shape[3]);
  switch (tile_for(of, x, kernel.shape)) {
    case 2: return transform_kernel(kPoints2, kernel, columns, to);
    case 4: return transform_kernel(kPoints4, kernel, columns, to);
    default: return;
  }
}

void Winograd::forward(const FusedConv2D& of, ConstTensorView x, const Shape& kernel, TensorView y) {
  const int tile = tile_for(of, x.shape, kernel);
  const std::int64_t N = x.shape[0], H = x.shape[1], W = x.shape[2], C = x.shape[3], F = kernel[3];
  const std::int64_t OH = of.positions.height, OW = of.positions.width;
  const std::int64_t down = pieces_of(OH, tile), across = pieces_of(OW, tile), tiles = N * down * across;
  const std::int64_t points = (tile + 2) * (tile + 2);
  float* inputs = reserve(points_, points * tiles * (C + F));  // (points, tiles, C)
  float* products = inputs + points * tiles * C;               // (points, tiles, F)

  // A line of tiles is a task.
  const auto for_tiles = [&](std::int64_t values, auto body) {
    share(N * down, points * tiles * values, [&](std::int64_t line) {
      for (std::int64_t i = 0; i < across; ++i) body(line / down, line % down * tile, i * tile, line * across + i);
    });
  };
  for_tiles(C, [&](std::int64_t n, std::int64_t top, std::int64_t left, std::int64_t i) {
    kernels_.winograd_input({.tile = tile,
                             .H = H,
                             .W = W,
                             .C = C,
                             .top = top - of.window.top,
                             .left = left - of.window.left,
                             .image = x.as<float>() + n * H * W * C,
                             .points = inputs + i * C,
                             .point = tiles * C});
  });
  const auto multiply = [&](std::int64_t point) {
    kernels_.gemm({.M = tiles,
                   .N = F,
                   .K = C,
                   .a = inputs + point * tiles * C,
                   .a_row = C,
                   .b = of.prepared + point * C * F,
                   .b_row = F,
                   .panels = columns_of(kernels_, F) != F,
                   .c = products + point * tiles * F,
                   .c_row = F});
  };
  if (points * tiles * C * F >= kMultiplyAddsWorthSharing) {
    runtime::parallel_for(points, multiply);
  } else {
    for (std::int64_t point = 0; point < points; ++point) multiply(point);
  }
  const auto data = [](ConstTensorView view) { return view ? view.as<float>() : nullptr; };
  for_tiles(F, [&](std::int64_t n, std::int64_t top, std::int64_t left, std::int64_t i) {
    const std::int64_t at = ((n * OH + top) * OW + left) * F;
    kernels_.winograd_output({.tile = tile,
                              .F = F,
                              .points = products + i * F,
                              .point = tiles * F,
                              .rows = std::min<std::int64_t>(tile, OH - top),
                              .columns = std::min<std::int64_t>(tile, OW - left),
                              .scale = data(of.scale),
                              .bias = data(of.bias),
                              .addend = of.addend ? of.addend.as<float>() + at : nullptr,
                              .clamps = of.relu,
                              .y = y.as<float>() + at,
                              .row = OW * F});
  });
}

}  // namespace neurona::cpu
