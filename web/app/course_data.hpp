#pragma once

#include <memory>
#include <string>

#include "neurona/data/mnist.hpp"
#include "platform.hpp"

namespace neurona::app {

/// The images that lessons train on: MNIST from the page's own server, fetched on demand, test images first, unpacked and
/// verified in slices. Where the server has none, embedded digits are drawn instead and `embedded()` says so.
class CourseData {
 public:
  enum class Status { idle, loading, failed, ready };

  /// Begins to fetch; does nothing when it has begun.
  void request();
  /// After a failure: tries again what is missing.
  void retry();
  /// After a failure: goes on with embedded digits.
  void use_embedded();
  /// Works for about `budget_ms`. Returns true while it wants another call soon.
  bool advance(Platform& platform, double budget_ms);

  Status status() const { return status_; }
  const std::string& error() const { return error_; }
  bool embedded() const { return embedded_; }
  /// Share of the work done, 0 to 1; and bytes received so far.
  double progress() const;
  double received_bytes() const;
  /// The sets that are there; null until then. The test images come first.
  std::shared_ptr<const ImageSet> train() const { return sets_[1]; }
  std::shared_ptr<const ImageSet> test() const { return sets_[0]; }

 private:
  void begin_pair(Platform& platform);
  bool finish_pair(double budget_ms);
  bool draw_embedded(double budget_ms);
  void fail(std::string error);

  Status status_ = Status::idle;
  std::string error_;
  bool embedded_ = false;
  int pair_ = 0;  // 0: test, 1: training
  std::shared_ptr<Fetch> images_, labels_;
  std::unique_ptr<data::MnistJob> unpacking_;
  double unpacked_ = 0.0;
  ImageSet drawing_;
  std::shared_ptr<const ImageSet> sets_[2];
};

}  // namespace neurona::app
