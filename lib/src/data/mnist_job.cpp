#include <cstddef>
#include <string>

#include "data/unpack.hpp"
#include "neurona/data/idx.hpp"
#include "neurona/data/mnist.hpp"
#include "neurona/error.hpp"

namespace neurona::data {

namespace {

constexpr std::size_t kSlice = 1u << 18;        // unpacked and hashed at a time: about a millisecond or two
constexpr std::int64_t kMaxBytes = 47'040'016;  // the largest of the four files

// One file, slice by slice, verified at its end.
class Unpacking {
 public:
  Unpacking(const MnistFile& file, std::span<const std::uint8_t> bytes) : file_(file), unpacking_(bytes, kMaxBytes, std::string(file.name)) {}

  // Returns whether there is more.
  bool slice() {
    if (unpacking_.advance(kSlice)) return true;
    if (const std::string digest = unpacking_.sha256(); digest != file_.sha256)
      throw FormatError(std::string(file_.name) + ": its SHA-256 is " + digest + ", that of MNIST's file is " + std::string(file_.sha256) +
                        ". It is damaged or another file; get it again.");
    return false;
  }
  std::span<const std::uint8_t> plain() const { return unpacking_.plain(); }
  std::vector<std::uint8_t> take() { return unpacking_.take(); }

 private:
  const MnistFile& file_;
  UnpackAndHash unpacking_;
};

}  // namespace

struct MnistJob::Impl {
  Impl(bool test_pair, std::span<const std::uint8_t> image_bytes, std::span<const std::uint8_t> label_bytes)
      : images(mnist_files()[test_pair ? 2 : 0], image_bytes),
        labels(mnist_files()[test_pair ? 3 : 1], label_bytes),
        total(test_pair ? 7'840'016 : kMaxBytes) {}
  Unpacking images, labels;
  std::int64_t total;
  enum { kLabels, kImages, kParse, kDone } stage = kLabels;
  ImageSet result;
};

MnistJob::MnistJob(bool test, std::span<const std::uint8_t> images, std::span<const std::uint8_t> labels)
    : impl_(std::make_unique<Impl>(test, images, labels)) {}
MnistJob::~MnistJob() = default;

bool MnistJob::advance(double budget_ms, Progress& progress) {
  const double until = now_ms() + budget_ms;
  do {
    switch (impl_->stage) {
      case Impl::kLabels:
        if (!impl_->labels.slice()) impl_->stage = Impl::kImages;
        break;
      case Impl::kImages:
        if (!impl_->images.slice()) impl_->stage = Impl::kParse;
        break;
      case Impl::kParse:
        impl_->result = read_idx_pair(impl_->images.take(), impl_->labels.plain());
        impl_->stage = Impl::kDone;
        break;
      case Impl::kDone: break;
    }
  } while (impl_->stage != Impl::kDone && now_ms() < until);
  progress.done = impl_->stage == Impl::kDone ? impl_->total : static_cast<std::int64_t>(impl_->images.plain().size());
  progress.total = impl_->total;
  progress.unit = "bytes";
  progress.detail = "unpacking MNIST";
  return impl_->stage != Impl::kDone;
}

ImageSet MnistJob::take_result() { return std::move(impl_->result); }

}  // namespace neurona::data
