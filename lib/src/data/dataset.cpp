#include "neurona/dataset.hpp"

#include <array>
#include <cmath>
#include <string>

#include "neurona/error.hpp"
#include "runtime/parallel_for.hpp"

namespace neurona {

struct Dataset::Data {
  std::shared_ptr<const ImageSet> images;
  float scale = 1.0f;
  Tensor x;  // empty for images
  std::vector<std::int32_t> labels;
  Tensor y;  // empty with labels
  Shape sample_shape;
};

namespace {

constexpr std::int64_t kMaxAugmentedPixels = 64 * 64;
// How many images before it is needed one is fetched into the cache.
constexpr std::int64_t kImagesAhead = 2;

std::int64_t leading(const Tensor& tensor) {
  if (tensor.shape().rank() == 0) throw ShapeError("Dataset: a scalar; the first axis counts the samples.");
  return tensor.shape()[0];
}

void check_counts(std::int64_t samples, std::int64_t targets) {
  if (samples != targets)
    throw ShapeError("Dataset: " + std::to_string(samples) + " samples, but " + std::to_string(targets) + " targets.");
}

template <class T>
void scale_bytes(std::span<const std::uint8_t> bytes, T scale, T* to) {
  for (std::size_t i = 0; i < bytes.size(); ++i) to[i] = static_cast<T>(bytes[i]) * scale;
}

// Row `index` of a tensor whose rows have `count` elements -> row `target` of the view.
void gather_row(ConstTensorView from, std::int64_t index, std::int64_t count, TensorView to, std::int64_t target) {
  const std::size_t from_size = size_of(from.dtype), to_size = size_of(to.dtype);
  const ConstTensorView row(static_cast<const std::byte*>(from.data) + static_cast<std::size_t>(index * count) * from_size,
                            {count}, from.dtype);
  copy(row, {static_cast<std::byte*>(to.data) + static_cast<std::size_t>(target * count) * to_size, {count}, to.dtype});
}

}  // namespace

Dataset::Dataset(ImageSet images, float scale) : Dataset(std::make_shared<const ImageSet>(std::move(images)), scale) {}

Dataset::Dataset(std::shared_ptr<const ImageSet> images, float scale) {
  if (!images) throw ValueError("Dataset: there are no images.");
  if (!std::isfinite(scale)) throw ValueError("Dataset: scale = " + std::to_string(scale) + "; it must be a finite number.");
  auto data = std::make_shared<Data>();
  if (static_cast<std::int64_t>(images->pixels.size()) != images->size() * images->pixels_per_image())
    throw ShapeError("Dataset: " + std::to_string(images->pixels.size()) + " pixels for " + std::to_string(images->size()) +
                     " labels of " + std::to_string(images->height) + "x" + std::to_string(images->width) + " images.");
  data->labels.assign(images->labels.begin(), images->labels.end());
  data->sample_shape = {images->height, images->width};
  data->images = std::move(images);
  data->scale = scale;
  size_ = static_cast<std::int64_t>(data->labels.size());
  data_ = std::move(data);
}

Dataset::Dataset(Tensor x, std::vector<std::int32_t> labels) {
  check_counts(leading(x), static_cast<std::int64_t>(labels.size()));
  auto data = std::make_shared<Data>();
  data->sample_shape = x.shape().without_leading();
  data->x = std::move(x);
  data->labels = std::move(labels);
  size_ = static_cast<std::int64_t>(data->labels.size());
  data_ = std::move(data);
}

Dataset::Dataset(Tensor x, Tensor y) {
  check_counts(leading(x), leading(y));
  auto data = std::make_shared<Data>();
  data->sample_shape = x.shape().without_leading();
  size_ = x.shape()[0];
  data->x = std::move(x);
  data->y = std::move(y);
  data_ = std::move(data);
}

Shape Dataset::sample_shape() const { return data_ ? data_->sample_shape : Shape(); }

Shape Dataset::target_shape() const { return data_ && !data_->y.empty() ? data_->y.shape().without_leading() : Shape(); }

bool Dataset::has_labels() const { return data_ && data_->y.empty(); }

std::int32_t Dataset::label(std::int64_t i) const {
  if (!has_labels()) throw ValueError("Dataset: it has values as targets, no labels.");
  return data_->labels[static_cast<std::size_t>(begin_ + i)];
}

std::optional<Dataset::NotFinite> Dataset::first_not_finite() const {
  if (!data_) return std::nullopt;
  const Shape x_shape = data_->sample_shape, y_shape = target_shape();
  for (std::int64_t i = begin_; i < begin_ + size_; ++i) {
    for (const bool in_target : {false, true}) {
      const Tensor& tensor = in_target ? data_->y : data_->x;
      if (tensor.empty()) continue;
      const std::int64_t count = (in_target ? y_shape : x_shape).elements();
      for (std::int64_t k = i * count; k < (i + 1) * count; ++k)
        if (const double value = tensor.at(k); !std::isfinite(value)) return NotFinite{i - begin_, value, in_target};
    }
  }
  return std::nullopt;
}

Dataset Dataset::slice(std::int64_t begin, std::int64_t count) const {
  if (begin < 0 || count < 0 || begin + count > size_)
    throw ValueError("Dataset: slice [" + std::to_string(begin) + ", " + std::to_string(begin + count) + ") of " +
                     std::to_string(size_) + " samples.");
  Dataset part = *this;
  part.begin_ += begin;
  part.size_ = count;
  return part;
}

Dataset Dataset::augmented(Augmentation augmentation) const {
  if (!data_ || !data_->x.empty()) throw ValueError("Dataset: only images can be augmented.");
  if (data_->images->pixels_per_image() > kMaxAugmentedPixels)
    throw ValueError("Dataset: images of " + std::to_string(data_->images->pixels_per_image()) + " pixels; up to " +
                     std::to_string(kMaxAugmentedPixels) + " can be augmented.");
  Dataset varied = *this;
  varied.augmentation_ = std::make_shared<const Augmentation>(std::move(augmentation));
  return varied;
}

void Dataset::gather_image(std::int64_t index, TensorView x, std::int64_t target, const Rng* rng) const {
  const std::int64_t count = data_->images->pixels_per_image();
  std::span<const std::uint8_t> image = data_->images->image(index);
  std::array<std::uint8_t, kMaxAugmentedPixels> varied;
  if (rng != nullptr && augmentation_) {
    Rng own = rng->fork(static_cast<std::uint64_t>(target));
    const std::span<std::uint8_t> place = std::span(varied).first(image.size());
    (*augmentation_)(image, place, own);
    image = place;
  }
  if (x.dtype == DType::float64)
    scale_bytes(image, static_cast<double>(data_->scale), x.as<double>() + target * count);
  else
    scale_bytes(image, data_->scale, x.as<float>() + target * count);
}

void Dataset::fetch_image(std::int64_t index) const {
  constexpr std::size_t kCacheLine = 64;
  const std::span<const std::uint8_t> image = data_->images->image(index);
  for (std::size_t i = 0; i < image.size(); i += kCacheLine) __builtin_prefetch(image.data() + i);
}

void Dataset::gather(std::span<const std::int32_t> indices, TensorView x, std::span<std::int32_t> labels, TensorView values,
                     const Rng* rng) const {
  const auto one = [&](std::int64_t n) {
    const std::int64_t index = begin_ + indices[static_cast<std::size_t>(n)];
    if (data_->x.empty())
      gather_image(index, x, n, rng);
    else
      gather_row(data_->x.view(), index, data_->sample_shape.elements(), x, n);
    if (data_->y.empty())
      labels[static_cast<std::size_t>(n)] = data_->labels[static_cast<std::size_t>(index)];
    else
      gather_row(data_->y.view(), index, target_shape().elements(), values, n);
  };
  const auto count = static_cast<std::int64_t>(indices.size());
  if (rng != nullptr && augmentation_) return runtime::parallel_for(count, one);  // costs more than handing it out
  // Images in a random order: no processor foresees where the next one lies.
  const bool foresees = data_->x.empty();
  for (std::int64_t n = 0; n < count; ++n) {
    if (foresees && n + kImagesAhead < count) fetch_image(begin_ + indices[static_cast<std::size_t>(n + kImagesAhead)]);
    one(n);
  }
}

}  // namespace neurona
