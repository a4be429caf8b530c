#include "layer_strip.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "../app.hpp"

namespace neurona::app {
namespace {

/// Layers that are worth a picture: units, and of the images what the first convolution and each pooling give. The
/// first one is left out where there is little room.
std::vector<int> shown_layers(const Prediction& p, bool narrow) {
  std::vector<int> out;
  bool first = !narrow;
  for (std::size_t i = 0; i < p.layers.size(); ++i) {
    const LayerActivation& layer = p.layers[i];
    const bool pooled = layer.kind.find("Pooling2D") != std::string::npos;
    if (layer.kind == "Dense" || (layer.height > 0 && (pooled || (first && layer.kind == "Activation")))) out.push_back(int(i));
    if (layer.kind == "Activation") first = false;
  }
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

/// The tooltip of a feature map: its size, its largest value, and what each of its values sums up.
void map_tooltip(LessonContext& c, std::string_view key, Rect anchor, const LayerActivation& layer, int map) {
  float most = layer.values[std::size_t(map)];
  for (std::size_t i = std::size_t(map); i < layer.values.size(); i += std::size_t(layer.channels)) most = std::max(most, layer.values[i]);
  const bool pooled = layer.kind.find("Pooling2D") != std::string::npos;
  const int products = layer.kernel_height * layer.kernel_width * layer.kernel_channels;
  c.ui.tooltip(key, anchor,
               {.title = std::string(c.text.label("map")) + " " + std::to_string(map + 1) + " / " + std::to_string(layer.channels),
                .value = std::to_string(layer.height) + "×" + std::to_string(layer.width),
                .text = std::string(c.text.label(pooled ? "map_pooled" : "map_text")),
                .numbers = std::to_string(layer.kernel_height) + "·" + std::to_string(layer.kernel_width) + "·" +
                           std::to_string(layer.kernel_channels) + " = " + std::to_string(products) + " " +
                           std::string(c.text.label("map_products")),
                .source = std::string(c.text.label("map_most")) + ": " + format_number(double(most), 2, c.ui.language())});
}

/// Draws the maps of a layer, with the tooltip of the one that is pointed at.
void LayerStrip::maps(LessonContext& c, Rect rect, const LayerActivation& layer) {
  ImageSheet& sheet = sheets_[layer.name];
  if (sheet.count() != layer.channels) {
    // The root, so that what is weak beside the layer's largest value is seen too.
    float most = 1e-6f;
    for (const float v : layer.values) most = std::max(most, std::fabs(v));
    const auto shade = [most](float v) { return std::copysign(std::sqrt(std::fabs(v) / most), v); };
    std::vector<float> images(layer.values.size());
    const auto count = std::size_t(layer.channels), size = std::size_t(layer.height * layer.width);
    for (std::size_t pixel = 0; pixel < size; ++pixel)
      for (std::size_t map = 0; map < count; ++map) images[map * size + pixel] = shade(layer.values[pixel * count + map]);
    sheet.update(c.ui.theme(), images, layer.channels, layer.height, layer.width, Scale::diverging);
  }
  // As large as they fit, in the grid that wastes least.
  const int columns = grid_columns(layer.channels, rect.w, rect.h), rows = (layer.channels + columns - 1) / columns;
  constexpr float kBetween = 3;
  const float cell = std::min((rect.w + kBetween) / float(columns), (rect.h + kBetween) / float(rows)) - kBetween;
  const GalleryLayout layout{columns, rows, layer.channels, cell, kBetween};
  const std::string key = "strip-" + layer.name;
  const Rect grid{rect.x, rect.y + (rect.h - float(rows) * (cell + kBetween) + kBetween) / 2, rect.w, rect.h};
  const GalleryHit hit = gallery(c.ui, key, grid, layout, sheet, 2, layer.name);
  for (int map = 0; map < layer.channels; ++map) c.ui.stroke(gallery_cell(grid, layout, map), fade(c.ui.theme().line, 0.8f), 2);
  if (hit.index >= 0) {
    const Rect at = gallery_cell(grid, layout, hit.index);
    c.ui.stroke({at.x - 1, at.y - 1, at.w + 2, at.h + 2}, c.ui.theme().accent, 3, 2);
    map_tooltip(c, key, at, layer, hit.index);
  }
}

void LayerStrip::draw(LessonContext& c, Rect rect) {
  Ui& ui = c.ui;
  const Theme& t = ui.theme();
  DigitReader& digit = c.app.digit();
  const Prediction& p = digit.prediction().label >= 0 ? digit.prediction() : digit.at_rest();
  const bool narrow = rect.w < 480;
  const std::vector<int> layers = shown_layers(p, narrow);
  if (changes_ != digit.changes() || theme_ != &t) {
    changes_ = digit.changes(), theme_ = &t;
    for (auto& [name, sheet] : sheets_) sheet.clear();
  }
  const TextStyle caption = ui.style(Type::caption);
  Rect names = rect.cut_bottom(16, 5);
  const float height = rect.h;

  // Widths: the image is square, the output narrow, the hidden layers share the rest.
  const float gap = narrow ? 12.f : 26.f, image = std::min(height, rect.w * (layers.size() > 2 ? 0.2f : 0.26f));
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
    if (layer.height > 0) {
      maps(c, {x, rect.y, width, height}, layer);
      const std::string size = std::to_string(layer.height) + "×" + std::to_string(layer.width);
      name(width + gap * 0.8f, std::to_string(layer.channels) + (narrow ? "·" : " · ") + size);
      x += width + gap + spread;
      continue;
    }
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
