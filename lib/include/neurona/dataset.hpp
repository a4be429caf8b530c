// What a network is trained and judged on.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "neurona/image_set.hpp"
#include "neurona/random.hpp"
#include "neurona/tensor.hpp"

namespace neurona {

/// What the samples of a batch should give: class indices, or values of any shape.
struct Targets {
  std::span<const std::int32_t> labels;  ///< empty when there are values
  ConstTensorView values;
};

/// Draws a varied image from an image (both height * width bytes), for training on more than there is. Called from several
/// threads at once.
using Augmentation = std::function<void(std::span<const std::uint8_t> image, std::span<std::uint8_t> varied, Rng& rng)>;

/// Samples with their targets; cheap to copy (the data is shared and never changed), cheap to slice.
/// Images stay 8-bit and are multiplied by `scale` while a batch is gathered.
class Dataset {
 public:
  Dataset() = default;
  /// Gray images (H, W) with labels. `scale` 1/255 maps to [0, 1]. Errors: ShapeError for too many or few pixels; ValueError for
  /// a scale that is not finite.
  explicit Dataset(ImageSet images, float scale = 1.0f / 255.0f);
  /// The same, sharing the images with the caller.
  explicit Dataset(std::shared_ptr<const ImageSet> images, float scale = 1.0f / 255.0f);
  /// Float samples x (N, ...) with class labels (N). Errors: ShapeError when the counts differ.
  Dataset(Tensor x, std::vector<std::int32_t> labels);
  /// Float samples x (N, ...) with values y (N, ...), for regression.
  Dataset(Tensor x, Tensor y);

  std::int64_t size() const { return size_; }
  /// Shape of one sample.
  Shape sample_shape() const;
  /// Shape of one target; a scalar for labels.
  Shape target_shape() const;
  bool has_labels() const;
  /// Label of sample i. Errors: ValueError without labels.
  std::int32_t label(std::int64_t i) const;
  struct NotFinite {
    std::int64_t sample = 0;
    double value = 0.0;      ///< NaN or infinite
    bool in_target = false;  ///< among its targets, not its values
  };
  /// The first sample with a value or target that is NaN or infinite; nothing for images, whose values are bytes.
  std::optional<NotFinite> first_not_finite() const;
  /// The samples [begin, begin + count).
  Dataset slice(std::int64_t begin, std::int64_t count) const;
  /// The same images, to be varied anew each time that training meets them. Errors: ValueError for data that are not images.
  Dataset augmented(Augmentation augmentation) const;
  bool is_augmented() const { return augmentation_ != nullptr; }
  /// Writes the chosen samples to x (n, ...) and their targets to `labels` (n) or `values` (n, ...), whichever the
  /// set has. With `rng` images are augmented, where an augmentation was given: sample n draws from rng->fork(n).
  /// Allocates nothing of its own.
  void gather(std::span<const std::int32_t> indices, TensorView x, std::span<std::int32_t> labels, TensorView values,
              const Rng* rng = nullptr) const;

 private:
  struct Data;
  void fetch_image(std::int64_t index) const;
  void gather_image(std::int64_t index, TensorView x, std::int64_t target, const Rng* rng) const;
  std::shared_ptr<const Data> data_;
  std::shared_ptr<const Augmentation> augmentation_;
  std::int64_t begin_ = 0;
  std::int64_t size_ = 0;
};

}  // namespace neurona
