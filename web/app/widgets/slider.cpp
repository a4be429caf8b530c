#include <cmath>

#include "controls.hpp"

namespace neurona::app {
namespace {

constexpr float kThumb = 7;
constexpr float kStacked = 400;  // below, the label stands above its track

double to_share(double value, const SliderOptions& o) {
  if (o.maximum <= o.minimum) return 0;
  const double share =
      o.logarithmic ? (std::log(value) - std::log(o.minimum)) / (std::log(o.maximum) - std::log(o.minimum))
                    : (value - o.minimum) / (o.maximum - o.minimum);
  return std::clamp(share, 0.0, 1.0);
}

double to_value(double share, const SliderOptions& o) {
  share = std::clamp(share, 0.0, 1.0);
  double value = o.logarithmic
                     ? std::exp(std::log(o.minimum) + share * (std::log(o.maximum) - std::log(o.minimum)))
                     : o.minimum + share * (o.maximum - o.minimum);
  if (o.integer) return std::round(value);
  if (o.logarithmic) {  // two significant digits: what the reading shows is what is used
    const double unit = std::pow(10, std::floor(std::log10(value)) - 1);
    return std::round(value / unit) * unit;
  }
  if (o.step > 0) return o.minimum + std::round((value - o.minimum) / o.step) * o.step;
  return value;
}

double nudged(double value, int steps, const SliderOptions& o) {
  if (o.logarithmic && !o.integer) {
    const double next = to_value(to_share(value, o) + steps * 0.05 / std::log10(o.maximum / o.minimum), o);
    return next;
  }
  if (o.logarithmic) return std::round(value * std::pow(1.2, steps) + (steps > 0 ? 0.5 : -0.5));
  const double step = o.step > 0 ? o.step : o.integer ? 1 : (o.maximum - o.minimum) / 100;
  return value + steps * step;
}

double after(Key key, double value, const SliderOptions& o) {
  switch (key) {
    case Key::left:
    case Key::down:
      return nudged(value, -1, o);
    case Key::right:
    case Key::up:
      return nudged(value, 1, o);
    case Key::page_up:
    case Key::page_down:
      return nudged(value, key == Key::page_up ? 10 : -10, o);
    case Key::home:
      return o.minimum;
    case Key::end:
      return o.maximum;
    default:
      return value;
  }
}

}  // namespace

bool slider(Ui& ui, std::string_view name, Rect rect, double& value, const SliderOptions& o) {
  const Theme& t = ui.theme();
  const double before = value;
  const Rect hit{rect.x - 4, rect.y, rect.w + 8, rect.h};
  const Interaction touch =
      ui.region(name, hit,
                {.label = o.spoken,
                 .value = o.value_text.empty() ? format_significant(value, 4, ui.language()) : o.value_text,
                 .role = Role::slider,
                 .drag = Drag::horizontal,
                 .enabled = o.enabled});
  const float x0 = rect.x + kThumb, length = std::max(1.f, rect.w - 2 * kThumb), y = rect.center().y;
  // A finger that scrolls the page may begin here: only its drag sideways or a tap moves the thumb.
  if (touch.dragging || (touch.released && touch.clicked)) value = to_value((touch.pointer.x - x0) / length, o);
  // One by one: a slow frame must lead to the same value as several quick ones.
  for (const Key key : touch.keys) value = std::clamp(after(key, value, o), o.minimum, o.maximum);
  if (value != before) value = std::clamp(value, o.minimum, o.maximum);

  const float at = x0 + length * float(to_share(value, o));
  const ImU32 color = o.enabled ? t.accent : t.faint;
  const ImU32 empty = t.dark ? t.line : mix(t.line, t.background, 0.1f);
  ui.fill({rect.x, y - 1.5f, rect.w, 3}, empty, 1.5f);
  ui.fill({rect.x, y - 1.5f, at - rect.x, 3}, color, 1.5f);
  for (const double tick : o.ticks) {
    const float x = x0 + length * float(to_share(tick, o));
    ui.fill({x - 0.5f, y - 5, 1, 10}, tick <= value ? color : t.faint);
  }
  if (o.has_warning && o.warning >= o.minimum && o.warning <= o.maximum) {
    const float x = x0 + length * float(to_share(o.warning, o));
    ui.fill({x - 1, y - 5, 2, 10}, t.negative);
  }
  const float grow = ui.animate("thumb:" + std::string(name),
                                touch.held      ? 1.6f
                                : touch.hovered ? 0.8f
                                                : 0.f,
                                120);
  ui.draw()->AddCircleFilled({at, y}, kThumb + grow, color, 28);
  ui.draw()->AddCircleFilled({at, y}, kThumb - 2.8f + grow * 0.5f, t.panel, 24);
  if (touch.hovered || touch.held || touch.ring) ui.light(name);
  if (touch.ring) ui.focus_ring({at - kThumb, y - kThumb, 2 * kThumb, 2 * kThumb}, kThumb);
  return value != before;
}

float labelled_slider_height(float width) { return width < kStacked ? 52.f : 34.f; }

bool labelled_slider(Ui& ui, std::string_view name, Rect rect, std::string_view label,
                     std::string_view reading, double& value, const SliderOptions& options) {
  const TextStyle small = ui.style(Type::small), name_style = options.lit ? small.with(ui.theme().accent) : small;
  const TextStyle number = ui.style(Type::number).at(13.5f);
  SliderOptions o = options;
  if (o.spoken.empty()) o.spoken = label;
  if (o.value_text.empty()) o.value_text = reading;
  if (rect.w < kStacked) {
    Rect head = rect.cut_top(22);
    const float width = ui.measure(reading, number).x + 1;
    ui.text_in(head.cut_right(width, 10), reading, number, 1);
    ui.text_in(head, label, name_style);
    return slider(ui, name, rect, value, o);
  }
  const float label_width = std::min(rect.w * 0.36f, ui.measure(label, name_style).x + 2);
  ui.text_in(rect.cut_left(label_width, 14), label, name_style);
  const float reading_width = std::max(46.f, ui.measure(reading, number).x + 1);
  ui.text_in(rect.cut_right(reading_width, 12), reading, number, 1);
  return slider(ui, name, rect, value, o);
}

}  // namespace neurona::app
