#pragma once

#include <map>
#include <string>
#include <string_view>

namespace neurona::app {

/// Numbers on their way to where they go: 150 to 250 ms, ease-out, only to show where something went.
class Motion {
 public:
  void begin(double time, bool reduced) { time_ = time, reduced_ = reduced, moving_ = false; }
  /// Forgets what nobody has asked for in a while. Returns whether anything still moves.
  bool end();
  /// The value of `key` on its way to `target`; at once under reduced motion or the first time.
  float animate(std::string_view key, float target, float ms);

 private:
  struct Path {
    float from = 0, to = 0, value = 0;
    double start = 0;
    double seen = 0;
  };
  double time_ = 0;
  bool reduced_ = false, moving_ = false;
  std::map<std::string, Path, std::less<>> paths_;
};

}  // namespace neurona::app
