#pragma once

#include <cstddef>
#include <functional>
#include <vector>

namespace neurona::app {

/// Shares one slice of work among those that have some, so that several trainings together take no longer than
/// one: the one on the screen comes first and, while others are busy, gets three slices of four.
class WorkShare {
 public:
  /// Works for about `budget_ms` in all.
  /// @param work  lets worker i work for some milliseconds; returns whether it has more to do
  /// Returns whether anybody has more to do.
  bool advance(double budget_ms, std::size_t count, std::size_t on_screen,
               const std::function<bool(std::size_t i, double budget_ms)>& work);

 private:
  std::size_t next_other(std::size_t on_screen);

  std::vector<bool> busy_;
  std::size_t last_other_ = 0;
  int slice_ = 0;
};

}  // namespace neurona::app
