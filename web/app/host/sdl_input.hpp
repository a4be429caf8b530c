#pragma once

#include <SDL.h>

#include "../input.hpp"

namespace neurona::app {

/// Which SDL events become input: the page brings its own pointer events (pen, coalesced), the desktop does
/// not.
struct SdlInputOptions {
  bool pointer = true;
};

/// Adds one SDL event to the input. Returns false for events that are none of the interface's business.
bool take_sdl_event(const SDL_Event& event, Input& input, const SdlInputOptions& options = {});

}  // namespace neurona::app
