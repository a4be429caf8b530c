#include <algorithm>
#include <cmath>
#include <cstring>

#include "backend/cpu/images.hpp"
#include "backend/cpu/share.hpp"

namespace neurona::cpu {

namespace {

// Rows of a task. Up to so many, tasks are blocks of columns instead: a block is read from memory once.
constexpr std::int64_t kSumRows = 128;
constexpr std::int64_t kMostColumns = 256;
constexpr std::int64_t kWholeColumns = 32;
// A task in columns goes over its values so many times.
constexpr std::int64_t kPasses = 4;

// Columns of a task, as even as can be: what they hold stays in the first-level cache.
std::int64_t column_block(std::int64_t rows, std::int64_t columns) {
  const std::int64_t most = std::clamp((1 << 13) / rows / kWholeColumns * kWholeColumns, kWholeColumns, kMostColumns);
  return pieces_of(pieces_of(columns, pieces_of(columns, most)), kWholeColumns) * kWholeColumns;
}

void divide(const double* sums, std::int64_t C, std::int64_t count, float* means) {
  for (std::int64_t c = 0; c < C; ++c) means[c] = static_cast<float>(sums[c] / static_cast<double>(count));
}

// gamma / sqrt(variance + epsilon), in double: few rows leave gradients whose terms nearly cancel. forward() has a kernel for it.
void scales(const float* gamma, const float* variance, double epsilon, std::int64_t C, float* to) {
  for (std::int64_t c = 0; c < C; ++c)
    to[c] = static_cast<float>(static_cast<double>(gamma[c]) / std::sqrt(static_cast<double>(variance[c]) + epsilon));
}

// With v = 1 / sqrt(variance + epsilon), S = sum dy, P = sum dy*(x - mean):
// dbeta = S, dgamma = v*P, dx = gamma*v * dy - gamma*v^3*P/M * (x - mean) - gamma*v*S/M
struct Gradient {
  const NormalizationGradient& of;
  std::int64_t M;
  const float *gamma, *variance;
  float *dgamma, *dbeta;  // may be null
  float *slope, *tilt, *offset;

  void from(std::int64_t first, std::int64_t count, const double* sums, const double* products) const {
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t c = first + i;
      const double v = 1.0 / std::sqrt(static_cast<double>(variance[c]) + of.epsilon);
      const double scale = static_cast<double>(gamma[c]) * v;
      if (dgamma != nullptr) dgamma[c] = static_cast<float>(v * products[i]);
      if (dbeta != nullptr) dbeta[c] = static_cast<float>(sums[i]);
      slope[i] = static_cast<float>(scale);
      tilt[i] = of.of_batch ? static_cast<float>(-scale * v * v * products[i] / static_cast<double>(M)) : 0.0f;
      offset[i] = of.of_batch ? static_cast<float>(-scale * sums[i] / static_cast<double>(M)) : 0.0f;
    }
  }
};

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
    for (std::size_t c = 0; c < columns; ++c) sums_[c] += piece_sums_[static_cast<std::size_t>(i) * columns + c];
}

// task(first column, columns) for each block of columns.
template <class Task>
void Normalization::for_columns(std::int64_t M, std::int64_t C, Task task) {
  const std::int64_t block = column_block(M, C);
  share(pieces_of(C, block), kPasses * M * C, [&](std::int64_t i) { task(i * block, std::min(block, C - i * block)); });
}

void Normalization::sum_columns(ConstTensorView x, TensorView sums) {
  const std::int64_t C = sums.elements(), M = x.elements() / C;
  sum_rows(M, C, [&](std::int64_t begin, std::int64_t rows, double* target) {
    kernels_.column_sums({rows, C, C}, x.as<float>() + begin * C, target);
  });
  for (std::int64_t c = 0; c < C; ++c) sums.as<float>()[c] = static_cast<float>(sums_[static_cast<std::size_t>(c)]);
}

void Normalization::moments(ConstTensorView x, TensorView mean, TensorView variance) {
  const std::int64_t C = mean.elements(), M = x.elements() / C;
  const float* in = x.as<float>();
  sum_rows(M, C, [&](std::int64_t begin, std::int64_t rows, double* sums) {
    kernels_.column_sums({rows, C, C}, in + begin * C, sums);
  });
  divide(sums_.data(), C, M, mean.as<float>());
  sum_rows(M, C, [&](std::int64_t begin, std::int64_t rows, double* sums) {
    kernels_.column_squares({rows, C, C}, in + begin * C, mean.as<float>(), sums);
  });
  divide(sums_.data(), C, M, variance.as<float>());
}

void Normalization::forward(ConstTensorView x, ConstTensorView gamma, ConstTensorView beta, ConstTensorView mean,
                            ConstTensorView variance, double epsilon, TensorView y) {
  const std::int64_t C = gamma.elements(), M = x.elements() / C;
  float* factors = reserve(factors_, C);
  kernels_.normal_scales(C, gamma.as<float>(), variance.as<float>(), static_cast<float>(epsilon), factors);
  share(pieces_of(M, kSumRows), M * C, [&](std::int64_t i) {
    const std::int64_t begin = i * kSumRows;
    kernels_.normalize({.of = {std::min(kSumRows, M - begin), C, C},
                        .x = x.as<float>() + begin * C,
                        .mean = mean.as<float>(),
                        .scale = factors,
                        .shift = beta.as<float>(),
                        .y = y.as<float>() + begin * C});
  });
}

void Normalization::forward_of_batch(ConstTensorView x, ConstTensorView gamma, ConstTensorView beta, double epsilon,
                                     TensorView mean, TensorView variance, TensorView y) {
  const std::int64_t C = gamma.elements(), M = x.elements() / C;
  if (M > kSumRows) {
    moments(x, mean, variance);
    return forward(x, gamma, beta, mean, variance, epsilon, y);
  }
  reserve(factors_, C);  // not wanted here, but by validation, which is not to allocate
  float *means = mean.as<float>(), *variances = variance.as<float>();
  for_columns(M, C, [&](std::int64_t c, std::int64_t count) {
    const Columns of{M, count, C};
    const float* in = x.as<float>() + c;
    double sums[kMostColumns];
    float factors[kMostColumns];
    kernels_.column_sums(of, in, sums);
    divide(sums, count, M, means + c);
    kernels_.column_squares(of, in, means + c, sums);
    divide(sums, count, M, variances + c);
    scales(gamma.as<float>() + c, variances + c, epsilon, count, factors);
    kernels_.normalize({.of = of, .x = in, .mean = means + c, .scale = factors, .shift = beta.as<float>() + c, .y = y.as<float>() + c});
  });
}

void Normalization::backward(const NormalizationGradient& of, ConstTensorView x, ConstTensorView gamma, ConstTensorView mean,
                             ConstTensorView variance, ConstTensorView dy, TensorView dx, TensorView dgamma,
                             TensorView dbeta) {
  const std::int64_t C = gamma.elements(), M = x.elements() / C;
  const float *in = x.as<float>(), *gradient = dy.as<float>(), *center = mean.as<float>();
  Gradient terms{.of = of,
                 .M = M,
                 .gamma = gamma.as<float>(),
                 .variance = variance.as<float>(),
                 .dgamma = dgamma ? dgamma.as<float>() : nullptr,
                 .dbeta = dbeta ? dbeta.as<float>() : nullptr,
                 .slope = nullptr,
                 .tilt = nullptr,
                 .offset = nullptr};
  if (M <= kSumRows) {
    return for_columns(M, C, [&](std::int64_t c, std::int64_t count) {
      const Columns columns{M, count, C};
      double sums[kMostColumns], products[kMostColumns];
      float slope[kMostColumns], tilt[kMostColumns], offset[kMostColumns];
      kernels_.column_products(columns, in + c, gradient + c, center + c, products);
      kernels_.column_sums(columns, gradient + c, sums);
      Gradient own = terms;
      own.slope = slope, own.tilt = tilt, own.offset = offset;
      own.from(c, count, sums, products);
      if (!dx) return;
      kernels_.normalize_backward({.of = columns,
                                   .x = in + c,
                                   .dy = gradient + c,
                                   .mean = center + c,
                                   .slope = slope,
                                   .tilt = tilt,
                                   .offset = offset,
                                   .dx = dx.as<float>() + c});
    });
  }
  sum_rows(M, C, [&](std::int64_t begin, std::int64_t rows, double* sums) {
    kernels_.column_products({rows, C, C}, in + begin * C, gradient + begin * C, center, sums);
  });
  products_.assign(sums_.begin(), sums_.end());
  sum_rows(M, C, [&](std::int64_t begin, std::int64_t rows, double* sums) {
    kernels_.column_sums({rows, C, C}, gradient + begin * C, sums);
  });
  terms.slope = reserve(factors_, 3 * C);
  terms.tilt = terms.slope + C;
  terms.offset = terms.tilt + C;
  terms.from(0, C, sums_.data(), products_.data());
  if (!dx) return;
  share(pieces_of(M, kSumRows), M * C, [&](std::int64_t i) {
    const std::int64_t begin = i * kSumRows;
    kernels_.normalize_backward({.of = {std::min(kSumRows, M - begin), C, C},
                                 .x = in + begin * C,
                                 .dy = gradient + begin * C,
                                 .mean = center,
                                 .slope = terms.slope,
                                 .tilt = terms.tilt,
                                 .offset = terms.offset,
                                 .dx = dx.as<float>() + begin * C});
  });
}

}  // namespace neurona::cpu
