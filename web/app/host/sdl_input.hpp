#pragma once

#include <SDL.h>

#include "../input.hpp"

namespace neurona::app {

/// Adds one SDL event to the input (the desktop; the page reads the browser's events itself). Returns false for events
/// that are none of the interface's business.
bool take_sdl_event(const SDL_Event& event, Input& input);

}  // namespace neurona::app
