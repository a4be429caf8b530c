// Convolution, pooling and normalization by plain loops; sums run in double.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "backend/backend.hpp"

namespace neurona::reference {

// Calls visit(n, oy, ox, ky, kx, iy, ix) for every position and every tap of the window that lies inside the
// image. x (N,H,W,C), positions (N,OH,OW,.)
template <class Visit>
void for_taps(const Window2D& w, const Shape& x, const Shape& positions, Visit visit) {
  for (std::int64_t n = 0; n < positions[0]; ++n)
    for (std::int64_t oy = 0; oy < positions[1]; ++oy)
      for (std::int64_t ox = 0; ox < positions[2]; ++ox)
        for (std::int64_t ky = 0; ky < w.size.height; ++ky)
          for (std::int64_t kx = 0; kx < w.size.width; ++kx) {
            const std::int64_t iy = oy * w.strides.height + ky - w.top,
                               ix = ox * w.strides.width + kx - w.left;
            if (iy >= 0 && iy < x[1] && ix >= 0 && ix < x[2]) visit(n, oy, ox, ky, kx, iy, ix);
          }
}

inline std::int64_t at(const Shape& s, std::int64_t n, std::int64_t y, std::int64_t x) {
  return ((n * s[1] + y) * s[2] + x) * s[3];
}

// x (N,H,W,C)  kernel (KH,KW,C/G,F)  bias (F)  ->  y (N,OH,OW,F)
template <class T>
void conv2d_forward(const Window2D& w, std::int64_t groups, ConstTensorView x, ConstTensorView kernel,
                    ConstTensorView bias, TensorView y) {
  const std::int64_t F = y.shape[3], channels = kernel.shape[2], filters = F / groups;
  std::vector<double> sums(static_cast<std::size_t>(y.elements()));
  for (std::size_t i = 0; bias && i < sums.size(); ++i)
    sums[i] = static_cast<double>(bias.as<T>()[static_cast<std::int64_t>(i) % F]);
  for_taps(w, x.shape, y.shape, [&](auto n, auto oy, auto ox, auto ky, auto kx, auto iy, auto ix) {
    const T* in = x.as<T>() + at(x.shape, n, iy, ix);
    const T* weights = kernel.as<T>() + (ky * w.size.width + kx) * channels * F;
    double* out = sums.data() + at(y.shape, n, oy, ox);
    for (std::int64_t f = 0; f < F; ++f)
      for (std::int64_t c = 0; c < channels; ++c)
        out[f] += static_cast<double>(in[f / filters * channels + c]) * weights[c * F + f];
  });
  for (std::int64_t i = 0; i < y.elements(); ++i)
    y.as<T>()[i] = static_cast<T>(sums[static_cast<std::size_t>(i)]);
}

template <class T>
void conv2d_backward_parameters(const Window2D& w, std::int64_t groups, ConstTensorView x, ConstTensorView dz,
                                TensorView dkernel, TensorView dbias) {
  const std::int64_t F = dz.shape[3], channels = x.shape[3] / groups, filters = F / groups;
  if (dkernel) {
    std::vector<double> sums(static_cast<std::size_t>(dkernel.elements()));
    for_taps(w, x.shape, dz.shape, [&](auto n, auto oy, auto ox, auto ky, auto kx, auto iy, auto ix) {
      const T* in = x.as<T>() + at(x.shape, n, iy, ix);
      const T* out = dz.as<T>() + at(dz.shape, n, oy, ox);
      double* to = sums.data() + (ky * w.size.width + kx) * channels * F;
      for (std::int64_t f = 0; f < F; ++f)
        for (std::int64_t c = 0; c < channels; ++c)
          to[c * F + f] += static_cast<double>(in[f / filters * channels + c]) * out[f];
    });
    for (std::int64_t i = 0; i < dkernel.elements(); ++i)
      dkernel.as<T>()[i] = static_cast<T>(sums[static_cast<std::size_t>(i)]);
  }
  for (std::int64_t f = 0; dbias && f < F; ++f) {
    double sum = 0.0;
    for (std::int64_t i = f; i < dz.elements(); i += F) sum += dz.as<T>()[i];
    dbias.as<T>()[f] = static_cast<T>(sum);
  }
}

template <class T>
void conv2d_backward_input(const Window2D& w, std::int64_t groups, ConstTensorView dz, ConstTensorView kernel,
                           TensorView dx) {
  const std::int64_t F = dz.shape[3], channels = kernel.shape[2], filters = F / groups;
  std::vector<double> sums(static_cast<std::size_t>(dx.elements()));
  for_taps(w, dx.shape, dz.shape, [&](auto n, auto oy, auto ox, auto ky, auto kx, auto iy, auto ix) {
    double* to = sums.data() + at(dx.shape, n, iy, ix);
    const T* out = dz.as<T>() + at(dz.shape, n, oy, ox);
    const T* weights = kernel.as<T>() + (ky * w.size.width + kx) * channels * F;
    for (std::int64_t f = 0; f < F; ++f)
      for (std::int64_t c = 0; c < channels; ++c)
        to[f / filters * channels + c] += static_cast<double>(out[f]) * weights[c * F + f];
  });
  for (std::int64_t i = 0; i < dx.elements(); ++i)
    dx.as<T>()[i] = static_cast<T>(sums[static_cast<std::size_t>(i)]);
}

// Taps of each position (N,OH,OW) that lie inside the image.
inline std::vector<std::int64_t> count_taps(const Window2D& w, const Shape& x, const Shape& y) {
  std::vector<std::int64_t> counts(static_cast<std::size_t>(y[0] * y[1] * y[2]));
  for_taps(w, x, y, [&](auto n, auto oy, auto ox, auto, auto, auto, auto) {
    ++counts[static_cast<std::size_t>((n * y[1] + oy) * y[2] + ox)];
  });
  return counts;
}

template <class T>
void pool2d_forward(Pooling pooling, const Window2D& w, ConstTensorView x, TensorView y) {
  const std::int64_t C = x.shape[3];
  const bool largest = pooling == Pooling::max;
  std::vector<double> results(static_cast<std::size_t>(y.elements()),
                              largest ? -std::numeric_limits<double>::infinity() : 0.0);
  for_taps(w, x.shape, y.shape, [&](auto n, auto oy, auto ox, auto, auto, auto iy, auto ix) {
    const T* in = x.as<T>() + at(x.shape, n, iy, ix);
    double* out = results.data() + at(y.shape, n, oy, ox);
    for (std::int64_t c = 0; c < C; ++c)
      if (!largest)
        out[c] += static_cast<double>(in[c]);
      else if (static_cast<double>(in[c]) > out[c] || std::isnan(in[c]))  // a NaN takes the place and keeps it
        out[c] = static_cast<double>(in[c]);
  });
  const std::vector<std::int64_t> counts = count_taps(w, x.shape, y.shape);
  for (std::int64_t i = 0; i < y.elements(); ++i)
    y.as<T>()[i] =
        static_cast<T>(results[static_cast<std::size_t>(i)] /
                       (largest ? 1.0 : static_cast<double>(counts[static_cast<std::size_t>(i / C)])));
}

template <class T>
void pool2d_backward(Pooling pooling, const Window2D& w, ConstTensorView x, ConstTensorView y,
                     ConstTensorView dy, TensorView dx) {
  const std::int64_t C = x.shape[3];
  std::vector<double> sums(static_cast<std::size_t>(dx.elements()));
  std::vector<bool> given(static_cast<std::size_t>(dy.elements()));
  const std::vector<std::int64_t> counts = count_taps(w, x.shape, y.shape);
  for_taps(w, x.shape, y.shape, [&](auto n, auto oy, auto ox, auto, auto, auto iy, auto ix) {
    const std::int64_t in = at(x.shape, n, iy, ix), out = at(y.shape, n, oy, ox);
    for (std::int64_t c = 0; c < C; ++c) {
      const double g = static_cast<double>(dy.as<T>()[out + c]);
      double& to = sums[static_cast<std::size_t>(in + c)];
      if (pooling == Pooling::average) {
        to += g / static_cast<double>(counts[static_cast<std::size_t>(out / C)]);
      } else if (!given[static_cast<std::size_t>(out + c)] && (x.as<T>()[in + c] == y.as<T>()[out + c] || std::isnan(x.as<T>()[in + c]))) {
        given[static_cast<std::size_t>(out + c)] = true;
        to += g;
      }
    }
  });
  for (std::int64_t i = 0; i < dx.elements(); ++i)
    dx.as<T>()[i] = static_cast<T>(sums[static_cast<std::size_t>(i)]);
}

// x (M,C) -> mean (C), variance (C)
template <class T>
void moments(ConstTensorView x, TensorView mean, TensorView variance) {
  const std::int64_t C = mean.elements(), M = x.elements() / C;
  for (std::int64_t c = 0; c < C; ++c) {
    double sum = 0.0, squares = 0.0;
    for (std::int64_t m = 0; m < M; ++m) sum += static_cast<double>(x.as<T>()[m * C + c]);
    const double mu = sum / static_cast<double>(M);
    for (std::int64_t m = 0; m < M; ++m)
      squares += std::pow(static_cast<double>(x.as<T>()[m * C + c]) - mu, 2);
    mean.as<T>()[c] = static_cast<T>(mu);
    variance.as<T>()[c] = static_cast<T>(squares / static_cast<double>(M));
  }
}

template <class T>
void batch_normalization(ConstTensorView x, ConstTensorView gamma, ConstTensorView beta, ConstTensorView mean,
                         ConstTensorView variance, double epsilon, TensorView y) {
  const std::int64_t C = gamma.elements();
  for (std::int64_t i = 0; i < x.elements(); ++i) {
    const std::int64_t c = i % C;
    const double centered = static_cast<double>(x.as<T>()[i]) - static_cast<double>(mean.as<T>()[c]);
    y.as<T>()[i] = static_cast<T>(static_cast<double>(gamma.as<T>()[c]) * centered /
                                      std::sqrt(static_cast<double>(variance.as<T>()[c]) + epsilon) +
                                  static_cast<double>(beta.as<T>()[c]));
  }
}

// With v = 1 / sqrt(variance + epsilon), h = (x - mean) * v:
// dgamma = sum dy*h, dbeta = sum dy, dx = gamma * v * (dy - (dbeta + h * dgamma) / M), or gamma * v * dy.
template <class T>
void batch_normalization_backward(const NormalizationGradient& of, ConstTensorView x, ConstTensorView gamma,
                                  ConstTensorView mean, ConstTensorView variance, ConstTensorView dy,
                                  TensorView dx, TensorView dgamma, TensorView dbeta) {
  const std::int64_t C = gamma.elements(), M = x.elements() / C;
  const auto value = [](ConstTensorView v, std::int64_t i) { return static_cast<double>(v.as<T>()[i]); };
  for (std::int64_t c = 0; c < C; ++c) {
    const double v = 1.0 / std::sqrt(value(variance, c) + of.epsilon);
    const auto normalized = [&](std::int64_t i) { return (value(x, i) - value(mean, c)) * v; };
    double sum = 0.0, weighted = 0.0;
    for (std::int64_t i = c; i < x.elements(); i += C) {
      sum += value(dy, i);
      weighted += value(dy, i) * normalized(i);
    }
    if (dgamma) dgamma.as<T>()[c] = static_cast<T>(weighted);
    if (dbeta) dbeta.as<T>()[c] = static_cast<T>(sum);
    for (std::int64_t i = c; dx && i < x.elements(); i += C) {
      const double shared = of.of_batch ? (sum + normalized(i) * weighted) / static_cast<double>(M) : 0.0;
      dx.as<T>()[i] = static_cast<T>(value(gamma, c) * v * (value(dy, i) - shared));
    }
  }
}

}  // namespace neurona::reference
