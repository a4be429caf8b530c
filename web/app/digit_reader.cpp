#include "digit_reader.hpp"

#include <algorithm>
#include <cmath>
#include <exception>

#include "prepare.hpp"

namespace neurona::app {

double DigitReader::progress() const {
  return fetch_ && fetch_->total_bytes ? double(fetch_->received_bytes) / double(fetch_->total_bytes) : 0;
}

void DigitReader::set_recognizer(std::unique_ptr<Recognizer> recognizer) {
  recognizer_ = std::move(recognizer);
  status_ = Status::ready;
  error_.clear();
  revision_ = -1;
  at_rest_ = recognizer_->predict(prepared_);
  at_rest_.label = -1;
  at_rest_.probabilities.fill(0);
  for (LayerActivation& layer : at_rest_.layers) layer.values.assign(layer.values.size(), 0.f);
}

bool DigitReader::update(Platform& platform) {
  if (status_ == Status::waiting && !model_path_.empty()) {
    fetch_ = platform.fetch(model_path_);
    status_ = Status::loading;
  }
  if (status_ == Status::loading && fetch_->status != Fetch::Status::running) {
    const std::shared_ptr<Fetch> fetch = std::move(fetch_);
    if (fetch->status == Fetch::Status::failed) {
      status_ = Status::failed, error_ = fetch->error;
      return true;
    }
    try {
      set_recognizer(load_recognizer(fetch->bytes));
    } catch (const std::exception& error) {
      status_ = Status::failed, error_ = error.what();
      return true;
    }
  }
  return refresh();
}

bool DigitReader::refresh() {
  if (revision_ == drawing_.revision) return false;
  revision_ = drawing_.revision;
  prepared_ = prepare_drawing(drawing_);
  if (drawing_.empty() || !recognizer_) {
    prediction_ = at_rest_;
    return true;
  }
  prediction_ = recognizer_->predict(prepared_);
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
