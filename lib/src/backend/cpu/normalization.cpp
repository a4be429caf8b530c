#include <algorithm>
#include <cmath>

#include "backend/cpu/images.hpp"
#include "backend/cpu/share.hpp"

namespace neurona::cpu {

namespace {

constexpr std::int64_t kSumRows = 128;  // rows of a task

}  // namespace

// sum(begin, rows, target (C)) for pieces of rows; sums_ (C) becomes their total.
template <class Sum>
void Normalization::sum_rows(std::int64_t M, std::int64_t C, Sum sum) {
  const auto columns = static_cast<std::size_t>(C);
  const std::int64_t pieces = pieces_of(M, kSumRows);
  piece_sums_.resize(std::max(piece_sums_.size(), columns * static_cast<std::size_t>(pieces)));
  share(pieces, M * C, [&](std::int64_t i) {
    sum(i * kSumRows, std::min(kSumRows, M - i * kSumRows), piece_sums_.data() + i * C);
  });
  sums_.assign(std::max(sums_.size(), columns), 0.0);
  for (std::int64_t i = 0; i < pieces; ++i)
    for (std::size_t c = 0; c < columns; ++c)
      sums_[c] += piece_sums_[static_cast<std::size_t>(i) * columns + c];
}

void Normalization::sum_columns(ConstTensorView x, TensorView sums) {
  const std::int64_t C = sums.elements(), M = x.elements() / C;
  sum_rows(M, C, [&](std::int64_t begin, std::int64_t rows, double* target) {
    kernels_.column_sums(rows, C, x.as<float>() + begin * C, target);
  });
  for (std::int64_t c = 0; c < C; ++c)
    sums.as<float>()[c] = static_cast<float>(sums_[static_cast<std::size_t>(c)]);
}

void Normalization::moments(ConstTensorView x, TensorView mean, TensorView variance) {
  const std::int64_t C = mean.elements(), M = x.elements() / C;
  const float* in = x.as<float>();
  sum_rows(M, C, [&](std::int64_t begin, std::int64_t rows, double* sums) {
    kernels_.column_sums(rows, C, in + begin * C, sums);
  });
  for (std::int64_t c = 0; c < C; ++c)
    mean.as<float>()[c] = static_cast<float>(sums_[static_cast<std::size_t>(c)] / static_cast<double>(M));
  sum_rows(M, C, [&](std::int64_t begin, std::int64_t rows, double* sums) {
    kernels_.column_squares(rows, C, in + begin * C, mean.as<float>(), sums);
  });
  for (std::int64_t c = 0; c < C; ++c)
    variance.as<float>()[c] = static_cast<float>(sums_[static_cast<std::size_t>(c)] / static_cast<double>(M));
}

void Normalization::forward(ConstTensorView x, ConstTensorView gamma, ConstTensorView beta,
                            ConstTensorView mean, ConstTensorView variance, double epsilon, TensorView y) {
  const std::int64_t C = gamma.elements(), M = x.elements() / C;
  factors_.resize(std::max(factors_.size(), static_cast<std::size_t>(C)));
  for (std::int64_t c = 0; c < C; ++c)
    factors_[static_cast<std::size_t>(c)] =
        static_cast<float>(static_cast<double>(gamma.as<float>()[c]) /
                           std::sqrt(static_cast<double>(variance.as<float>()[c]) + epsilon));
  share(pieces_of(M, kSumRows), M * C, [&](std::int64_t i) {
    const std::int64_t begin = i * kSumRows;
    kernels_.normalize({.rows = std::min(kSumRows, M - begin),
                        .C = C,
                        .x = x.as<float>() + begin * C,
                        .mean = mean.as<float>(),
                        .scale = factors_.data(),
                        .shift = beta.as<float>(),
                        .y = y.as<float>() + begin * C});
  });
}

// With v = 1 / sqrt(variance + epsilon), S = sum dy, P = sum dy*(x - mean):
// dbeta = S, dgamma = v*P, dx = gamma*v * dy - gamma*v^3*P/M * (x - mean) - gamma*v*S/M
void Normalization::backward(const NormalizationGradient& of, ConstTensorView x, ConstTensorView gamma,
                             ConstTensorView mean, ConstTensorView variance, ConstTensorView dy,
                             TensorView dx, TensorView dgamma, TensorView dbeta) {
  const std::int64_t C = gamma.elements(), M = x.elements() / C;
  const auto columns = static_cast<std::size_t>(C);
  const float *in = x.as<float>(), *gradient = dy.as<float>(), *centre = mean.as<float>();
  sum_rows(M, C, [&](std::int64_t begin, std::int64_t rows, double* sums) {
    kernels_.column_products(rows, C, in + begin * C, gradient + begin * C, centre, sums);
  });
  products_.assign(sums_.begin(), sums_.end());
  sum_rows(M, C, [&](std::int64_t begin, std::int64_t rows, double* sums) {
    kernels_.column_sums(rows, C, gradient + begin * C, sums);
  });
  factors_.resize(std::max(factors_.size(), 3 * columns));
  float *slope = factors_.data(), *tilt = slope + columns, *offset = tilt + columns;
  for (std::size_t c = 0; c < columns; ++c) {
    const double v = 1.0 / std::sqrt(static_cast<double>(variance.as<float>()[c]) + of.epsilon);
    const double scale = static_cast<double>(gamma.as<float>()[c]) * v;
    if (dgamma) dgamma.as<float>()[c] = static_cast<float>(v * products_[c]);
    if (dbeta) dbeta.as<float>()[c] = static_cast<float>(sums_[c]);
    slope[c] = static_cast<float>(scale);
    tilt[c] = of.of_batch ? static_cast<float>(-scale * v * v * products_[c] / static_cast<double>(M)) : 0.0f;
    offset[c] = of.of_batch ? static_cast<float>(-scale * sums_[c] / static_cast<double>(M)) : 0.0f;
  }
  if (!dx) return;
  share(pieces_of(M, kSumRows), M * C, [&](std::int64_t i) {
    const std::int64_t begin = i * kSumRows;
    kernels_.normalize_backward({.rows = std::min(kSumRows, M - begin),
                                 .C = C,
                                 .x = in + begin * C,
                                 .dy = gradient + begin * C,
                                 .mean = centre,
                                 .slope = slope,
                                 .tilt = tilt,
                                 .offset = offset,
                                 .dx = dx.as<float>() + begin * C});
  });
}

}  // namespace neurona::cpu
