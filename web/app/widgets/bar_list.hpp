#pragma once

#include <span>
#include <string>
#include <string_view>

#include "../ui.hpp"

namespace neurona::app {

struct BarListOptions {
  bool at_rest = false;  ///< no values yet: empty tracks, a dash for each number
  int winner = -1;       ///< drawn in accent; -1: the largest
  int decimals = 1;
  std::string_view label = {};  ///< what the list is, for screen readers
};

/// Rows label | bar | per cent, filling the height of `rect`; labels "0".."9" unless given.
/// @return the row that is pointed at (Ui::cell), or -1
int bar_list(Ui& ui, std::string_view name, Rect rect, std::span<const float> shares,
             std::span<const std::string_view> labels = {}, const BarListOptions& options = {});
float bar_list_height(int rows, bool compact);

}  // namespace neurona::app
