#include <algorithm>
#include <cstring>

#include "backend/cpu/images.hpp"
#include "backend/cpu/share.hpp"

namespace neurona::cpu {

namespace {

// Calls visit(offset of the pixel's channels in x) for each tap of the window at (oy, ox) inside image n;
// returns their number.
template <class Visit>
std::int64_t for_taps(const Window2D& w, const Shape& x, std::int64_t n, std::int64_t oy, std::int64_t ox,
                      Visit visit) {
  const std::int64_t top = oy * w.strides.height - w.top, left = ox * w.strides.width - w.left;
  const std::int64_t y0 = std::max<std::int64_t>(0, top), y1 = std::min(x[1], top + w.size.height);
  const std::int64_t x0 = std::max<std::int64_t>(0, left), x1 = std::min(x[2], left + w.size.width);
  for (std::int64_t iy = y0; iy < y1; ++iy)
    for (std::int64_t ix = x0; ix < x1; ++ix) visit(((n * x[1] + iy) * x[2] + ix) * x[3]);
  return std::max<std::int64_t>(0, y1 - y0) * std::max<std::int64_t>(0, x1 - x0);
}

}  // namespace

void pool2d_forward(const Kernels& kernels, Pooling pooling, const Window2D& window, ConstTensorView x,
                    TensorView y) {
  const std::int64_t OH = y.shape[1], OW = y.shape[2], C = y.shape[3];
  const float* in = x.as<float>();
  share(y.shape[0] * OH, x.elements(), [&](std::int64_t row) {
    for (std::int64_t ox = 0; ox < OW; ++ox) {
      float* out = y.as<float>() + (row * OW + ox) * C;
      bool first = true;
      const std::int64_t taps = for_taps(window, x.shape, row / OH, row % OH, ox, [&](std::int64_t pixel) {
        if (first)
          std::memcpy(out, in + pixel, static_cast<std::size_t>(C) * sizeof(float));
        else if (pooling == Pooling::max)
          kernels.maximum(C, in + pixel, out);
        else
          kernels.add_to(C, in + pixel, out);
        first = false;
      });
      if (pooling == Pooling::average)
        for (std::int64_t c = 0; c < C; ++c) out[c] /= static_cast<float>(taps);
    }
  });
}

void pool2d_backward(const Kernels& kernels, Pooling pooling, const Window2D& window, ConstTensorView x,
                     ConstTensorView y, ConstTensorView dy, TensorView dx, std::vector<float>& left) {
  const std::int64_t N = y.shape[0], OH = y.shape[1], OW = y.shape[2], C = y.shape[3];
  const float *in = x.as<float>(), *out = y.as<float>(), *gradient = dy.as<float>();
  float* to = dx.as<float>();
  if (pooling == Pooling::max) {
    left.resize(std::max(left.size(), static_cast<std::size_t>(y.elements())));
    std::memcpy(left.data(), gradient, static_cast<std::size_t>(y.elements()) * sizeof(float));
  }
  const std::int64_t image = dx.shape[1] * dx.shape[2] * C;
  share(N, x.elements(), [&](std::int64_t n) {
    std::memset(to + n * image, 0, static_cast<std::size_t>(image) * sizeof(float));
    for (std::int64_t oy = 0; oy < OH; ++oy)
      for (std::int64_t ox = 0; ox < OW; ++ox) {
        const std::int64_t position = ((n * OH + oy) * OW + ox) * C;
        if (pooling == Pooling::max) {
          for_taps(window, x.shape, n, oy, ox, [&](std::int64_t pixel) {
            kernels.give_to_equal(C, in + pixel, out + position, left.data() + position, to + pixel);
          });
        } else {
          const std::int64_t taps = for_taps(window, x.shape, n, oy, ox, [](std::int64_t) {});
          for_taps(window, x.shape, n, oy, ox, [&](std::int64_t pixel) {
            kernels.scale_add(C, 1.0f / static_cast<float>(taps), gradient + position, to + pixel);
          });
        }
      }
  });
}

}  // namespace neurona::cpu
