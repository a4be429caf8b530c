// The convolution that a network for gray images begins with: one channel, a window of 3x3, max-pooling of 2x2 behind it. Too few
// multiplications for each value to pass through a matrix product. Included by kernels_impl.hpp inside its namespace.

// Vectors of filters under way at a time: those of the four pixels of a pooling window stay in registers, the kernel's too.
constexpr int kGrayVectors = NEURONA_ACCUMULATORS >= 20 ? 4 : 2;
constexpr int kGrayGradientVectors = NEURONA_ACCUMULATORS >= 20 ? 2 : 1;

template <int NV>
inline void gray_forward_of(const GrayPiece& p, std::int64_t f) {
  for (std::int64_t i = 0; i < p.count; ++i) {
    const float* x = p.x + 2 * i;
    Vector sums[4][NV];
    for (int v = 0; v < NV; ++v) {
      const Vector start = p.bias != nullptr ? load<Vector>(p.bias + f + v * W) : Vector{};
      for (int pixel = 0; pixel < 4; ++pixel) sums[pixel][v] = start;
    }
#pragma GCC unroll 3
    for (int ky = 0; ky < 3; ++ky) {
#pragma GCC unroll 3
      for (int kx = 0; kx < 3; ++kx) {
        Vector weights[NV];
        for (int v = 0; v < NV; ++v) weights[v] = load<Vector>(p.kernel + (ky * 3 + kx) * p.F + f + v * W);
        for (int pixel = 0; pixel < 4; ++pixel) {
          const float value = x[(ky + pixel / 2) * p.row + kx + pixel % 2];
          for (int v = 0; v < NV; ++v) sums[pixel][v] = multiply_add(value, weights[v], sums[pixel][v]);
        }
      }
    }
    for (int v = 0; v < NV; ++v) {
      Vector best = sums[0][v];
      Mask tap{};
      for (int pixel = 1; pixel < 4; ++pixel) {
        const Mask larger = is_larger(sums[pixel][v], best);
        best = larger ? sums[pixel][v] : best;
        tap = larger ? Mask{} + pixel : tap;
      }
      if (p.clamps) best = clamped(best);
      store(p.y + i * p.F + f + v * W, best);
      if (p.taps == nullptr) continue;
      const Bytes narrow = __builtin_convertvector(tap, Bytes);
      std::memcpy(p.taps + i * p.F + f + v * W, &narrow, sizeof narrow);
    }
  }
}

void gray_forward(const GrayPiece& p) {
  std::int64_t f = 0;
  for (; f + kGrayVectors * W <= p.F; f += kGrayVectors * W) gray_forward_of<kGrayVectors>(p, f);
  for (; f < p.F; f += W) gray_forward_of<1>(p, f);
}

template <int NV>
inline void gray_backward_of(const GrayGradientPiece& p, std::int64_t f) {
  Vector kernel[9][NV], sums[NV];
  for (int v = 0; v < NV; ++v) {
    sums[v] = Vector{};
    for (int tap = 0; tap < 9; ++tap) kernel[tap][v] = Vector{};
  }
  for (std::int64_t i = 0; i < p.count; ++i) {
    const float* x = p.x + 2 * i;
    Vector given[NV];
    Mask taps[NV];
    for (int v = 0; v < NV; ++v) {
      const std::int64_t at = i * p.F + f + v * W;
      given[v] = load<Vector>(p.dy + at);
      if (p.clamped != nullptr) given[v] = through_clamp(given[v], load<Vector>(p.clamped + at));
      sums[v] += given[v];
      Bytes narrow;
      std::memcpy(&narrow, p.taps + at, sizeof narrow);
      taps[v] = __builtin_convertvector(narrow, Mask);
    }
#pragma GCC unroll 4
    for (int pixel = 0; pixel < 4; ++pixel) {
      Vector share[NV];
      for (int v = 0; v < NV; ++v) share[v] = taps[v] == pixel ? given[v] : Vector{};
#pragma GCC unroll 9
      for (int tap = 0; tap < 9; ++tap) {
        const float value = x[(tap / 3 + pixel / 2) * p.row + tap % 3 + pixel % 2];
        for (int v = 0; v < NV; ++v) kernel[tap][v] = multiply_add(value, share[v], kernel[tap][v]);
      }
    }
  }
  for (int v = 0; v < NV; ++v) {
    store(p.sums + f + v * W, sums[v]);
    for (int tap = 0; tap < 9; ++tap) {
      float* to = p.kernel + tap * p.F + f + v * W;
      store(to, load<Vector>(to) + kernel[tap][v]);
    }
  }
}

void gray_backward(const GrayGradientPiece& p) {
  std::int64_t f = 0;
  for (; f + kGrayGradientVectors * W <= p.F; f += kGrayGradientVectors * W) gray_backward_of<kGrayGradientVectors>(p, f);
  for (; f < p.F; f += W) gray_backward_of<1>(p, f);
}
