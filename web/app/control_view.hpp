#pragma once

#include <string_view>
#include <vector>

#include "lesson.hpp"

namespace neurona::app {

/// The widget of a control, with its words: a slider with its reading, a stepper, a choice, a switch.
Block control_block(const StepContext& c, Control& control);
/// Several controls as one block: numbers in two columns where there is room, then choices, then switches.
Block controls_block(const StepContext& c, const std::vector<Control*>& controls);
/// The same in a card of their own, titled "settings"; `reading` stands at the right of its head.
Block settings_card(const StepContext& c, const std::vector<Control*>& controls, std::string_view reading = {});

}  // namespace neurona::app
