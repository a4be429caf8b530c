#include <doctest/doctest.h>

#include <limits>

#include "neurona/error.hpp"
#include "neurona/metric.hpp"

using namespace neurona;

namespace {

double judge(const Metric& metric, const Tensor& prediction, const Targets& targets, bool is_logits = false) {
  return metric.evaluate(prediction.view(), is_logits, targets);
}

const Tensor& three_by_three() {
  static const Tensor p({3, 3}, std::vector<float>{0.2f, 0.5f, 0.3f, 0.4f, 0.4f, 0.2f, 0, 0, 1});
  return p;
}

}  // namespace

TEST_CASE("Accuracy counts the first of the largest predictions, against labels and one-hot targets") {
  const std::vector<std::int32_t> labels{1, 1, 2};
  CHECK(judge(Accuracy(), three_by_three(), {labels, {}}) == 2.0);
  const Tensor one_hot({3, 3}, std::vector<float>{0, 1, 0, 0, 1, 0, 0, 0, 1});
  CHECK(judge(Accuracy(), three_by_three(), {{}, one_hot.view()}) == 2.0);
}

TEST_CASE("Accuracy of one output asks whether the probability passes 0.5, the logit 0") {
  const Tensor p({4, 1}, std::vector<float>{0.2f, 0.5f, 0.51f, 3.0f}), values({4, 1}, std::vector<float>{0, 1, 1, 1});
  const std::vector<std::int32_t> labels{0, 0, 1, 0};
  CHECK(judge(Accuracy(), p, {labels, {}}) == 3.0);
  CHECK(judge(Accuracy(), p, {{}, values.view()}) == 3.0);
  CHECK(judge(Accuracy(), p, {labels, {}}, true) == 1.0);
}

TEST_CASE("Accuracy of predictions with more axes is the mean over a sample's positions") {
  const Tensor p({1, 2, 2}, std::vector<float>{0.9f, 0.1f, 0.9f, 0.1f}), t({1, 2, 2}, std::vector<float>{1, 0, 0, 1});
  CHECK(judge(Accuracy(), p, {{}, t.view()}) == 0.5);
}

TEST_CASE("Top-k accuracy counts a class unless k predictions are strictly larger") {
  const Tensor p({4, 4}, std::vector<float>{4, 3, 2, 1,  //
                                            3, 3, 3, 3,  //
                                            1, 2, 2, 2,  //
                                            1, 2, 2, 2});
  const std::vector<std::int32_t> labels{1, 3, 3, 0};
  CHECK(judge(TopKCategoricalAccuracy({.k = 1}), p, {labels, {}}) == 2.0);  // all of equals are the largest
  CHECK(judge(TopKCategoricalAccuracy({.k = 2}), p, {labels, {}}) == 3.0);
  CHECK(judge(TopKCategoricalAccuracy({.k = 3}), p, {labels, {}}) == 3.0);
  CHECK(judge(TopKCategoricalAccuracy({.k = 4}), p, {labels, {}}) == 4.0);
  CHECK(judge(TopKCategoricalAccuracy({.k = 9}), p, {labels, {}}) == 4.0);
  const Tensor one_hot({4, 4}, std::vector<float>{0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0, 0});
  CHECK(judge(TopKCategoricalAccuracy({.k = 2}), p, {{}, one_hot.view()}) == 3.0);
}

TEST_CASE("A class whose prediction is not finite is never among the k largest") {
  const Tensor p({2, 2}, std::vector<float>{std::numeric_limits<float>::quiet_NaN(), 0,
                                            std::numeric_limits<float>::infinity(), 0});
  const std::vector<std::int32_t> labels{0, 0};
  CHECK(judge(TopKCategoricalAccuracy({.k = 2}), p, {labels, {}}) == 0.0);
}

TEST_CASE("Metrics are made by name, k included, and say which targets they need") {
  for (const std::string& name : metric_names()) CHECK(make_metric(name)->name() == name);
  CHECK(TopKCategoricalAccuracy({.k = 5}).name() == "top_k_categorical_accuracy");
  CHECK(TopKCategoricalAccuracy({.k = 3}).name() == "top_3_categorical_accuracy");
  CHECK(make_metric("top_3_categorical_accuracy")->name() == "top_3_categorical_accuracy");
  CHECK_THROWS_WITH_AS(make_metric("f1"), "Unknown metric 'f1'. Known: accuracy, top_k_categorical_accuracy.",
                       ValueError);
  CHECK_THROWS_AS(make_metric("top_x_categorical_accuracy"), ValueError);
  CHECK_THROWS_AS(make_metric("top_-1_categorical_accuracy"), ValueError);
  CHECK_THROWS_AS(make_metric("top__categorical_accuracy"), ValueError);
  CHECK_THROWS_AS(TopKCategoricalAccuracy({.k = 0}), ValueError);
  const Dataset values(Tensor({2, 3}), Tensor({2, 4})), labels(Tensor({2, 3}), std::vector<std::int32_t>{1, 10});
  CHECK_THROWS_WITH_AS(Accuracy().check({3}, values),
                       "accuracy received predictions of shape (3,) a sample; the targets have (4,).", ShapeError);
  CHECK_THROWS_AS(Accuracy().check({1}, labels), ValueError);
  CHECK_THROWS_WITH_AS(
      TopKCategoricalAccuracy().check({10}, labels),
      "top_k_categorical_accuracy: sample 1 has label 10; the network has 10 classes, so labels go from 0 to 9.",
      ValueError);
  CHECK_THROWS_AS(TopKCategoricalAccuracy().check({2, 10}, values), ShapeError);
  CHECK_NOTHROW(Accuracy().check({4}, values));
}
