#include "work_share.hpp"

#include <algorithm>

#include "neurona/job.hpp"

namespace neurona::app {
namespace {

constexpr int kSlicesInTurn = 4;          // of which the last goes to one out of sight
constexpr double kWorthBeginning = 0.25;  // share of the budget below which nobody else begins

}  // namespace

std::size_t WorkShare::next_other(std::size_t on_screen) {
  for (std::size_t k = 1; k <= busy_.size(); ++k) {
    const std::size_t i = (last_other_ + k) % busy_.size();
    if (i != on_screen && busy_[i]) return last_other_ = i;
  }
  return on_screen;
}

bool WorkShare::advance(double budget_ms, std::size_t count, std::size_t on_screen,
                        const std::function<bool(std::size_t, double)>& work) {
  busy_.resize(count);
  slice_ = (slice_ + 1) % kSlicesInTurn;
  const std::size_t first = slice_ == 0 && count > 0 ? next_other(on_screen) : on_screen;
  const double end = now_ms() + budget_ms;
  const auto turn = [&](std::size_t i) {
    const double left = end - now_ms();
    // Those that had nothing to do are asked all the same: it costs nothing, and they may have some now.
    if (left < kWorthBeginning * budget_ms && busy_[i]) return;
    busy_[i] = work(i, std::max(left, 0.0));
  };
  if (count > 0) turn(first);
  if (first != on_screen) turn(on_screen);
  for (std::size_t k = 1; k <= count; ++k) {
    const std::size_t i = (last_other_ + k) % count;
    if (i != first && i != on_screen) turn(i);
  }
  return std::any_of(busy_.begin(), busy_.end(), [](bool busy) { return busy; });
}

}  // namespace neurona::app
