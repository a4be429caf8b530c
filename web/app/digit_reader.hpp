#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "platform.hpp"
#include "recognizer.hpp"
#include "widgets/draw_pad.hpp"

namespace neurona::app {

/// The drawn digit that follows the learner: strokes, the prepared 28x28, and what the network says.
/// Owned by the host beside App; App and lessons look at it.
class DigitReader {
 public:
  /// Where the network is; "" = none is fetched.
  explicit DigitReader(std::string model_path) : model_path_(std::move(model_path)) {}

  enum class Status { waiting, loading, ready, failed };
  Status status() const { return status_; }
  const std::string& error() const { return error_; }
  double progress() const;

  PadDrawing& drawing() { return drawing_; }
  const PadDrawing& drawing() const { return drawing_; }
  /// Grey values as the network gets them; all 0 while nothing is drawn.
  const std::array<std::uint8_t, 784>& prepared() const { return prepared_; }
  /// label -1 while nothing is drawn or no network is there.
  const Prediction& prediction() const { return prediction_; }
  /// Sizes and names of the layers with all values 0, for the state at rest.
  const Prediction& at_rest() const { return at_rest_; }
  Recognizer* recognizer() const { return recognizer_.get(); }

  /// Gets the network on first use, then keeps the prediction up to date with the drawing: a fraction of a
  /// millisecond. Returns true when the prediction changed.
  bool update(Platform& platform);
  /// The same at once, without a platform (tests, window.neurona.draw).
  bool refresh();
  /// Puts strokes on the pad as a pen would leave them there: inside the pad, without points that carry nothing.
  void set_strokes(const std::vector<PadStroke>& strokes);
  void set_recognizer(std::unique_ptr<Recognizer> recognizer);
  /// After a failure: asks for the network again.
  void retry() { status_ = Status::waiting; }

 private:
  std::string model_path_;
  Status status_ = Status::waiting;
  std::string error_;
  std::shared_ptr<Fetch> fetch_;
  std::unique_ptr<Recognizer> recognizer_;
  PadDrawing drawing_;
  std::array<std::uint8_t, 784> prepared_{};
  Prediction prediction_, at_rest_;
  int revision_ = -1;
};

}  // namespace neurona::app
