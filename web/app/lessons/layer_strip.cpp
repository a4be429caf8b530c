#include "layer_strip.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "../digit_reader.hpp"

namespace neurona::app {
namespace {

constexpr float kNameHeight = 16, kNameGap = 5;  // below each column
constexpr float kLineGap = 14;
constexpr float kNarrow = 480;
constexpr float kTall = 190;      // from here on there is room for two lines
constexpr float kLeastMap = 15;   // side of a feature map; smaller ones are left out
constexpr float kMostMap = 64;
constexpr float kPicture = 126;   // side of a map that is pointed at

bool pools(const LayerActivation& layer) { return layer.kind.find("Pooling") != std::string::npos; }

/// Image layers worth a picture: the end of the first block of convolutions, and every pooling.
std::vector<int> shown_maps(const Prediction& p) {
  std::vector<int> out;
  bool convolved = false;
  for (std::size_t i = 0; i < p.layers.size() && p.layers[i].is_image(); ++i) {
    convolved = convolved || p.layers[i].kind == "Conv2D";
    const bool ends = i + 1 == p.layers.size() || !p.layers[i + 1].is_image() || p.layers[i + 1].kind == "Conv2D" || pools(p.layers[i + 1]);
    if (pools(p.layers[i]) || (out.empty() && convolved && ends)) out.push_back(int(i));
  }
  return out;
}

std::vector<int> shown_units(const Prediction& p) {
  std::vector<int> out;
  for (std::size_t i = 0; i < p.layers.size(); ++i)
    if (p.layers[i].kind == "Dense") out.push_back(int(i));
  return out;
}

const Prediction& shown_prediction(const StepContext& c) {
  DigitReader& digit = c.services.digit;
  return digit.prediction().label >= 0 ? digit.prediction() : digit.at_rest();
}

/// All maps of a layer in one block, as large as fits; in full rows where that costs little of their size.
GalleryLayout map_layout(float width, float height, int count) {
  constexpr float kWorth = 0.75f;  // of the size
  const float gap = count > 16 ? 2.f : 3.f;
  const GalleryLayout free = gallery_layout(width, height, count, 6, kMostMap, gap);
  GalleryLayout best = free;
  best.cell = 0;
  for (int columns = 1; columns <= count; ++columns) {
    if (count % columns != 0) continue;
    const int rows = count / columns;
    const float across = (width + gap) / float(columns) - gap, down = (height + gap) / float(rows) - gap;
    const float cell = std::min(kMostMap, std::floor(std::min(across, down)));
    if (cell > best.cell) best.columns = columns, best.rows = rows, best.cell = cell, best.shown = count;
  }
  return best.cell >= kWorth * free.cell ? best : free;
}

/// "Conv2D → BatchNormalization → relu → MaxPooling2D".
std::string way_of(const Prediction& p, int from, int to) {
  std::string out;
  for (int i = from; i <= to; ++i) {
    const LayerActivation& layer = p.layers[std::size_t(i)];
    out += (i > from ? " → " : "") + (layer.kind == "Activation" ? layer.activation : layer.kind);
  }
  return out;
}

}  // namespace

void unit_tooltip(const StepContext& c, std::string_view key, Rect anchor, int layer, int unit) {
  DigitReader& digit = c.services.digit;
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
  const std::string title = last ? std::string(c.label("output")) + " " + std::to_string(unit)
                                 : std::string(c.label("unit")) + " " + std::to_string(unit + 1);
  c.ui.tooltip(key, anchor,
               {.title = title,
                .value = e.activation == "softmax" ? format_percent(double(e.a), 1, language) : number(e.a),
                .numbers = numbers + "\n\n" + result,
                .source = std::string(c.label("sum_of")) + " " + std::to_string(e.inputs) + " " +
                          std::string(c.label("products"))});
}

/// What stands in a line, from left to right.
struct LayerStrip::Column {
  enum class Kind { image, maps, units, output } kind = Kind::image;
  int layer = -1;
  float weight = 0;  ///< share of the room; 0: a width of its own
  float width = 0;
};

float LayerStrip::height(const Prediction& network, float width) {
  const bool maps = network.layers.empty() || !shown_maps(network).empty();  // a network to come may have them
  const float names = kNameHeight + kNameGap;
  if (!maps) return width < kNarrow ? 112 : 96;
  return width < kNarrow ? 2 * (std::min(112.f, width * 0.31f) + names) + kLineGap : 96 + names;
}

void LayerStrip::draw(const StepContext& c, Rect rect) {
  const Prediction& p = shown_prediction(c);
  const std::vector<int> maps = shown_maps(p), units = shown_units(p);
  using Kind = Column::Kind;
  std::vector<Column> front{{.kind = Kind::image}}, back;
  // Twice as many maps want twice the area.
  for (const int layer : maps)
    front.push_back({.kind = Kind::maps, .layer = layer, .weight = 0.32f * std::sqrt(float(p.layers[std::size_t(layer)].channels))});
  for (const int layer : units)
    back.push_back({.kind = layer == units.back() ? Kind::output : Kind::units, .layer = layer, .weight = layer == units.back() ? 0.f : maps.empty() ? 1.f : 0.8f});
  if (rect.h >= kTall && maps.size() > 1) {
    back.insert(back.begin(), front.back());
    front.pop_back();
    const float height = (rect.h - kLineGap) / 2;
    draw_line(c, rect.cut_top(height, kLineGap), std::move(front));
    draw_line(c, rect, std::move(back));
    return;
  }
  front.insert(front.end(), back.begin(), back.end());
  draw_line(c, rect, std::move(front));
}

void LayerStrip::draw_line(const StepContext& c, Rect rect, std::vector<Column> columns) {
  Ui& ui = c.ui;
  using Kind = Column::Kind;
  const Prediction& p = shown_prediction(c);
  const TextStyle caption = ui.style(Type::caption);
  const Rect names = rect.cut_bottom(kNameHeight, kNameGap);
  const float height = rect.h, least_gap = rect.w < kNarrow ? 12.f : 18.f;
  const auto count_maps = [&] { return std::count_if(columns.begin(), columns.end(), [](const Column& k) { return k.kind == Kind::maps; }); };
  const auto is = [](Kind kind) { return [kind](const Column& column) { return column.kind == kind; }; };

  // The image is square, the output narrow, the others share the rest; maps that came out too small make room for those
  // behind them.
  for (;;) {
    float room = rect.w - least_gap * float(columns.size() - 1), weights = 0;
    for (Column& column : columns) {
      if (column.kind == Kind::image) column.width = std::min(height, rect.w * (count_maps() > 0 ? 0.2f : 0.26f));
      if (column.kind == Kind::output) column.width = std::max(24.f, ui.measure("10", caption).x);
      weights += column.weight;
      if (column.weight == 0) room -= column.width;
    }
    float smallest = kMostMap;
    for (Column& column : columns) {
      if (column.weight == 0) continue;
      column.width = std::floor(room * column.weight / weights);
      if (column.kind == Kind::units) column.width = std::min(column.width, height * (count_maps() > 1 ? 1.1f : 2.2f));
      if (column.kind != Kind::maps) continue;
      const GalleryLayout layout = map_layout(column.width, height, p.layers[std::size_t(column.layer)].channels);
      column.width = float(layout.columns) * (layout.cell + layout.gap) - layout.gap;
      smallest = std::min(smallest, layout.cell);
    }
    if (smallest >= kLeastMap || count_maps() < 2) break;
    columns.erase(std::find_if(columns.begin(), columns.end(), is(Kind::maps)));
  }
  float used = 0;
  for (const Column& column : columns) used += column.width;
  const float gap = columns.size() > 1 ? (rect.w - used) / float(columns.size() - 1) : 0;

  float x = rect.x;
  for (const Column& column : columns) {
    const Rect at{x, rect.y, column.width, height};
    // The longest name that has room.
    std::vector<std::string> labels;
    if (column.kind == Kind::image) {
      const Rect picture{at.x, at.y + (height - at.w) / 2, at.w, at.w};
      scratch_.assign(784, 0);
      for (std::size_t i = 0; i < 784; ++i) scratch_[i] = float(c.services.digit.prepared()[i]) / 255.f;
      ui.fill(picture, mix(ui.theme().panel, ui.theme().background, 0.85f), 4);
      heat_map(ui, "strip-image", picture, scratch_, 28, 28, {.ground = false, .label = "28 × 28"});
      ui.stroke(picture, ui.theme().line, 4);
      labels = {"28×28"};
    } else {
      const LayerActivation& layer = p.layers[std::size_t(column.layer)];
      if (column.kind == Kind::maps) {
        draw_maps(c, column, at);
        const std::string size = std::to_string(layer.height) + "×" + std::to_string(layer.width);
        const std::string many = std::to_string(layer.channels) + "@" + size;
        labels = {std::string(c.label(pools(layer) ? "pooled" : "convolved")) + " " + many, many, size};
      } else {
        draw_units(c, column, at);
        const std::string count = std::to_string(layer.values.size());
        if (column.kind == Kind::units) labels = {std::string(c.label("dense")) + " " + count};
        labels.push_back(count);
      }
    }
    const float room = column.width + gap * 0.8f;
    const auto fits = [&](const std::string& label) { return ui.measure(label, caption).x <= room; };
    const auto label = std::find_if(labels.begin(), labels.end(), fits);
    const std::string& name = label == labels.end() ? labels.back() : *label;
    const float left = std::max(rect.x, std::min(x, names.right() - ui.measure(name, caption).x - 1));  // the last one ends with the line
    ui.text_in({left, names.y, room, names.h}, name, caption);
    x += column.width + gap;
  }
}

const ImageSheet& LayerStrip::sheet_of(const StepContext& c, int layer) {
  Sheet& sheet = sheets_[layer];
  const int serial = c.services.digit.serial();
  const Theme& t = c.ui.theme();
  if (sheet.serial == serial && sheet.dark == t.dark) return sheet.images;
  sheet.serial = serial, sheet.dark = t.dark;
  // (H, W, C) -> one image after the other, in units of the layer's largest value. The root, so that what is weak beside it
  // can be seen too.
  const LayerActivation& a = shown_prediction(c).layers[std::size_t(layer)];
  const std::size_t channels = std::size_t(a.channels), pixels = std::size_t(a.height * a.width);
  float most = 1e-6f;
  for (const float v : a.values) most = std::max(most, std::fabs(v));
  scratch_.resize(a.values.size());
  for (std::size_t i = 0; i < pixels; ++i)
    for (std::size_t k = 0; k < channels; ++k) {
      const float v = a.values[i * channels + k];
      scratch_[k * pixels + i] = std::copysign(std::sqrt(std::fabs(v) / most), v);
    }
  sheet.images.update(t, scratch_, a.channels, a.height, a.width, Scale::units);
  return sheet.images;
}

void LayerStrip::draw_maps(const StepContext& c, const Column& column, Rect rect) {
  Ui& ui = c.ui;
  const DigitReader& digit = c.services.digit;
  const Prediction& p = shown_prediction(c);
  const LayerActivation& layer = p.layers[std::size_t(column.layer)];
  const ImageSheet& sheet = sheet_of(c, column.layer);
  const GalleryLayout layout = map_layout(rect.w, rect.h, layer.channels);
  const float used = float(layout.rows) * (layout.cell + layout.gap) - layout.gap;
  rect.y += std::round((rect.h - used) / 2);
  const std::string key = "strip-" + layer.name;
  const std::string label = std::to_string(layer.channels) + " " + std::string(c.label("maps")) + ", " +
                            std::to_string(layer.height) + "×" + std::to_string(layer.width);
  const GalleryHit hit = gallery(ui, key, rect, layout, sheet, 2, label);
  if (hit.index < 0 || digit.prediction().label < 0) return;
  const Rect cell = gallery_cell(rect, layout, hit.index);
  ui.stroke(cell.inset(-1.5f), ui.theme().accent, 3, 2);
  const MapExplanation e = digit.recognizer()->explain_map(column.layer, hit.index);
  const std::string size = std::to_string(layer.height) + "×" + std::to_string(layer.width);
  Tooltip tip;
  tip.title = std::string(c.label("map")) + " " + std::to_string(hit.index + 1) + " · " + size;
  tip.value = std::string(c.label("largest")) + " " + format_number(double(e.largest), 2, ui.language());
  tip.text = c.label(e.largest <= 0 ? "silent" : pools(layer) ? "map_pooled" : "map_text");
  if (e.convolution >= 0) {
    tip.numbers = std::to_string(e.kernel_height) + "×" + std::to_string(e.kernel_width) + "×" + std::to_string(e.channels) + " = " +
                  std::to_string(e.products()) + " " + std::string(c.label("products_a_value"));
    tip.source = way_of(p, e.convolution, column.layer);
  }
  tip.picture_size = {kPicture, kPicture * float(layer.height) / float(layer.width)};
  // In units of its own largest value: what is faint beside the others can be made out here.
  std::vector<float> values;
  for (std::size_t i = std::size_t(hit.index); i < layer.values.size(); i += std::size_t(layer.channels))
    values.push_back(layer.values[i] / std::max(1e-6f, e.largest));
  tip.picture = [&ui, e, values = std::move(values)](Rect at) {
    paint_cells(ui, at, values, e.height, e.width, {.scale = Scale::units});
    ui.stroke(at, ui.theme().line, 4);
    if (e.largest <= 0) return;
    const float w = at.w / float(e.width), h = at.h / float(e.height);
    ui.stroke(Rect{at.x + w * float(e.column), at.y + h * float(e.row), w, h}.inset(-1.5f), ui.theme().accent, 3, 2);
  };
  ui.tooltip(key, cell, std::move(tip));
}

void LayerStrip::draw_units(const StepContext& c, const Column& column, Rect rect) {
  Ui& ui = c.ui;
  const Prediction& p = shown_prediction(c);
  const LayerActivation& layer = p.layers[std::size_t(column.layer)];
  const bool output = column.kind == Column::Kind::output;
  const int count = int(layer.values.size());
  const int columns = output ? 1 : grid_columns(count, rect.w, rect.h), rows = (count + columns - 1) / columns;
  scratch_ = layer.values;
  float most = 1e-6f;
  for (const float v : scratch_) most = std::max(most, std::fabs(v));
  if (!output)
    for (float& v : scratch_) v /= most;
  const std::string key = "strip-" + layer.name;
  const int unit = heat_map(ui, key, rect, scratch_, rows, columns,
                            {.scale = output ? Scale::accent : Scale::diverging, .gap = 1.5f, .label = layer.name});
  if (unit < 0) return;
  const Rect cell = heat_map_cell(rect, rows, columns, unit);
  ui.stroke({cell.x - 1, cell.y - 1, cell.w + 0.5f, cell.h + 0.5f}, ui.theme().accent, 3, 2);
  unit_tooltip(c, key, cell, column.layer, unit);
}

}  // namespace neurona::app
