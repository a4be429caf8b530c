#pragma once

#include <vector>

#include "imgui.h"

namespace neurona::app {

/// Where a pointer event came from; a touch drag scrolls, a mouse drag does not.
enum class PointerSource { mouse, touch, pen };

struct PointerEvent {
  enum class Kind { move, down, up, cancel, leave } kind = Kind::move;
  ImVec2 position;  ///< CSS pixels from the window's top left corner
  PointerSource source = PointerSource::mouse;
};

/// The keys the interface knows; everything else is left to the host.
enum class Key {
  tab,
  enter,
  space,
  escape,
  left,
  right,
  up,
  down,
  home,
  end,
  page_up,
  page_down,
  undo,
  erase
};

struct KeyEvent {
  Key key;
  bool shift = false;
};

/// What happened since the last frame, in order. Filled by the host (SDL, the page, a test), emptied by Ui.
struct Input {
  std::vector<PointerEvent> pointer;
  std::vector<KeyEvent> keys;
  ImVec2 wheel{0, 0};           ///< in pixels, positive y moves the page's content up
  float width = 0, height = 0;  ///< of the window in pixels of the layout: CSS pixels, on large windows larger ones
  float density = 1;            ///< device pixels per such pixel
  float zoom = 1;               ///< CSS pixels per such pixel; the positions of events are in CSS pixels
  double time = 0;              ///< seconds, monotonic
  bool any() const { return !pointer.empty() || !keys.empty() || wheel.x != 0 || wheel.y != 0; }
};

/// Tells the interface, and ImGui, the size of the window in CSS pixels. On a large one type and stage grow with the room.
void fit_window(Input& input, float width, float height, float density);

}  // namespace neurona::app
