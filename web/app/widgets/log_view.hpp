#pragma once

#include <span>
#include <string>

#include "../ui.hpp"

namespace neurona::app {

/// The last lines of a log in mono, newest at the bottom, the last one strong; wrapped at separators (" - ")
/// when the width asks for it. Never clipped: older lines give way.
void log_view(Ui& ui, Rect rect, std::span<const std::string> lines);

}  // namespace neurona::app
