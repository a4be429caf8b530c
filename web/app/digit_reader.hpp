#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "platform.hpp"
#include "recognizer.hpp"
#include "widgets/draw_pad.hpp"

namespace neurona::app {

/// What reads the digit: a small convolutional network, or the multilayer perceptron it is compared with.
enum class ReaderNetwork { cnn, mlp };
/// "cnn", "mlp": as in addresses and in window.neurona.
std::string_view name_of(ReaderNetwork network);
std::optional<ReaderNetwork> network_from(std::string_view name);

/// The drawn digit that follows the learner: strokes, the prepared 28x28, and what the networks say.
/// Owned by the host beside App; App and lessons look at it.
class DigitReader {
 public:
  using Network = ReaderNetwork;
  enum class Status { waiting, loading, ready, failed };

  /// Where the networks are; "" = none is fetched.
  explicit DigitReader(std::string cnn_path, std::string mlp_path = {}) {
    slots_[0].path = std::move(cnn_path), slots_[1].path = std::move(mlp_path);
  }

  /// The one whose answer counts; it is fetched when it is first chosen. The drawing stays.
  Network network() const { return Network(chosen_); }
  void choose(Network network);

  Status status() const { return slots_[chosen_].status; }
  const std::string& error() const { return slots_[chosen_].error; }
  double progress() const;

  PadDrawing& drawing() { return drawing_; }
  const PadDrawing& drawing() const { return drawing_; }
  /// Grey values as the network gets them; all 0 while nothing is drawn.
  const std::array<std::uint8_t, 784>& prepared() const { return prepared_; }
  /// label -1 while nothing is drawn or no network is there.
  const Prediction& prediction() const { return prediction_; }
  /// What the other network says, without layers; label -1 while it was never chosen.
  const Prediction& other_prediction() const { return other_prediction_; }
  /// Sizes and names of the layers with all values 0, for the state at rest.
  const Prediction& at_rest() const { return slots_[chosen_].at_rest; }
  Recognizer* recognizer() const { return slots_[chosen_].recognizer.get(); }
  /// Grows whenever prediction() or at_rest() becomes another.
  int changes() const { return changes_; }

  /// Gets the network on first use, then keeps the prediction up to date with the drawing: about a
  /// millisecond. Returns true when the prediction changed.
  bool update(Platform& platform);
  /// The same at once, without a platform (tests, window.neurona.draw).
  bool refresh();
  /// Puts strokes on the pad as a pen would leave them there: inside the pad, without points that carry nothing.
  void set_strokes(const std::vector<PadStroke>& strokes);
  void set_recognizer(std::unique_ptr<Recognizer> recognizer) { set_recognizer(network(), std::move(recognizer)); }
  void set_recognizer(Network network, std::unique_ptr<Recognizer> recognizer);
  /// After a failure: asks for the network again.
  void retry() { slots_[chosen_].status = Status::waiting; }

 private:
  struct Slot {
    std::string path;
    Status status = Status::waiting;
    std::string error;
    std::shared_ptr<Fetch> fetch;
    std::unique_ptr<Recognizer> recognizer;
    Prediction at_rest;
  };
  std::array<Slot, 2> slots_;
  std::size_t chosen_ = 0;
  PadDrawing drawing_;
  std::array<std::uint8_t, 784> prepared_{};
  Prediction prediction_, other_prediction_;
  int revision_ = -1, changes_ = 0;
};

}  // namespace neurona::app
