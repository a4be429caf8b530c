// What the losses share that explain their gradients.
#pragma once

#include "data/targets.hpp"
#include "neurona/terms.hpp"

namespace neurona::detail {

/// The target of a prediction (N, ...), as a number in the formula.
inline Factor target_factor(const Terms& terms, const Targets& targets, Element at,
                            bool label_is_target = false) {
  constexpr std::string_view kText = "target";
  if (label_is_target) return Terms::constant(targets.labels[static_cast<std::size_t>(at.sample)], kText);
  const Shape& y = terms.output_shape();
  const std::int64_t each = y.elements() / y[0];
  return Terms::constant(targets.values.dtype == DType::float64
                             ? target_at<double>(targets, at.sample, at.index, each)
                             : target_at<float>(targets, at.sample, at.index, each),
                         kText);
}

/// `factor` divided by the values of a prediction (N, ...): the mean over samples and elements.
inline Factor share_of_elements(const Terms& terms, double factor, std::string_view text) {
  return Terms::constant(factor / static_cast<double>(terms.output_shape().elements()), text);
}

}  // namespace neurona::detail
