#include "neurona/job.hpp"

#include <chrono>

namespace neurona {

namespace {

constexpr double kSliceMs = 20.0;

}  // namespace

bool run_inline(Job& job, const std::function<bool(const Progress&)>& on_progress) {
  Progress progress;
  bool more = true;
  while (more) {
    more = job.advance(kSliceMs, progress);
    if (on_progress && !on_progress(progress)) return !more;
  }
  return true;
}

double now_ms() {
  using Clock = std::chrono::steady_clock;
  return std::chrono::duration<double, std::milli>(Clock::now().time_since_epoch()).count();
}

}  // namespace neurona
