#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "geometry.hpp"
#include "input.hpp"

namespace neurona::app {

enum class Role { none, button, toggle, slider, tab, image, link, scroll };

/// What the pointer should look like; the host shows it.
enum class Cursor { arrow, hand, cross };

/// Which drags a region keeps for itself; the others scroll the page under a finger.
enum class Drag { none, horizontal, all };

struct RegionOptions {
  std::string_view label = {};  ///< what a screen reader says; empty: the name
  std::string value = {};       ///< the value it says, for sliders and toggles
  Role role = Role::button;
  Drag drag = Drag::none;
  bool enabled = true;
  bool focusable = true;  ///< reached by Tab
};

/// What the learner does with a region in this frame.
struct Interaction {
  bool hovered = false;    ///< the pointer is over it and over nothing above it
  bool pressed = false;    ///< the press began in this frame
  bool held = false;       ///< pressed here and not yet released
  bool released = false;   ///< a press that began here ended in this frame, wherever
  bool dragging = false;   ///< its press moves something: under a finger only once it goes sideways
  bool clicked = false;    ///< released over it, tapped, or Enter or Space while it has the focus
  bool focused = false;    ///< has the keyboard focus
  bool ring = false;       ///< draw the focus ring: focused, and by keyboard
  bool cancelled = false;  ///< its press became something else, such as a pinch: what it began is taken back
  std::vector<Key> keys;   ///< arrows, Home, End, Page Up and Down while focused, each press and repeat, in order
  int arrow_x = 0, arrow_y = 0;  ///< the arrows among them since Home or End, summed (y grows downwards)
  bool home = false, end = false;
  ImVec2 pointer{0, 0};  ///< where the pointer is
};

/// One control as the DOM mirror, the tests and window.neurona see it.
struct ControlInfo {
  std::string name;  ///< its public name
  std::string label, value;
  Role role = Role::button;
  Rect rect;
  bool enabled = true, visible = true;
  bool focused = false;  ///< by keyboard
};

/// A rectangle that can be pointed at, pressed or focused.
struct Region {
  std::string id;    ///< its whole path: "train/fit/play"
  std::string name;  ///< its public name, without lesson and step: "play"
  Rect rect, hit;    ///< whole, and what is to be seen of it
  Drag drag;
  Role role;
  int layer;
  bool enabled, focusable;
  std::string scroll;  ///< the scrolling area it lies in
};

/// The regions of the frame that is being drawn, and of the one before, against which input is tested.
class Regions {
 public:
  void begin();
  /// Returns whether the id or the public name is used for the second time in this frame.
  bool add(Region region);
  const std::vector<Region>& now() const { return now_; }

  // --- of the frame before ---
  const Region* find(std::string_view id) const;
  /// By its id, or by its public name.
  const Region* find_named(std::string_view name) const;
  /// The topmost at a place; with `overlay` only what lies in one.
  const Region* top_at(ImVec2 p, bool overlay) const;
  /// The regions from the topmost down.
  const std::vector<Region>& before() const { return before_; }

 private:
  std::vector<Region> now_, before_;
};

/// The region that `steps` presses of Tab lead to from the one with the focus; null: past either end.
const Region* tab_target(const std::vector<Region>& regions, std::string_view focus, bool overlay, int steps);

}  // namespace neurona::app
