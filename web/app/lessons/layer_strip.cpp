#include "layer_strip.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "../app.hpp"
#include "../widgets/heat_map.hpp"

namespace neurona::app {
namespace {

/// Layers that are worth a picture: Flatten and the like only reshape.
std::vector<int> shown_layers(const Prediction& p) {
  std::vector<int> out;
  for (std::size_t i = 0; i < p.layers.size(); ++i)
    if (p.layers[i].kind != "Flatten" && p.layers[i].kind != "Dropout") out.push_back(int(i));
  return out;
}

}  // namespace

void unit_tooltip(LessonContext& c, std::string_view key, Rect anchor, int layer, int unit) {
  DigitReader& digit = c.app.digit();
  if (!digit.recognizer() || layer < 0 || digit.prediction().label < 0) return;
  const UnitExplanation e = digit.recognizer()->explain(layer, unit, 3);
  if (e.inputs == 0) return;
  const Language language = c.ui.language();
  const bool last = layer + 1 == int(digit.prediction().layers.size());
  const auto number = [&](float v) { return format_number(double(v), 2, language); };
  std::string numbers = "z = ";
  for (std::size_t i = 0; i < e.products.size(); ++i) {
    const auto& product = e.products[i];
    if (i) numbers += " + ";
    numbers += (product.weight < 0 ? "(" + number(product.weight) + ")" : number(product.weight)) + "·" +
               number(product.value);
  }
  numbers +=
      std::string(e.bias < 0 ? " + … − " : " + … + ") + number(std::fabs(e.bias)) + " = " + number(e.z);
  const std::string name(e.activation == "softmax"  ? "softmax"
                         : e.activation == "linear" ? "a"
                                                    : e.activation);
  std::string result = e.activation == "softmax" ? "softmax(z) = " + format_percent(double(e.a), 1, language)
                                                 : name + "(z) = " + number(e.a);
  const std::string title = last ? std::string(c.text.label("output")) + " " + std::to_string(unit)
                                 : std::string(c.text.label("unit")) + " " + std::to_string(unit + 1);
  c.ui.tooltip(key, anchor,
               {.title = title,
                .value = e.activation == "softmax" ? format_percent(double(e.a), 1, language) : number(e.a),
                .numbers = numbers + "\n\n" + result,
                .source = std::string(c.text.label("sum_of")) + " " + std::to_string(e.inputs) + " " +
                          std::string(c.text.label("products"))});
}

void layer_strip(LessonContext& c, Rect rect) {
  Ui& ui = c.ui;
  const Theme& t = ui.theme();
  DigitReader& digit = c.app.digit();
  const Prediction& p = digit.prediction().label >= 0 ? digit.prediction() : digit.at_rest();
  const std::vector<int> layers = shown_layers(p);
  const TextStyle caption = ui.style(Type::caption);
  Rect names = rect.cut_bottom(16, 5);
  const float height = rect.h;

  // Widths: the image is square, the output narrow, the hidden layers share the rest.
  const float gap = rect.w < 400 ? 12.f : 26.f, image = std::min(height, rect.w * 0.26f);
  const float output = std::max(24.f, ui.measure("10", caption).x);
  const int hidden = std::max(0, int(layers.size()) - 1);
  float share = hidden > 0 ? (rect.w - image - output - gap * float(hidden + 1)) / float(hidden) : 0;
  share = std::min(share, height * 2.2f);
  const float used = image + output + share * float(hidden) + gap * float(hidden + 1);
  const float spread = hidden > 0 && used < rect.w ? (rect.w - used) / float(hidden + 1) : 0;

  float x = rect.x;
  const auto name = [&](float width, std::string_view text) {
    ui.text_in({x, names.y, width, names.h}, text, caption);
  };
  std::vector<float> values(784);
  for (std::size_t i = 0; i < 784; ++i) values[i] = float(digit.prepared()[i]) / 255.f;
  const Rect picture{x, rect.y + (height - image) / 2, image, image};
  ui.fill(picture, mix(t.panel, t.background, 0.85f), 4);
  heat_map(ui, "strip-image", picture, values, 28, 28, {.ground = false, .label = "28 × 28"});
  ui.stroke(picture, t.line, 4);
  name(image + gap, "28×28");
  x += image + gap + spread;

  for (std::size_t k = 0; k < layers.size(); ++k) {
    const LayerActivation& layer = p.layers[std::size_t(layers[k])];
    const int count = int(layer.values.size());
    const bool last = k + 1 == layers.size();
    const float width = last ? output : share;
    const int columns = last ? 1 : grid_columns(count, width, height), rows = (count + columns - 1) / columns;
    values.assign(layer.values.begin(), layer.values.end());
    float most = 1e-6f;
    for (const float v : values) most = std::max(most, std::fabs(v));
    if (!last)
      for (float& v : values) v /= most;
    const std::string key = "strip-" + layer.name;
    const Rect grid{x, rect.y, width, height};
    const int unit =
        heat_map(ui, key, grid, values, rows, columns,
                 {.scale = last ? Scale::accent : Scale::diverging, .gap = 1.5f, .label = layer.name});
    if (unit >= 0) {
      const Rect cell = heat_map_cell(grid, rows, columns, unit);
      ui.stroke({cell.x - 1, cell.y - 1, cell.w + 0.5f, cell.h + 0.5f}, t.accent, 3, 2);
      unit_tooltip(c, key, cell, layers[k], unit);
    }
    const std::string label =
        last ? std::to_string(count) : std::string(c.text.label("dense")) + " " + std::to_string(count);
    name(last ? rect.right() - x : width + gap * 0.8f, label);
    x += width + gap + spread;
  }
}

}  // namespace neurona::app
