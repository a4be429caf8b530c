#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "geometry.hpp"

namespace neurona::app {

/// The vertically scrolling areas of the interface, by name: where each one stands, and how it rolls on.
class Scrolling {
 public:
  struct Area {
    float offset = 0, content = 0, velocity = 0, view = 0;
    Rect rect;
    double touched = 0;  ///< when it was scrolled last
    float most() const { return content - view; }
  };
  /// Null for a name that no frame has had.
  Area* find(std::string_view name);
  const Area* find(std::string_view name) const;

  /// Begins the content of an area; it is shifted by the offset that this returns.
  float begin(std::string_view name, Rect view);
  /// Ends it: its content reaches down to `content_bottom`. Returns the area.
  Area& end(float content_bottom, bool& changed);
  /// The area that is being drawn, "" for none.
  std::string_view current() const { return stack_.empty() ? std::string_view() : stack_.back(); }

  /// Returns whether it moved.
  static bool move(Area& area, float dy);
  /// Lets areas roll on after a flick; `held` is the one under a finger. Returns whether any moved.
  bool roll(double time, float dt, bool reduced_motion, std::string_view held);
  /// Scrolls as far as it takes to see `rect`. Returns whether it moved.
  bool reveal(std::string_view name, Rect rect);
  void reset(std::string_view name);

 private:
  std::map<std::string, Area, std::less<>> areas_;
  std::vector<std::string> stack_;
};

}  // namespace neurona::app
