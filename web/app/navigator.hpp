#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace neurona::app {

/// Where a lesson asks to go. App obeys at the end of the frame: what is drawn in a frame is of one step.
class Navigator {
 public:
  struct Wish {
    std::string lesson;
    int step = 0;  ///< from 0; beyond the last is the last
  };
  void go(std::string_view lesson, int step = 0) { wish_ = Wish{std::string(lesson), step}; }
  /// The last wish, once.
  std::optional<Wish> take() { return std::exchange(wish_, std::nullopt); }

 private:
  std::optional<Wish> wish_;
};

}  // namespace neurona::app
