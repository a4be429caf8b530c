#pragma once

#include <span>
#include <string_view>

#include "../ui.hpp"

namespace neurona::app {

struct ConfusionHit {
  int truth = -1, predicted = -1;  ///< the cell under the pointer; -1 none
  bool clicked = false;
};

/// A classes x classes table of counts: rows are the truth, columns what the network said. The diagonal is
/// tinted with accent, errors with orange by their share of the row; numbers are dropped when cells get too
/// small.
/// @param counts  row-major, counts[truth * classes + predicted]
/// @param selected_truth, selected_predicted  a cell with a frame, -1 none
ConfusionHit confusion_matrix(Ui& ui, std::string_view name, Rect rect, std::span<const int> counts,
                              int classes, std::string_view truth_label, std::string_view predicted_label,
                              int selected_truth = -1, int selected_predicted = -1);

}  // namespace neurona::app
