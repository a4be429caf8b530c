// What is told about a run beside its loss.
#pragma once

#include <cstdint>
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
  /// Errors: ShapeError or ValueError that says what targets the metric needs for predictions of this sample shape.
  virtual void check(const Shape& prediction, const Dataset& data) const = 0;
  /// Sum over the samples of a batch. `is_logits`: the network's last activation was left out of the prediction,
  /// because the loss wants logits (Loss::logits_of).
  virtual double evaluate(ConstTensorView prediction, bool is_logits, const Targets& targets) const = 0;
};

/// Share of samples that are predicted right, as Keras understands "accuracy". With several outputs: the largest
/// prediction (the first of equals) is the label, or the largest of the target's values. With one output: a probability
/// above 0.5 means 1, else 0, and that is the target. Where predictions have more axes, the mean over a sample's
/// positions.
class Accuracy : public Metric {
 public:
  std::string_view name() const override { return "accuracy"; }
  void check(const Shape& prediction, const Dataset& data) const override;
  double evaluate(ConstTensorView prediction, bool is_logits, const Targets& targets) const override;
};

struct TopKCategoricalAccuracyOptions {
  std::int64_t k = 5;  ///< at least 1
};

/// Share of samples whose class is among the k largest predictions; predictions (N, classes). The class is the label,
/// or the place of the largest of the target's values (the first of equals). Ties count in its favor, as in Keras: it
/// is among them unless k predictions are strictly larger. A prediction that is not finite is never among them. Named
/// "top_k_categorical_accuracy", with another k than 5 "top_3_categorical_accuracy" (Keras keeps the first name), so
/// that its name says all. Errors: ValueError for k < 1.
class TopKCategoricalAccuracy : public Metric {
 public:
  explicit TopKCategoricalAccuracy(TopKCategoricalAccuracyOptions options = {});
  std::string_view name() const override { return name_; }
  void check(const Shape& prediction, const Dataset& data) const override;
  double evaluate(ConstTensorView prediction, bool is_logits, const Targets& targets) const override;

 private:
  TopKCategoricalAccuracyOptions options_;
  std::string name_;
};

/// By name. Errors: ValueError that lists the known names.
Handle<Metric> make_metric(std::string_view name);
std::vector<std::string> metric_names();

}  // namespace neurona
