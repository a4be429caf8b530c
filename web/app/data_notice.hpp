#pragma once

#include "lesson.hpp"

namespace neurona::app {

/// A line about the images that lessons train on, when they are not simply there: on their way, failed with two ways out,
/// or drawn by the program. Asks for them.
Block data_notice(const StepContext& c);

}  // namespace neurona::app
