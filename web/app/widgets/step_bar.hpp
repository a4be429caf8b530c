#pragma once

#include <functional>
#include <string_view>

#include "../ui.hpp"

namespace neurona::app {

struct StepBarAction {
  int go = 0;     ///< -1 back, +1 next
  int jump = -1;  ///< a dot was chosen
};

struct StepBarOptions {
  int step = 0, count = 1;
  bool can_back = true, can_next = true;
  std::string_view next_label;  ///< shortened to an arrow on phones
  std::string_view back_spoken, step_spoken;  ///< for screen readers: "Back", "Step"
  bool compact = false;
};

/// The bar at the bottom: back, dots, count, room for the lesson's controls, next. `middle` receives that
/// room.
StepBarAction step_bar(Ui& ui, Rect rect, const StepBarOptions& options, Rect& middle);

}  // namespace neurona::app
