#include "digit_reader.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "prepare.hpp"

namespace neurona::app {

std::string_view to_string(NetworkKind kind) { return kind == NetworkKind::cnn ? "cnn" : "mlp"; }

std::optional<NetworkKind> network_kind_from(std::string_view name) {
  for (const NetworkKind kind : kNetworkKinds)
    if (to_string(kind) == name) return kind;
  return std::nullopt;
}

std::string_view title_of(NetworkKind kind) { return kind == NetworkKind::cnn ? "CNN" : "MLP"; }

DigitReader::DigitReader(NetworkFiles files) {
  networks_[std::size_t(NetworkKind::cnn)].path = std::move(files.cnn);
  networks_[std::size_t(NetworkKind::mlp)].path = std::move(files.mlp);
}

void DigitReader::choose(NetworkKind kind) {
  if (kind == chosen_) return;
  chosen_ = kind;
  revision_ = -1;
}

double DigitReader::progress() const {
  const auto& fetch = now().fetch;
  return fetch && fetch->total_bytes ? double(fetch->received_bytes) / double(fetch->total_bytes) : 0;
}

const Prediction* DigitReader::other_prediction() const {
  const Network& network = networks_[std::size_t(other())];
  return network.recognizer ? &network.prediction : nullptr;
}

void DigitReader::set_recognizer(std::unique_ptr<Recognizer> recognizer, NetworkKind kind) {
  Network& network = networks_[std::size_t(kind)];
  network.recognizer = std::move(recognizer);
  network.status = Status::ready;
  network.error.clear();
  revision_ = -1;
  network.at_rest = network.recognizer->predict(prepared_);
  network.at_rest.label = -1;
  network.at_rest.probabilities.fill(0);
  for (LayerActivation& layer : network.at_rest.layers) layer.values.assign(layer.values.size(), 0.f);
}

bool DigitReader::receive(NetworkKind kind) {
  Network& network = networks_[std::size_t(kind)];
  if (network.status != Status::loading || network.fetch->status == Fetch::Status::running) return false;
  const std::shared_ptr<Fetch> fetch = std::move(network.fetch);
  try {
    if (fetch->status == Fetch::Status::failed) throw std::runtime_error(fetch->error);
    set_recognizer(load_recognizer(fetch->bytes), kind);
  } catch (const std::exception& error) {
    network.status = Status::failed, network.error = error.what();
  }
  return true;
}

bool DigitReader::update(Platform& platform) {
  if (now().status == Status::waiting && !now().path.empty()) {
    now().fetch = platform.fetch(now().path);
    now().status = Status::loading;
  }
  bool arrived = false;
  for (const NetworkKind kind : kNetworkKinds) arrived = receive(kind) || arrived;
  return refresh() || arrived;
}

const Explainer* DigitReader::explainer() {
  return recognizer() && prediction().label >= 0 ? recognizer()->explain_pass(prepared_) : nullptr;
}

bool DigitReader::refresh() {
  if (revision_ == drawing_.revision) return false;
  revision_ = drawing_.revision;
  prepared_ = prepare_drawing(drawing_);
  for (const NetworkKind kind : kNetworkKinds) {
    Network& network = networks_[std::size_t(kind)];
    network.prediction = drawing_.empty() || !network.recognizer
                             ? network.at_rest
                             : network.recognizer->predict(prepared_, kind == chosen_);
  }
  ++serial_;
  return true;
}

void DigitReader::set_strokes(const std::vector<PadStroke>& strokes) {
  drawing_.strokes.clear();
  for (const PadStroke& stroke : strokes) {
    PadStroke kept;
    for (const PadPoint& given : stroke) {
      const PadPoint point{std::clamp(given.x, 0.f, 1.f), std::clamp(given.y, 0.f, 1.f)};
      if (!kept.empty() && std::hypot(point.x - kept.back().x, point.y - kept.back().y) < kLeastPenMove)
        continue;
      kept.push_back(point);
    }
    if (!kept.empty()) drawing_.strokes.push_back(std::move(kept));
  }
  ++drawing_.revision;
}

}  // namespace neurona::app
