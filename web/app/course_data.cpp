#include "course_data.hpp"

#include <span>

#include "neurona/data/embedded_digits.hpp"
#include "neurona/error.hpp"

namespace neurona::app {
namespace {

constexpr const char* kPaths[2][2] = {
    {"data/mnist/t10k-images-idx3-ubyte.gz", "data/mnist/t10k-labels-idx1-ubyte.gz"},
    {"data/mnist/train-images-idx3-ubyte.gz", "data/mnist/train-labels-idx1-ubyte.gz"}};
constexpr double kPairBytes[2] = {1.65e6, 9.94e6};  // compressed, about: for the share done
constexpr std::int64_t kEmbeddedCount[2] = {5000, 20000};
constexpr std::int64_t kEmbeddedSlice = 100;

std::span<const std::uint8_t> bytes_of(const Fetch& fetch) {
  return {reinterpret_cast<const std::uint8_t*>(fetch.bytes.data()), fetch.bytes.size()};
}

}  // namespace

void CourseData::request() {
  if (status_ == Status::idle) status_ = Status::loading;
}

void CourseData::retry() {
  if (status_ != Status::failed) return;
  images_.reset(), labels_.reset(), unpacking_.reset();
  error_.clear();
  status_ = Status::loading;
}

void CourseData::use_embedded() {
  images_.reset(), labels_.reset(), unpacking_.reset();
  sets_[0].reset(), sets_[1].reset();
  error_.clear();
  embedded_ = true;
  pair_ = 0;
  drawing_ = {};
  status_ = Status::loading;
}

void CourseData::fail(std::string error) {
  images_.reset(), labels_.reset(), unpacking_.reset();
  error_ = std::move(error);
  status_ = Status::failed;
}

double CourseData::received_bytes() const {
  return images_ ? double(images_->received_bytes + labels_->received_bytes) : 0.0;
}

double CourseData::progress() const {
  if (status_ == Status::ready) return 1.0;
  constexpr double kDownloadShare = 0.7;
  double here = embedded_ ? double(drawing_.size()) / double(kEmbeddedCount[pair_])
                          : kDownloadShare * std::min(1.0, received_bytes() / kPairBytes[pair_]) + (1 - kDownloadShare) * unpacked_;
  const double first = 0.2;  // the test images' part of it all
  return pair_ == 0 ? first * here : first + (1 - first) * here;
}

bool CourseData::advance(Platform& platform, double budget_ms) {
  if (status_ != Status::loading) return false;
  if (embedded_) return draw_embedded(budget_ms);
  if (!images_) begin_pair(platform);
  for (const Fetch* fetch : {images_.get(), labels_.get()})
    if (fetch->status == Fetch::Status::failed) {
      // A server without MNIST is no accident: the course goes on with digits of its own.
      if (fetch->not_found) use_embedded();
      else fail(fetch->error);
      return status_ == Status::loading;
    }
  if (images_->status != Fetch::Status::done || labels_->status != Fetch::Status::done) return false;  // the host wakes us
  return finish_pair(budget_ms);
}

void CourseData::begin_pair(Platform& platform) {
  images_ = platform.fetch(kPaths[pair_][0]);
  labels_ = platform.fetch(kPaths[pair_][1]);
  unpacked_ = 0.0;
}

bool CourseData::finish_pair(double budget_ms) {
  try {
    if (!unpacking_) unpacking_ = std::make_unique<data::MnistJob>(pair_ == 0, bytes_of(*images_), bytes_of(*labels_));
    Progress progress;
    if (unpacking_->advance(budget_ms, progress)) {
      unpacked_ = double(progress.done) / double(progress.total);
      return true;
    }
  } catch (const Error& error) {
    fail(error.what());
    return false;
  }
  sets_[pair_] = std::make_shared<const ImageSet>(unpacking_->take_result());
  unpacking_.reset(), images_.reset(), labels_.reset();
  if (++pair_ < 2) return true;
  pair_ = 1;
  status_ = Status::ready;
  return true;
}

bool CourseData::draw_embedded(double budget_ms) {
  const double until = now_ms() + budget_ms;
  do {
    const ImageSet piece = data::embedded_digits({.count = kEmbeddedSlice, .first = drawing_.size(), .seed = pair_ == 0 ? 2u : 1u});
    drawing_.height = piece.height, drawing_.width = piece.width;
    drawing_.pixels.insert(drawing_.pixels.end(), piece.pixels.begin(), piece.pixels.end());
    drawing_.labels.insert(drawing_.labels.end(), piece.labels.begin(), piece.labels.end());
    if (drawing_.size() < kEmbeddedCount[pair_]) continue;
    sets_[pair_] = std::make_shared<const ImageSet>(std::move(drawing_));
    drawing_ = {};
    if (pair_ == 1) {
      status_ = Status::ready;
      return true;
    }
    ++pair_;
  } while (now_ms() < until);
  return true;
}

}  // namespace neurona::app
