#pragma once

#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "../ui.hpp"

namespace neurona::app {

/// One line of a plot. x must not decrease.
struct PlotSeries {
  std::string_view name;  ///< in the legend and the hover
  std::span<const float> x, y;
  std::span<const float> smooth = {};  ///< same length as y: drawn strong, y then faint behind it
  ImU32 color = 0;
  bool markers = false;  ///< a dot at every point
  bool line = true;
};

/// A vertical line: where we are, where early stopping stopped.
struct PlotCursor {
  float x = 0;
  ImU32 color = 0;  ///< 0: soft ink
  std::string_view label = {};
  bool dashed = true;
};

struct PlotOptions {
  float x_min = 0, x_max = 1;
  float y_min = 0, y_max = 1;  ///< ignored when y_auto
  bool y_auto = false;         ///< fit the smooth (or raw) lines, with round limits
  bool y_log = false;
  int y_decimals = -1;           ///< -1: as the tick distance needs
  bool x_integer = true;         ///< ticks at whole numbers only
  bool legend = false;           ///< inside the plot at its top right (a card's reading is the better place)
  std::string_view x_name = {};  ///< in the hover: "época 2,4"
  std::span<const PlotCursor> cursors = {};
  float pale_from = std::numeric_limits<float>::infinity();  ///< what lies behind it is still to come: paler
};

/// Draws axes, lines, cursors and the hover readout into `rect`. Ticks are dropped until their labels have
/// room. Long series are reduced to the extremes of each pixel column, so 20,000 points cost as much as 500.
/// @return the x under the pointer while it is over the plot and pressed (to move a time cursor), else NaN
float plot(Ui& ui, std::string_view name, Rect rect, std::span<const PlotSeries> series,
           const PlotOptions& options);

/// Names with a dash of their colour, right-aligned in `rect` (a card's head); shortens them as a phone
/// needs.
struct LegendEntry {
  std::string_view name, short_name;
  ImU32 color;
};
void legend(Ui& ui, Rect rect, std::span<const LegendEntry> entries);

/// Exponential smoothing as drawn by the course: s += (1 - keep) * (y - s), corrected for its start.
void smooth(std::span<const float> y, float keep, std::vector<float>& out);

}  // namespace neurona::app
