// What is told about a run beside its loss.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "neurona/dataset.hpp"
#include "neurona/handle.hpp"

namespace neurona {

/// Base of the metrics: a mean over samples.
class Metric {
 public:
  virtual ~Metric() = default;
  virtual std::string_view name() const = 0;
  /// Errors: ValueError that says what targets the metric needs.
  virtual void check(const Dataset& data) const = 0;
  /// Sum over the samples of a batch; prediction (N, classes), probabilities or logits.
  virtual double evaluate(ConstTensorView prediction, const Targets& targets) const = 0;
};

/// Share of samples whose largest prediction (the first of equals) is their label.
class Accuracy : public Metric {
 public:
  std::string_view name() const override { return "accuracy"; }
  void check(const Dataset& data) const override;
  double evaluate(ConstTensorView prediction, const Targets& targets) const override;
};

/// By Keras name. Errors: ValueError that lists the known names.
Handle<Metric> make_metric(std::string_view name);

}  // namespace neurona
