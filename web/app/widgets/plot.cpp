#include "plot.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace neurona::app {
namespace {

constexpr int kStops = 101;  // places along x at which arrow keys stop

/// 1, 2 or 5 times a power of ten, at least `least`.
double nice_step(double least) {
  if (!(least > 0)) return 1;
  const double power = std::pow(10, std::floor(std::log10(least)));
  for (const double factor : {1.0, 2.0, 5.0, 10.0})
    if (factor * power >= least * 0.999) return factor * power;
  return 10 * power;
}

int decimals_for(double step) { return std::clamp(int(std::ceil(-std::log10(step) - 1e-9)), 0, 6); }

struct Frame {
  Rect inner;
  float x0, x1, y0, y1;
  bool log;
  float px(float x) const { return inner.x + (x1 > x0 ? (x - x0) / (x1 - x0) : 0) * inner.w; }
  float py(float y) const {
    if (log) y = std::log10(std::max(y, 1e-12f));
    return inner.bottom() - (y1 > y0 ? (y - y0) / (y1 - y0) : 0) * inner.h;
  }
};

/// Limits of what is drawn, with a little air and round ends.
void fit_y(std::span<const PlotSeries> series, const PlotOptions& o, float& low, float& high) {
  low = std::numeric_limits<float>::max(), high = std::numeric_limits<float>::lowest();
  for (const PlotSeries& s : series) {
    const auto values = s.smooth.empty() ? s.y : s.smooth;
    for (std::size_t i = 0; i < values.size(); ++i)
      if (std::isfinite(values[i]) && s.x[i] >= o.x_min && s.x[i] <= o.x_max)
        low = std::min(low, values[i]), high = std::max(high, values[i]);
  }
  if (low > high) low = o.y_min, high = o.y_max;
  if (low > 0 && low < 0.35f * high && !o.y_log) low = 0;
  if (high - low < 1e-6f) high = low + std::max(1e-3f, std::fabs(low) * 0.1f);
  const double step = nice_step((high - low) / 5);
  low = float(std::floor(low / step) * step), high = float(std::ceil(high / step) * step);
}

/// A line. One with more points than device pixels becomes a band: for each column of pixels its lowest to
/// its highest.
void draw_line(Ui& ui, const Frame& f, std::span<const float> xs, std::span<const float> ys, ImU32 color,
               float width) {
  static thread_local std::vector<ImVec2> points;
  points.clear();
  const std::size_t count = std::min(xs.size(), ys.size());
  const float pixel = 1 / ui.density();
  const bool dense = count > std::size_t(f.inner.w * ui.density());
  const auto flush = [&] {
    if (points.size() > 1) ui.draw()->AddPolyline(points.data(), int(points.size()), color, 0, width);
    points.clear();
  };
  float before_low = 0, before_high = -1;
  for (std::size_t i = 0; i < count;) {
    if (!std::isfinite(ys[i])) {
      flush();
      ++i;
      continue;
    }
    if (!dense) {
      points.push_back({f.px(xs[i]), f.py(ys[i])});
      ++i;
      continue;
    }
    const float column = std::floor(f.px(xs[i]) / pixel);
    float low = ys[i], high = ys[i];
    double sum = 0;
    int finite = 0;
    std::size_t end = i;
    for (; end < count && std::floor(f.px(xs[end]) / pixel) == column; ++end)
      if (std::isfinite(ys[end]))
        low = std::min(low, ys[end]), high = std::max(high, ys[end]), sum += double(ys[end]), ++finite;
    i = end;
    if (width > 1.5f) {  // a smooth line goes through the middles
      points.push_back({(column + 0.5f) * pixel, f.py(float(sum / finite))});
      continue;
    }
    float top = f.py(high), bottom = f.py(low);
    if (before_high >= before_low)  // reach the neighbour, so that the band has no gaps
      top = std::min(top, before_high), bottom = std::max(bottom, before_low);
    ui.draw()->AddRectFilled({column * pixel, top - 0.5f}, {(column + 1) * pixel, bottom + 0.5f}, color);
    before_low = f.py(high), before_high = f.py(low);
  }
  flush();
}

/// Value of a series at x: the point nearest to it; NaN when it is not near.
float value_at(const PlotSeries& s, float x, float reach) {
  const auto values = s.smooth.empty() ? s.y : s.smooth;
  if (values.empty()) return std::nanf("");
  auto it = std::lower_bound(s.x.begin(), s.x.end(), x);
  std::size_t i = std::size_t(it - s.x.begin());
  if (i == s.x.size() || (i > 0 && x - s.x[i - 1] < s.x[i] - x)) --i;
  if (i >= values.size() || std::fabs(s.x[i] - x) > reach) return std::nanf("");
  return values[i];
}

}  // namespace

float plot(Ui& ui, std::string_view name, Rect rect, std::span<const PlotSeries> series,
           const PlotOptions& o) {
  const Theme& t = ui.theme();
  const Language language = ui.language();
  const TextStyle tick{Face::mono, 11, t.soft, 0};
  float result = std::nanf("");
  if (rect.w < 40 || rect.h < 40) return result;

  float low = o.y_min, high = o.y_max;
  if (o.y_auto) fit_y(series, o, low, high);
  Frame f{rect, o.x_min, o.x_max > o.x_min ? o.x_max : o.x_min + 1, low, high, o.y_log};
  if (o.y_log) f.y0 = std::log10(std::max(low, 1e-6f)), f.y1 = std::log10(std::max(high, 1e-5f));

  // Ticks: as many as have room, at least two.
  const float line = ui.line_height(tick);
  const double y_step =
      nice_step(double(f.y1 - f.y0) / std::max(1.0, std::floor(double(rect.h - line * 2) / 44)));
  const int decimals = o.y_decimals >= 0 ? o.y_decimals : decimals_for(y_step);
  const bool huge = std::max(std::fabs(f.y0), std::fabs(f.y1)) >= 1e6f;  // a loss that flies off
  const auto y_label = [&](double y) {
    if (huge) return format_significant(y, 2, language);
    return o.y_log ? format_significant(std::pow(10, y), 1, language) : format_number(y, decimals, language);
  };
  float label_width = 0;
  for (double y = std::ceil(f.y0 / y_step - 1e-6) * y_step; y <= f.y1 + y_step * 1e-6; y += y_step)
    label_width = std::max(label_width, ui.measure(y_label(y), tick).x);
  f.inner = {rect.x + label_width + 9, rect.y + line * 0.5f, rect.w - label_width - 9 - 5,
             rect.h - line * 1.5f - 7};

  for (double y = std::ceil(f.y0 / y_step - 1e-6) * y_step; y <= f.y1 + y_step * 1e-6; y += y_step) {
    const float py = f.inner.bottom() - float((y - f.y0) / (f.y1 - f.y0)) * f.inner.h;
    ui.fill({f.inner.x, std::round(py), f.inner.w, 1}, t.line);
    ui.text_in({rect.x, py - line / 2, label_width, line}, y_label(y), tick, 1);
  }
  // Horizontal ticks are spaced by the width of their widest label.
  double x_step = nice_step(double(f.x1 - f.x0) / 8);
  if (o.x_integer) x_step = std::max(1.0, std::round(x_step));
  for (int guard = 0; guard < 12; ++guard) {
    const std::string widest = format_number(f.x1, o.x_integer ? 0 : decimals_for(x_step), language);
    if (double(f.inner.w) * x_step / double(f.x1 - f.x0) >= double(ui.measure(widest, tick).x) + 18) break;
    x_step = nice_step(x_step * 1.01);
    if (o.x_integer) x_step = std::max(1.0, std::round(x_step));
  }
  for (double x = std::ceil(f.x0 / x_step - 1e-6) * x_step; x <= f.x1 + x_step * 1e-6; x += x_step) {
    const std::string label = format_number(x, o.x_integer ? 0 : decimals_for(x_step), language);
    const float width = ui.measure(label, tick).x + 1;
    const float left = std::min(f.px(float(x)) - width / 2, rect.right() - width);
    ui.text_in({left, rect.bottom() - line, width, line}, label, tick, 0.5f);
  }

  ui.push_clip({f.inner.x - 1, f.inner.y - 5, f.inner.w + 6, f.inner.h + 10});
  for (const PlotSeries& s : series) {
    const ImU32 color = s.color ? s.color : t.accent;
    if (!s.smooth.empty()) {
      draw_line(ui, f, s.x, s.y, fade(color, t.dark ? 0.28f : 0.24f), 1);
      draw_line(ui, f, s.x, s.smooth, color, 2.2f);
    } else if (s.line) {
      draw_line(ui, f, s.x, s.y, color, 2.2f);
    }
    if (s.markers)
      for (std::size_t i = 0; i < std::min(s.x.size(), s.y.size()); ++i)
        if (std::isfinite(s.y[i])) ui.draw()->AddCircleFilled({f.px(s.x[i]), f.py(s.y[i])}, 4, color, 18);
  }
  if (o.pale_from < o.x_max) {
    constexpr float kVeil = 0.62f;
    const float x = f.px(std::max(o.pale_from, o.x_min));
    ui.fill({x, f.inner.y - 4, f.inner.right() - x + 5, f.inner.h + 4}, fade(t.panel, kVeil));
  }
  for (const PlotCursor& cursor : o.cursors) {
    const float x = std::round(f.px(cursor.x)) + 0.5f;
    const ImU32 color = cursor.color ? cursor.color : t.faint;
    if (cursor.dashed)
      ui.dashed({x, f.inner.y - 3}, {x, f.inner.bottom()}, color, 1.2f, 3, 4);
    else
      ui.fill({x - 0.75f, f.inner.y - 3, 1.5f, f.inner.h + 3}, color);
    if (!cursor.label.empty()) {
      const float width = ui.measure(cursor.label, tick).x;
      const bool left = x + width + 8 > f.inner.right();
      ui.text({left ? x - width - 5 : x + 5, f.inner.y - 2}, cursor.label, tick.with(text_color(t, color)));
    }
  }
  ui.pop_clip();

  if (o.legend) {
    std::vector<LegendEntry> entries;
    for (const PlotSeries& s : series) entries.push_back({s.name, s.name, s.color ? s.color : t.accent});
    legend(ui, {f.inner.x, f.inner.y, f.inner.w, 18}, entries);
  }

  const Interaction touch = ui.region(name, f.inner, {.role = Role::image, .drag = Drag::horizontal});
  if (touch.ring) ui.focus_ring(f.inner, 4);
  const int stop = ui.cell(name, touch, f.inner, 1, kStops, kStops);
  if (stop >= 0 || touch.held) {
    const bool by_key = touch.ring && ui.by_key();
    const float share = by_key ? float(stop) / (kStops - 1)
                               : std::clamp((touch.pointer.x - f.inner.x) / std::max(1.f, f.inner.w), 0.f, 1.f);
    const float x = f.x0 + share * (f.x1 - f.x0);
    const float reach = (f.x1 - f.x0) * 0.5f;
    const float px = f.px(x);
    ui.fill({std::round(px), f.inner.y, 1, f.inner.h}, fade(t.faint, 0.7f));
    std::string numbers;
    for (const PlotSeries& s : series) {
      const float y = value_at(s, x, s.markers ? reach : (f.x1 - f.x0) * 0.02f);
      if (!std::isfinite(y)) continue;
      const float py = f.py(y);
      if (!s.markers && f.inner.contains({px, std::clamp(py, f.inner.y, f.inner.bottom() - 1)}))
        ui.draw()->AddCircleFilled({px, py}, 4, s.color ? s.color : t.accent, 16);
      if (!numbers.empty()) numbers += "\n\n";
      numbers += std::string(s.name) + " " + format_number(y, std::max(4, decimals), language);
    }
    if (!numbers.empty()) {
      const double range = double(f.x1) - double(f.x0);
      const int fine = std::max(0, 2 - int(std::floor(std::log10(std::max(range, 1e-9)))));
      const std::string at = format_number(x, o.x_integer ? (range < 50 ? 2 : 0) : fine, language);
      ui.tooltip(name, {px - 2, f.inner.y + 20, 4, 10},
                 {.title = o.x_name.empty() ? std::string("x") : std::string(o.x_name),
                  .value = at,
                  .numbers = numbers});
    }
    if (touch.held) result = x;
  }
  return result;
}

void legend(Ui& ui, Rect rect, std::span<const LegendEntry> entries) {
  const TextStyle mono = ui.style(Type::mono_small);
  const auto total = [&](bool brief) {
    float width = 0;
    for (const LegendEntry& e : entries) width += 19 + ui.measure(brief ? e.short_name : e.name, mono).x + 14;
    return width - 14;
  };
  const bool brief = total(false) > rect.w;
  if (brief && total(true) > rect.w) return;
  float x = rect.right() - total(brief);
  for (const LegendEntry& e : entries) {
    ui.fill({x, rect.center().y - 1.5f, 11, 3}, e.color, 1.5f);
    const std::string_view label = brief ? e.short_name : e.name;
    const float width = ui.measure(label, mono).x;
    ui.text_in({x + 19, rect.y, width + 1, rect.h}, label, mono);
    x += 19 + width + 14;
  }
}

void smooth(std::span<const float> y, float keep, std::vector<float>& out) {
  out.resize(y.size());
  double sum = 0, weight = 0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    if (std::isfinite(y[i])) {
      sum = double(keep) * sum + (1.0 - double(keep)) * double(y[i]);
      weight = double(keep) * weight + (1.0 - double(keep));
    }
    out[i] = weight > 0 ? float(sum / weight) : y[i];
  }
}

}  // namespace neurona::app
