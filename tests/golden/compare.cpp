#include "golden/compare.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace neurona::test {

double largest(std::span<const double> values) {
  double scale = 0.0;
  for (const double v : values) scale = std::max(scale, std::abs(v));
  return scale;
}

double relative_error(std::span<const double> a, std::span<const double> b, double small_scale,
                      double least) {
  if (a.size() != b.size()) return std::numeric_limits<double>::infinity();
  const double scale = std::max({small_scale * largest(b), least, std::numeric_limits<double>::min()});
  double error = 0.0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    const double e = std::abs(a[i] - b[i]) / std::max(std::abs(b[i]), scale);
    if (!(e <= error)) error = std::isfinite(e) ? e : std::numeric_limits<double>::infinity();
  }
  return error;
}

double loss_error(std::span<const double> a, std::span<const double> b) { return relative_error(a, b, 0.0); }

std::vector<double> to_vector(ConstTensorView view) {
  const float* elements = view.as<float>();
  return {elements, elements + view.elements()};
}

std::vector<double> minus(std::vector<double> a, std::span<const double> b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] -= b[i];
  return a;
}

}  // namespace neurona::test
