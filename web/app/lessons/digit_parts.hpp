#pragma once

#include "../lesson.hpp"

namespace neurona::app {

/// Parts of stages that show the drawn digit, in any lesson.

/// The pad with its buttons.
Block pad_block(const StepContext& c);
/// What the chosen network reads: ten bars, what it costs, and what the other network says. `network` is the
/// lesson's choice of one.
Block reading_block(const StepContext& c, Choice& network);
/// The 28x28 grey values that the network gets, each with its number.
Block prepared_block(const StepContext& c);
/// A name for the index of a pixel, as it stands in formulas: "x₃₁₂".
std::string subscript(int number);

}  // namespace neurona::app
