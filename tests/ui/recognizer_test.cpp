// The networks behind the pad: what they say of themselves and of a drawing, and the choice between them.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "neurona/applications.hpp"
#include "neurona/error.hpp"
#include "neurona/formats.hpp"
#include "neurona/layers.hpp"
#include "session.hpp"

using namespace neurona::app;
using neurona::Activation;

namespace {

/// Small, with weights from a seed: two blocks of convolutions as in the front door's network.
std::vector<std::byte> small_cnn() {
  neurona::Sequential model({.name = "small", .seed = 5});
  model.add(neurona::Conv2D({.filters = 4, .kernel_size = 3, .padding = neurona::Padding::same, .input_shape = {28, 28, 1}}));
  model.add(neurona::BatchNormalization());
  model.add(neurona::ActivationLayer({.activation = Activation::relu}));
  model.add(neurona::MaxPooling2D());
  model.add(neurona::Conv2D({.filters = 6, .kernel_size = {3, 5}, .activation = Activation::relu}));
  model.add(neurona::MaxPooling2D());
  model.add(neurona::Flatten());
  model.add(neurona::Dense({.units = 12, .activation = Activation::relu}));
  model.add(neurona::Dropout({.rate = 0.5}));
  model.add(neurona::Dense({.units = 10, .activation = Activation::softmax}));
  return neurona::to_safetensors(model);
}

std::vector<std::byte> small_mlp() { return neurona::to_safetensors(neurona::make_network("mlp", 3)); }

std::array<std::uint8_t, 784> a_one() {
  std::array<std::uint8_t, 784> image{};
  for (std::size_t y = 4; y < 24; ++y) image[y * 28 + 13] = image[y * 28 + 14] = 255;
  return image;
}

const std::vector<PadStroke> kStroke{{{0.5f, 0.2f}, {0.5f, 0.8f}}};
constexpr float kRounding = 1e-4f;  // of a sum of some hundred products in float

}  // namespace

TEST_CASE("A network reads an image with a channel or without") {
  for (const auto& file : {small_cnn(), small_mlp()}) {
    const auto network = load_recognizer(file);
    const Prediction with = network->predict(a_one()), without = network->predict(a_one(), false);
    CHECK(with.label == without.label);
    CHECK(without.layers.empty());
    CHECK(std::accumulate(with.probabilities.begin(), with.probabilities.end(), 0.f) == doctest::Approx(1));
    for (std::size_t i = 0; i < 10; ++i) CHECK(with.probabilities[i] == doctest::Approx(without.probabilities[i]).epsilon(kRounding));
  }
}

TEST_CASE("A network tells its size and its cost") {
  const auto cnn = load_recognizer(small_cnn());
  // Convolutions of 9 x 1 x 4 and 15 x 4 x 6 weights at 28 x 28 and 12 x 10 places; 6 x 5 x 6 = 180 values go on to 12 and 10 units.
  CHECK(cnn->multiply_adds() == 28 * 28 * 36 + 12 * 10 * 360 + 180 * 12 + 12 * 10);
  CHECK(cnn->parameters() == (36 + 4) + 4 * 4 + (360 + 6) + (180 * 12 + 12) + (12 * 10 + 10));
  const auto mlp = load_recognizer(small_mlp());
  CHECK(mlp->multiply_adds() == 784 * 100 + 100 * 10);
  CHECK(mlp->parameters() == 79510);
}

TEST_CASE("Layers of images tell their shape, others do not") {
  const Prediction p = load_recognizer(small_cnn())->predict(a_one());
  REQUIRE(p.layers.size() == 10);
  CHECK(p.layers[2].is_image());
  CHECK(p.layers[2].activation == "relu");
  CHECK(p.layers[4].height == 12);
  CHECK(p.layers[4].width == 10);
  CHECK(p.layers[4].channels == 6);
  CHECK(p.layers[4].values.size() == 12 * 10 * 6);
  CHECK_FALSE(p.layers[6].is_image());
  CHECK_FALSE(p.layers[7].is_image());
}

TEST_CASE("A unit behind Flatten or Dropout is the sum of its products") {
  const auto network = load_recognizer(small_cnn());
  const Prediction p = network->predict(a_one());
  for (const auto& [layer, inputs] : {std::pair{7, 180}, {9, 12}}) {
    CAPTURE(layer);
    const UnitExplanation e = network->explain(layer, 3, 1000);
    CHECK(e.inputs == inputs);
    REQUIRE(int(e.products.size()) == inputs);
    double z = double(e.bias);
    for (const auto& product : e.products) z += double(product.weight) * double(product.value);
    CHECK(double(e.z) == doctest::Approx(z).epsilon(double(kRounding)));
    CHECK(e.a == p.layers[std::size_t(layer)].values[3]);
    CHECK(std::fabs(e.products[0].weight * e.products[0].value) >= std::fabs(e.products[1].weight * e.products[1].value));
  }
  const UnitExplanation hidden = network->explain(7, 3);
  CHECK(hidden.a == doctest::Approx(std::max(0.f, hidden.z)).epsilon(kRounding));
  CHECK(hidden.products.size() == 3);
  for (const auto& [layer, unit] : {std::pair{0, 0}, {6, 0}, {7, 12}, {-1, 0}, {10, 0}}) CHECK(network->explain(layer, unit).inputs == 0);
}

TEST_CASE("A feature map tells its filter, its products and where its largest value is") {
  const auto network = load_recognizer(small_cnn());
  const Prediction p = network->predict(a_one());
  for (const auto& [layer, convolution, kernel_width, channels] : {std::array{2, 0, 3, 1}, {3, 0, 3, 1}, {4, 4, 5, 4}, {5, 4, 5, 4}})
    for (int map = 0; map < p.layers[std::size_t(layer)].channels; ++map) {
      CAPTURE(layer);
      CAPTURE(map);
      const LayerActivation& a = p.layers[std::size_t(layer)];
      const MapExplanation e = network->explain_map(layer, map);
      CHECK(e.height == a.height);
      CHECK(e.width == a.width);
      CHECK(e.convolution == convolution);
      CHECK(e.products() == 3 * kernel_width * channels);
      const auto at = [&](int row, int column) { return a.values[std::size_t((row * a.width + column) * a.channels + map)]; };
      CHECK(e.largest == at(e.row, e.column));
      for (int i = 0; i < a.height * a.width; ++i) CHECK(e.largest >= at(i / a.width, i % a.width));
    }
  for (const auto& [layer, map] : {std::pair{2, 4}, {2, -1}, {6, 0}, {7, 0}, {-1, 0}, {99, 0}}) CHECK(network->explain_map(layer, map).height == 0);
}

TEST_CASE("A file that is no network of digits is refused in words") {
  neurona::Sequential model;
  model.add(neurona::Dense({.units = 10, .input_shape = {20}}));
  CHECK_THROWS_WITH_AS(load_recognizer(neurona::to_safetensors(model)),
                       "This network reads 20 values and gives 10; the pad needs 784 (28x28 grey values) and 10. Choose a network of digits.",
                       neurona::FormatError);
}

TEST_CASE("A network is fetched when it is chosen, and the drawing stays") {
  TestPlatform platform;
  platform.files = {{"cnn", small_cnn()}, {"mlp", small_mlp()}};
  DigitReader digit({.cnn = "cnn", .mlp = "mlp"});
  digit.set_strokes(kStroke);
  digit.update(platform);
  CHECK(platform.fetched == std::vector<std::string>{"cnn"});
  const Prediction by_cnn = digit.prediction();
  CHECK(by_cnn.label >= 0);
  CHECK(by_cnn.layers.size() == 10);
  CHECK(digit.other_prediction() == nullptr);

  const int serial = digit.serial();
  digit.choose(NetworkKind::mlp);
  CHECK(digit.status() == DigitReader::Status::waiting);
  CHECK(digit.prediction().label == -1);  // not the other one's
  CHECK(digit.update(platform));
  CHECK(platform.fetched == std::vector<std::string>{"cnn", "mlp"});
  CHECK(digit.serial() > serial);
  CHECK(digit.drawing().strokes.size() == 1);
  CHECK(digit.prediction().layers.size() == 3);
  REQUIRE(digit.other_prediction() != nullptr);
  CHECK(digit.other_prediction()->probabilities == by_cnn.probabilities);

  digit.choose(NetworkKind::cnn);
  digit.update(platform);
  CHECK(platform.fetched.size() == 2);
  CHECK(digit.prediction().layers.size() == 10);
}

TEST_CASE("A network that does not arrive leaves the other one working, and is asked for again on demand") {
  TestPlatform platform;
  platform.files = {{"cnn", small_cnn()}};
  DigitReader digit({.cnn = "cnn", .mlp = "mlp"});
  digit.set_strokes(kStroke);
  digit.choose(NetworkKind::mlp);
  digit.update(platform);
  CHECK(digit.status() == DigitReader::Status::failed);
  CHECK(digit.error() == "no network in tests");
  digit.choose(NetworkKind::cnn);
  digit.update(platform);
  CHECK(digit.status() == DigitReader::Status::ready);
  CHECK(digit.prediction().label >= 0);
  digit.choose(NetworkKind::mlp);
  digit.update(platform);
  CHECK(platform.fetched.size() == 2);  // a failure is not repeated by itself
  platform.files["mlp"] = small_mlp();
  digit.retry();
  digit.update(platform);
  CHECK(digit.status() == DigitReader::Status::ready);
}

TEST_CASE("The choice of network is in the address and comes from it") {
  Session s(1440, 900);
  s.digit.set_recognizer(load_recognizer(small_mlp()), NetworkKind::mlp);
  s.set("network", "mlp");
  CHECK(s.state()["values"]["network"] == "mlp");
  CHECK(s.state()["network"]["multiply_adds"] == 79400);
  CHECK(s.platform.fragment == "lesson=draw&step=1&lang=es&network=mlp");
  CHECK(s.app->set_value("network", "rnn") == "network: received 'rnn', expected 'cnn' or 'mlp'.");
  s.click("network-0");
  CHECK(s.digit.chosen() == NetworkKind::cnn);
  CHECK(s.platform.fragment == "lesson=draw&step=1&lang=es");
  s.platform.fragment = "lesson=draw&step=3&network=mlp";
  s.app->url_changed();
  CHECK(s.digit.chosen() == NetworkKind::mlp);
  // Another lesson's address does not undo it; one of this lesson without the name does.
  s.app->go("train", 0);
  s.run(2);
  CHECK(s.platform.fragment == "lesson=train&step=1&lang=es");
  s.app->url_changed();
  CHECK(s.digit.chosen() == NetworkKind::mlp);
  s.platform.fragment = "lesson=draw";
  s.app->url_changed();
  CHECK(s.digit.chosen() == NetworkKind::cnn);
}

TEST_CASE("Both networks' answers are told once both are here") {
  Session s(1440, 900);
  (void)s.app->draw_strokes(kStroke);
  CHECK_FALSE(s.state()["network"].contains("other"));
  s.digit.set_recognizer(load_recognizer(small_mlp()), NetworkKind::mlp);
  s.run(2);
  CHECK(s.state()["prediction"]["label"] == 3);
  const nlohmann::json mlp = s.state()["network"]["other"];
  s.set("network", "mlp");
  CHECK(s.state()["network"]["other"]["label"] == 3);
  CHECK(s.state()["prediction"]["label"] == mlp["label"]);
}

TEST_CASE("The keyboard reaches the feature maps, and each tells what made it") {
  for (const auto& [width, height] : {std::pair{390.f, 844.f}, {1024.f, 768.f}, {1366.f, 650.f}, {1440.f, 900.f}}) {
    CAPTURE(width);
    Session s(width, height);
    s.digit.set_recognizer(load_recognizer(small_cnn()));
    (void)s.app->draw_strokes(kStroke);
    s.run(3);
    const auto tooltip = [] { return ImGui::GetForegroundDrawList()->VtxBuffer.Size; };
    CHECK(tooltip() == 0);
    for (const char* maps : {"strip-max_pooling2d", "strip-max_pooling2d_1"}) {
      s.app->focus_control(maps);
      s.press(Key::right);
      CHECK(tooltip() > 0);
    }
    s.digit.drawing().clear();
    s.run(2);
    CHECK(tooltip() == 0);  // nothing to tell
  }
}

TEST_CASE("A value that is clicked is pinned: one walks to what it was made of, and back; Escape ends it") {
  Session s(1440, 900);
  s.digit.set_recognizer(load_recognizer(small_cnn()));
  (void)s.app->draw_strokes(kStroke);
  s.run(3);
  const auto spoken = [&] { return nlohmann::json::parse(s.app->mirror_json())["spoken"].get<std::string>(); };
  const auto names = [&] {
    std::vector<std::string> out;
    for (const auto& [name, rect] : s.state()["rects"].items())
      if (name.starts_with("walk/")) out.push_back(name);
    return out;
  };
  CHECK(names().empty());
  s.click("bars");
  s.run(2);
  // dense_1[...] = 0.1: its share of all. Each term's factor leads on.
  const std::string first = spoken();
  CHECK(first.find("dense_1[") == 0);
  CHECK(first.find("softmax") != std::string::npos);
  REQUIRE(s.state()["rects"].contains("walk/term-0-0"));
  s.click("walk/term-0-0");
  s.run(2);
  const std::string second = spoken();
  CHECK(second != first);
  CHECK(second.find("suma de 13") != std::string::npos);  // z: twelve products and the bias
  s.app->activate_control("walk/term-0-0");  // by the mirror, too
  s.run(3);
  const std::string third = spoken();
  CHECK(third != second);
  s.click("walk/back");
  s.run(2);
  CHECK(spoken() == second);
  // Another drawing: the same place, its new number.
  (void)s.app->draw_strokes({{{0.2f, 0.2f}, {0.8f, 0.2f}, {0.5f, 0.8f}}});
  s.run(3);
  CHECK(spoken() != second);
  CHECK(spoken().substr(0, 8) == second.substr(0, 8));
  s.press(Key::escape);
  CHECK(names().empty());
  CHECK(spoken().find("suma de") == std::string::npos);
}
