#include <zlib.h>

#include <algorithm>

#include "neurona/data/idx.hpp"
#include "neurona/data/mnist.hpp"
#include "neurona/data/sha256.hpp"
#include "neurona/error.hpp"

namespace neurona::data {

namespace {

constexpr std::size_t kSlice = 1u << 18;          // unpacked and hashed at a time: about a millisecond or two
constexpr std::size_t kMaxBytes = 47'040'016;     // the largest of the four files
constexpr int kGzip = 16 + MAX_WBITS;             // zlib's code for a gzip header

// Unpacks (or copies) one file slice by slice, hashing on the way.
class Unpacking {
 public:
  Unpacking(const MnistFile& file, std::span<const std::uint8_t> bytes) : file_(file), packed_(bytes), gzip_(is_gzip(bytes)) {
    if (!gzip_) return;
    stream_.next_in = const_cast<Bytef*>(packed_.data());
    stream_.avail_in = static_cast<uInt>(packed_.size());
    if (inflateInit2(&stream_, kGzip) != Z_OK) throw FormatError(name() + ": zlib could not be started.");
  }
  ~Unpacking() {
    if (gzip_) inflateEnd(&stream_);
  }
  Unpacking(const Unpacking&) = delete;
  Unpacking& operator=(const Unpacking&) = delete;

  // Returns whether there is more.
  bool slice() {
    const std::size_t before = plain_.size();
    const bool more = gzip_ ? inflate_slice() : copy_slice();
    digest_.update(std::span(plain_).subspan(before));
    if (!more && digest_.hex() != file_.sha256)
      throw FormatError(name() + ": its SHA-256 is " + digest_.hex() + ", that of MNIST's file is " + std::string(file_.sha256) +
                        ". It is damaged or another file; get it again.");
    return more;
  }
  std::span<const std::uint8_t> plain() const { return plain_; }
  std::vector<std::uint8_t> take() { return std::move(plain_); }

 private:
  std::string name() const { return std::string(file_.name); }

  bool copy_slice() {
    if (packed_.size() > kMaxBytes) throw FormatError(name() + ": " + std::to_string(packed_.size()) + " bytes; MNIST's file is smaller.");
    const std::size_t count = std::min(kSlice, packed_.size() - plain_.size());
    const auto from = packed_.subspan(plain_.size(), count);
    plain_.insert(plain_.end(), from.begin(), from.end());
    return plain_.size() < packed_.size();
  }

  bool inflate_slice() {
    const std::size_t before = plain_.size();
    if (before == 0) plain_.reserve(std::min(kMaxBytes, packed_.size() * 16) + kSlice);  // the last slice is not full
    plain_.resize(before + kSlice);
    stream_.next_out = plain_.data() + before;
    stream_.avail_out = static_cast<uInt>(kSlice);
    const int result = inflate(&stream_, Z_NO_FLUSH);
    plain_.resize(plain_.size() - stream_.avail_out);
    if (result == Z_STREAM_END) return false;
    if (result != Z_OK || plain_.size() == before)
      throw FormatError(name() + ": gzip data " + (stream_.avail_in == 0 ? "cut short" : "damaged") + " after " + std::to_string(plain_.size()) +
                        " bytes. The download was interrupted; get it again.");
    if (plain_.size() > kMaxBytes) throw FormatError(name() + ": it unpacks to more than the " + std::to_string(kMaxBytes) + " bytes of MNIST's largest file.");
    return true;
  }

  const MnistFile& file_;
  std::span<const std::uint8_t> packed_;
  bool gzip_;
  z_stream stream_{};
  std::vector<std::uint8_t> plain_;
  Sha256 digest_;
};

}  // namespace

struct MnistJob::Impl {
  Impl(bool test_pair, std::span<const std::uint8_t> image_bytes, std::span<const std::uint8_t> label_bytes)
      : images(mnist_files()[test_pair ? 2 : 0], image_bytes),
        labels(mnist_files()[test_pair ? 3 : 1], label_bytes),
        total(static_cast<std::int64_t>(test_pair ? 7'840'016 : kMaxBytes)) {}
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
