#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "platform.hpp"
#include "recognizer.hpp"
#include "widgets/draw_pad.hpp"

namespace neurona::app {

/// The networks that one can choose from; both read digits.
enum class NetworkKind { cnn, mlp };
inline constexpr std::array<NetworkKind, 2> kNetworkKinds{NetworkKind::cnn, NetworkKind::mlp};
/// "cnn", "mlp": in addresses and for window.neurona.
std::string_view to_string(NetworkKind kind);
std::optional<NetworkKind> network_kind_from(std::string_view name);
/// "CNN", "MLP": in both languages.
std::string_view title_of(NetworkKind kind);

/// Where the networks are; "" = that one is never fetched.
struct NetworkFiles {
  std::string cnn = "models/digits.safetensors";
  std::string mlp = "models/digits-mlp.safetensors";
};

/// The drawn digit that follows the learner: strokes, the prepared 28x28, and what the chosen network says.
/// Owned by the host beside App; App and lessons look at it.
class DigitReader {
 public:
  explicit DigitReader(NetworkFiles files = {});

  // --- the chosen network ---
  NetworkKind chosen() const { return chosen_; }
  NetworkKind other() const { return chosen_ == NetworkKind::cnn ? NetworkKind::mlp : NetworkKind::cnn; }
  /// Another network reads the drawing, once it is here: it is fetched when it is first chosen.
  void choose(NetworkKind kind);
  enum class Status { waiting, loading, ready, failed };
  Status status() const { return now().status; }
  const std::string& error() const { return now().error; }
  /// Share of the download, 0 while its size is unknown.
  double progress() const;
  Recognizer* recognizer() const { return now().recognizer.get(); }
  /// label -1 while nothing is drawn or no network is there.
  const Prediction& prediction() const { return now().prediction; }
  /// Sizes and names of the layers with all values 0, for the state at rest.
  const Prediction& at_rest() const { return now().at_rest; }
  /// What the other network says, without its layers; label -1 while nothing is drawn, null while that one is not here.
  const Prediction* other_prediction() const;
  /// Grows whenever a prediction changes.
  int serial() const { return serial_; }

  /// Explains the chosen network's reading of the drawing; null while there is none. Runs the network: between frames.
  const Explainer* explainer();

  // --- the drawing ---
  PadDrawing& drawing() { return drawing_; }
  const PadDrawing& drawing() const { return drawing_; }
  /// Grey values as the network gets them; all 0 while nothing is drawn.
  const std::array<std::uint8_t, 784>& prepared() const { return prepared_; }

  /// Gets the chosen network on first use, then keeps the predictions up to date with the drawing: a few milliseconds
  /// at most. Returns true when the prediction changed.
  bool update(Platform& platform);
  /// The same at once, without a platform (tests, window.neurona.draw).
  bool refresh();
  /// Puts strokes on the pad as a pen would leave them there: inside the pad, without points that carry nothing.
  void set_strokes(const std::vector<PadStroke>& strokes);
  void set_recognizer(std::unique_ptr<Recognizer> recognizer, NetworkKind kind = NetworkKind::cnn);
  /// After a failure: asks for the network again.
  void retry() { now().status = Status::waiting; }

 private:
  struct Network {
    std::string path;
    Status status = Status::waiting;
    std::string error;
    std::shared_ptr<Fetch> fetch;
    std::unique_ptr<Recognizer> recognizer;
    Prediction prediction, at_rest;
  };
  Network& now() { return networks_[std::size_t(chosen_)]; }
  const Network& now() const { return networks_[std::size_t(chosen_)]; }
  /// Takes a download that has ended; returns whether it had.
  bool receive(NetworkKind kind);

  std::array<Network, kNetworkKinds.size()> networks_;
  NetworkKind chosen_ = NetworkKind::cnn;
  PadDrawing drawing_;
  std::array<std::uint8_t, 784> prepared_{};
  int revision_ = -1;  // of the drawing that was read last; -1: it is to be read anew
  int serial_ = 0;
};

}  // namespace neurona::app
