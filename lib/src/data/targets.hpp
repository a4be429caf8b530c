// What a target is: class labels, or a value for each element of a prediction.
#pragma once

#include <string>
#include <string_view>

#include "neurona/dataset.hpp"
#include "neurona/error.hpp"

namespace neurona::detail {

/// Errors: ValueError for a label that is none of `classes`.
inline void check_labels(std::string_view loss, std::int64_t classes, const Dataset& data) {
  for (std::int64_t i = 0; i < data.size(); ++i)
    if (data.label(i) < 0 || data.label(i) >= classes)
      throw ValueError(std::string(loss) + ": sample " + std::to_string(i) + " has label " +
                       std::to_string(data.label(i)) + "; the network has " + std::to_string(classes) +
                       " classes, so labels go from 0 to " + std::to_string(classes - 1) + ".");
}

/// Whether a sample's prediction is one number, so that a class label, 0 or 1, is its target as it is.
inline bool is_binary(const Shape& prediction) { return prediction.rank() == 1 && prediction[0] == 1; }

/// For losses and metrics that take labels as one-hot vectors, or values of the prediction's shape. Errors: ShapeError;
/// ValueError for a label that is no class.
inline void check_targets(std::string_view name, const Shape& prediction, const Dataset& data) {
  if (data.has_labels()) {
    if (prediction.rank() != 1)
      throw ShapeError(std::string(name) + " received predictions of shape " + prediction.to_string() +
                       " a sample; with class labels it expects one value for each class.");
    check_labels(name, prediction[0], data);
  } else if (!(data.target_shape() == prediction)) {
    throw ShapeError(std::string(name) + " received predictions of shape " + prediction.to_string() +
                     " a sample; the targets have " + data.target_shape().to_string() + ".");
  }
}

/// The same, but with a single output labels are 0 or 1.
inline void check_targets_or_binary(std::string_view name, const Shape& prediction, const Dataset& data) {
  if (!data.has_labels() || !is_binary(prediction)) return check_targets(name, prediction, data);
  for (std::int64_t i = 0; i < data.size(); ++i)
    if (data.label(i) != 0 && data.label(i) != 1)
      throw ValueError(std::string(name) + ": sample " + std::to_string(i) + " has label " +
                       std::to_string(data.label(i)) + "; with one output labels are 0 or 1.");
}

/// The target of element f of sample n's F elements: its value, or 1 where f is the label and 0 elsewhere.
template <class T>
double target_at(const Targets& targets, std::int64_t n, std::int64_t f, std::int64_t F) {
  if (targets.labels.empty()) return static_cast<double>(targets.values.as<T>()[n * F + f]);
  return targets.labels[static_cast<std::size_t>(n)] == f ? 1.0 : 0.0;
}

}  // namespace neurona::detail
