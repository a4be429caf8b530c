// ResNet-50 against an independent implementation (generate/resnet50.py): see README.md, also for the
// measure.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <limits>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "golden/fixture.hpp"
#include "golden/resnet50_weights.hpp"
#include "model/executor.hpp"
#include "neurona/applications.hpp"

using namespace neurona;
using test::Fixture;

namespace {

// float32 through 53 convolutions against float64. A weight in the wrong place is off by more: README.md.
constexpr double kTolerance = 1e-3;

// Largest |a - b| over the elements, as a share of the largest |b|; b is the fixture.
double error_of_largest(std::span<const double> a, std::span<const double> b) {
  if (a.size() != b.size()) return std::numeric_limits<double>::infinity();
  double scale = 0.0, error = 0.0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    scale = std::max(scale, std::abs(b[i]));
    const double e = std::abs(a[i] - b[i]);
    if (!(e <= error)) error = std::isfinite(e) ? e : std::numeric_limits<double>::infinity();
  }
  return scale > 0.0 ? error / scale : std::numeric_limits<double>::infinity();
}

std::vector<double> to_vector(std::span<const float> values) { return {values.begin(), values.end()}; }

Model drawn_resnet50(const char* backend) {
  Model model = make_network("resnet50");
  model.set_backend(make_backend(backend));
  test::draw_resnet50_weights(model);
  return model;
}

// The elements of a layer's output that the fixture has.
std::vector<double> witnesses(const Fixture& fixture, const std::string& layer, const Tensor& output) {
  std::vector<double> elements;
  for (const double i : fixture.values("witness/" + layer))
    elements.push_back(output.at(static_cast<std::int64_t>(i)));
  return elements;
}

// The outputs of the blocks, in order, so that the first failure shows where an error begins.
void check_witnesses(const Fixture& fixture, const std::string& image, Model& model, const Tensor& x) {
  std::size_t found = 0;
  for (const LayerActivation& activation : model.activations(x)) {
    if (!fixture.has(image + "/" + activation.layer + "/sums")) continue;
    CAPTURE(activation.layer);
    ++found;
    std::vector<double> sums(2);
    for (const double v : activation.output.values()) {
      sums[0] += v;
      sums[1] += v * v;
    }
    const std::vector<double> expected_sums = fixture.values(image + "/" + activation.layer + "/sums");
    const std::vector<double> chosen = witnesses(fixture, activation.layer, activation.output);
    CHECK(error_of_largest(chosen, fixture.values(image + "/" + activation.layer)) < kTolerance);
    for (std::size_t i = 0; i < sums.size(); ++i)
      CHECK(error_of_largest({&sums[i], 1}, {&expected_sums[i], 1}) < kTolerance);
  }
  CHECK(found == fixture.cases().at(0).at("layers").size());
}

std::vector<double> logits(Model& model, const Tensor& x) {
  Executor executor(model, 1, Executor::Use::inference);
  copy(x.view(), executor.input(1));
  executor.forward({.training = false, .logits = true});
  const float* values = executor.output().as<float>();
  return {values, values + executor.output().elements()};
}

void check_images(const char* backend) {
  const Fixture fixture("resnet50.safetensors");
  Model model = drawn_resnet50(backend);
  for (const auto& spec : fixture.cases()) {
    const std::string name = spec.at("name");
    CAPTURE(name);
    const Tensor x = name == "photo" ? test::draw_resnet50_photo() : test::draw_resnet50_float_image();
    check_witnesses(fixture, name, model, x);
    CHECK(error_of_largest(logits(model, x), fixture.values(name + "/logits")) < kTolerance);
    CHECK(error_of_largest(to_vector(model.predict(x).values()), fixture.values(name + "/probabilities")) <
          kTolerance);
  }
}

}  // namespace

TEST_CASE("ResNet-50's blocks, logits and probabilities equal those of an independent implementation") {
  check_images("cpu");
}

TEST_CASE("ResNet-50 on the reference backend equals an independent implementation") {
  check_images("reference");
}

TEST_CASE("The drawn weights and images are those of the fixture, bit for bit") {
  const Fixture fixture("resnet50.safetensors");
  Model model = drawn_resnet50("cpu");
  std::vector<double> sums, last;
  for (const Parameter* weight : model.parameters()) {
    const std::span<const float> values = weight->value.values();
    sums.push_back(std::accumulate(values.begin(), values.end(), 0.0));
    last.push_back(values.back());
  }
  CHECK(sums == fixture.values("weights/sums"));
  CHECK(last == fixture.values("weights/last"));
  CHECK(witnesses(fixture, "input", test::draw_resnet50_photo()) == fixture.values("photo/input"));
  CHECK(witnesses(fixture, "input", test::draw_resnet50_float_image()) == fixture.values("float/input"));
}

TEST_CASE("ResNet-50 has as many weights as in Keras") {
  Model model = make_network("resnet50");
  CHECK(model.parameters().size() == 320);
  CHECK(model.count_params() == 25'636'712);
  CHECK(model.count_trainable_params() == 25'583'592);
  CHECK(model.count_params() - model.count_trainable_params() == 53'120);
}

TEST_CASE("The summary of ResNet-50 is the tutorial's table, character by character") {
  std::ifstream stream(std::string(NEURONA_GOLDEN_FIXTURES) + "/resnet50_summary.txt", std::ios::binary);
  const std::string table(std::istreambuf_iterator<char>(stream), {});
  REQUIRE(table.size() > 0);
  const std::string summary = make_network("resnet50").summary();
  const auto lines = [](const std::string& text) {
    std::vector<std::string> result;
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = std::min(text.find('\n', begin), text.size());
      result.push_back(text.substr(begin, end - begin));
      begin = end + 1;
    }
    return result;
  };
  const std::vector<std::string> expected = lines(table), is = lines(summary);
  CHECK(is.size() == expected.size());
  for (std::size_t i = 0; i < std::min(is.size(), expected.size()); ++i) {
    CAPTURE(i + 1);
    REQUIRE(is[i] == expected[i]);
  }
  CHECK(summary == table);
}
