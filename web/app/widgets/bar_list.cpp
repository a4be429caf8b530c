#include "bar_list.hpp"

#include <cmath>

namespace neurona::app {

float bar_list_height(int rows, bool compact) { return float(rows) * (compact ? 22.f : 30.f); }

int bar_list(Ui& ui, std::string_view name, Rect rect, std::span<const float> shares,
             std::span<const std::string_view> labels, const BarListOptions& o) {
  constexpr std::string_view kDigits[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
  if (labels.empty()) labels = kDigits;
  const Theme& t = ui.theme();
  const int rows = int(o.at_rest ? labels.size() : std::min(labels.size(), shares.size()));
  if (rows == 0) return -1;
  int winner = o.winner;
  if (!o.at_rest && winner < 0)
    for (int i = 0; i < rows; ++i)
      if (winner < 0 || shares[std::size_t(i)] > shares[std::size_t(winner)]) winner = i;
  const Interaction touch = ui.region(name, rect, {.label = o.label, .role = Role::image});

  const TextStyle label = {Face::mono, 14, t.soft, 0}, strong = {Face::mono_strong, 14, t.ink, 0};
  float label_width = 0;
  for (const std::string_view text : labels) label_width = std::max(label_width, ui.measure(text, strong).x);
  const float number_width = ui.measure(format_percent(1, o.decimals, ui.language()), strong).x + 1;
  const float pitch = rect.h / float(rows);
  const float height = std::clamp(pitch * 0.72f, 8.f, 18.f);
  const int hovered = ui.cell(name, touch, rect, rows, 1, rows);
  if (touch.ring) ui.focus_ring(rect, 6);
  for (int i = 0; i < rows; ++i) {
    Rect row{rect.x, rect.y + pitch * float(i), rect.w, pitch};
    const bool wins = !o.at_rest && i == winner;
    const TextStyle style = wins ? strong : label;
    ui.text_in(row.cut_left(label_width + 1, 20), labels[std::size_t(i)], style);
    const float share = o.at_rest ? 0 : shares[std::size_t(i)];
    const std::string number =
        o.at_rest ? std::string("–") : format_percent(double(share), o.decimals, ui.language());
    ui.text_in(row.cut_right(number_width, 14), number, style, 1);
    const Rect bar{row.x, row.center().y - height / 2, row.w, height};
    ui.fill(bar, t.track, 4);
    const float shown = ui.animate("bar:" + std::string(name) + std::to_string(i), share, 120);
    if (!o.at_rest) ui.fill({bar.x, bar.y, std::max(4.f, bar.w * shown), bar.h}, wins ? t.accent : t.rest, 4);
    if (i == hovered) ui.stroke(bar, touch.ring ? t.accent : t.faint, 4);
  }
  return hovered;
}

}  // namespace neurona::app
