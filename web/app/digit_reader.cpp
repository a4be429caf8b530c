#include "digit_reader.hpp"

#include <algorithm>
#include <cmath>
#include <exception>
#include <stdexcept>

#include "prepare.hpp"

namespace neurona::app {

std::string_view name_of(ReaderNetwork network) { return network == ReaderNetwork::cnn ? "cnn" : "mlp"; }

std::optional<ReaderNetwork> network_from(std::string_view name) {
  for (const ReaderNetwork network : {ReaderNetwork::cnn, ReaderNetwork::mlp})
    if (name == name_of(network)) return network;
  return std::nullopt;
}

double DigitReader::progress() const {
  const Slot& slot = slots_[chosen_];
  return slot.fetch && slot.fetch->total_bytes ? double(slot.fetch->received_bytes) / double(slot.fetch->total_bytes) : 0;
}

void DigitReader::choose(Network network) {
  if (network == this->network()) return;
  chosen_ = std::size_t(network);
  revision_ = -1;
}

void DigitReader::set_recognizer(Network network, std::unique_ptr<Recognizer> recognizer) {
  Slot& slot = slots_[std::size_t(network)];
  slot.recognizer = std::move(recognizer);
  slot.status = Status::ready;
  slot.error.clear();
  revision_ = -1;
  slot.at_rest = slot.recognizer->predict(std::array<std::uint8_t, 784>{});
  slot.at_rest.label = -1;
  slot.at_rest.probabilities.fill(0);
  for (LayerActivation& layer : slot.at_rest.layers) layer.values.assign(layer.values.size(), 0.f);
}

bool DigitReader::update(Platform& platform) {
  Slot& slot = slots_[chosen_];
  if (slot.status == Status::waiting && !slot.path.empty()) {
    slot.fetch = platform.fetch(slot.path);
    slot.status = Status::loading;
  }
  // Also one that was chosen before this one.
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    Slot& one = slots_[i];
    if (one.status != Status::loading || one.fetch->status == Fetch::Status::running) continue;
    const std::shared_ptr<Fetch> fetch = std::move(one.fetch);
    try {
      if (fetch->status == Fetch::Status::failed) throw std::runtime_error(fetch->error);
      set_recognizer(Network(i), load_recognizer(fetch->bytes));
    } catch (const std::exception& error) {
      one.status = Status::failed, one.error = error.what();
      if (i == chosen_) return true;
    }
  }
  return refresh();
}

bool DigitReader::refresh() {
  if (revision_ == drawing_.revision) return false;
  revision_ = drawing_.revision;
  ++changes_;
  prepared_ = prepare_drawing(drawing_);
  const auto read = [&](const Slot& slot, bool layers) {
    return drawing_.empty() || !slot.recognizer ? slot.at_rest : slot.recognizer->predict(prepared_, layers);
  };
  prediction_ = read(slots_[chosen_], true);
  other_prediction_ = read(slots_[1 - chosen_], false);
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
