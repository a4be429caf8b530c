#include <doctest/doctest.h>

#include "neurona/dataset.hpp"
#include "neurona/error.hpp"
#include "support/samples.hpp"

using namespace neurona;

TEST_CASE("Dataset scales 8-bit images while it gathers them, in the order asked for") {
  ImageSet images{.height = 1, .width = 2, .pixels = {0, 51, 102, 153, 204, 255}, .labels = {3, 1, 2}};
  const Dataset data(images);
  CHECK(data.size() == 3);
  CHECK(data.sample_shape() == Shape({1, 2}));
  Tensor x({2, 1, 2});
  std::vector<std::int32_t> labels(2);
  data.gather(std::vector<std::int32_t>{2, 0}, x.view(), labels, {});
  CHECK(labels == std::vector<std::int32_t>{2, 3});
  CHECK(x.at(0) == doctest::Approx(204.0 / 255));
  CHECK(x.at(1) == doctest::Approx(1.0));
  CHECK(x.at(3) == doctest::Approx(51.0 / 255));
}

TEST_CASE("Dataset slices share the data and know their bounds") {
  const Dataset data(test::easy_images(10, 1));
  const Dataset tail = data.slice(7, 3);
  CHECK(tail.size() == 3);
  CHECK(tail.label(0) == data.label(7));
  CHECK_THROWS_WITH_AS(data.slice(8, 3), "Dataset: slice [8, 11) of 10 samples.", ValueError);
}

TEST_CASE("Dataset can share its images with their owner") {
  const auto images = std::make_shared<const ImageSet>(test::easy_images(4, 1));
  const Dataset data(images, 0.5f);
  CHECK(images.use_count() == 2);
  Tensor x({1, 28, 28});
  std::vector<std::int32_t> label(1);
  const std::vector<std::int32_t> third{2};
  data.gather(third, x.view(), label, {});
  CHECK(x.at(100) == images->image(2)[100] * 0.5f);
  CHECK_THROWS_AS(Dataset(std::shared_ptr<const ImageSet>()), ValueError);
}

TEST_CASE("Dataset refuses counts that do not match and labels it does not have") {
  CHECK_THROWS_WITH_AS(Dataset(Tensor({3, 2}), std::vector<std::int32_t>{1, 2}), "Dataset: 3 samples, but 2 targets.", ShapeError);
  CHECK_THROWS_AS(Dataset(Tensor({3, 2}), Tensor({3, 1})).label(0), ValueError);
  CHECK_THROWS_AS(Dataset(ImageSet{.height = 28, .width = 28, .pixels = {1, 2, 3}, .labels = {1}}), ShapeError);
}
