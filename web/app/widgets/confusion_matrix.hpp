#pragma once

#include <span>
#include <string_view>

#include "../ui.hpp"

namespace neurona::app {

struct ConfusionHit {
  int truth = -1, predicted = -1;  ///< the cell that is pointed at (Ui::cell); -1 none
  bool clicked = false;
  Rect cell;  ///< where it is
};

struct ConfusionOptions {
  std::string_view truth, predicted;                 ///< names of the axes
  std::string_view label = {};                       ///< for screen readers
  int selected_truth = -1, selected_predicted = -1;  ///< a cell with a frame, -1 none
};

/// A classes x classes table of counts: rows are the truth, columns what the network said. The diagonal is
/// tinted with accent, errors with orange by their share of the row; numbers are dropped when cells get too
/// small.
/// @param counts  row-major, counts[truth * classes + predicted]
ConfusionHit confusion_matrix(Ui& ui, std::string_view name, Rect rect, std::span<const int> counts, int classes,
                              const ConfusionOptions& options);

}  // namespace neurona::app
