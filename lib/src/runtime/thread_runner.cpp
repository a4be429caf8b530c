#include <mutex>
#include <thread>

#include "neurona/job.hpp"

namespace neurona {

struct ThreadRunner::Impl {
  Impl(Job& work, double slice) : job(work), slice_ms(slice) {
    thread = std::thread([this] { run(); });
  }

  void run() {
    Progress now;
    State end = State::finished;
    std::exception_ptr thrown;
    try {
      for (;;) {
        const bool more = job.advance(slice_ms, now);
        const std::lock_guard lock(mutex);
        progress = now;
        if (!more) break;
        if (stop) {
          end = State::stopped;
          break;
        }
      }
    } catch (...) {
      end = State::failed;
      thrown = std::current_exception();
    }
    const std::lock_guard lock(mutex);
    error = thrown;
    state = end;
  }

  Job& job;
  double slice_ms;
  mutable std::mutex mutex;  // guards what follows
  State state = State::running;
  Progress progress;
  std::exception_ptr error;
  bool stop = false;
  std::thread thread;
};

ThreadRunner::ThreadRunner(Job& job, double slice_ms) : impl_(std::make_unique<Impl>(job, slice_ms)) {}

ThreadRunner::~ThreadRunner() {
  request_stop();
  wait();
}

void ThreadRunner::request_stop() {
  const std::lock_guard lock(impl_->mutex);
  impl_->stop = true;
}

void ThreadRunner::wait() {
  if (impl_->thread.joinable()) impl_->thread.join();
}

ThreadRunner::State ThreadRunner::state() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->state;
}

Progress ThreadRunner::progress() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->progress;
}

std::exception_ptr ThreadRunner::error() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->error;
}

}  // namespace neurona
