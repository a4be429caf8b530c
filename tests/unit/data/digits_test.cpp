// Digits that the library draws itself, and variations of digits.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <set>
#include <string>

#include "neurona/backend.hpp"
#include "neurona/data/embedded_digits.hpp"
#include "neurona/data/image_augment.hpp"
#include "neurona/error.hpp"
#include "support/files.hpp"

using namespace neurona;
using namespace neurona::data;

namespace {

constexpr std::size_t kPixels = 28 * 28;
using Mean = std::array<double, kPixels>;

std::array<Mean, 10> means_of(const ImageSet& set) {
  std::array<Mean, 10> means{};
  std::array<double, 10> counts{};
  for (std::int64_t i = 0; i < set.size(); ++i) {
    const std::size_t label = set.labels[static_cast<std::size_t>(i)];
    counts[label] += 1.0;
    for (std::size_t p = 0; p < kPixels; ++p) means[label][p] += set.image(i)[p];
  }
  for (std::size_t label = 0; label < 10; ++label)
    for (double& value : means[label]) value /= counts[label];
  return means;
}

// The class whose mean image is nearest.
int nearest(const std::array<Mean, 10>& means, std::span<const std::uint8_t> image) {
  int best = -1;
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t label = 0; label < 10; ++label) {
    double distance = 0.0;
    for (std::size_t p = 0; p < kPixels; ++p)
      distance += (means[label][p] - image[p]) * (means[label][p] - image[p]);
    if (distance < least) least = distance, best = static_cast<int>(label);
  }
  return best;
}

std::pair<double, double> center_of(std::span<const std::uint8_t> image) {
  double mass = 0.0, x = 0.0, y = 0.0;
  for (std::size_t p = 0; p < kPixels; ++p) {
    mass += image[p];
    x += image[p] * static_cast<double>(p % 28);
    y += image[p] * static_cast<double>(p / 28);
  }
  return {x / mass, y / mass};
}

}  // namespace

TEST_CASE(
    "Embedded digits depend on the seed and their index alone, not on the threads or on how many are drawn") {
  const ImageSet set = embedded_digits({.count = 50, .seed = 3});
  CHECK(embedded_digits({.count = 50, .seed = 3}).pixels == set.pixels);
  CHECK(embedded_digits({.count = 50, .seed = 4}).pixels != set.pixels);
  const ImageSet piece = embedded_digits({.count = 20, .first = 30, .seed = 3});
  CHECK(std::equal(piece.pixels.begin(), piece.pixels.end(), set.pixels.begin() + 30 * kPixels));
  CHECK(std::equal(piece.labels.begin(), piece.labels.end(), set.labels.begin() + 30));
  const int kept = num_threads();
  for (int threads : {1, 3}) {
    set_num_threads(threads);
    CHECK(embedded_digits({.count = 50, .seed = 3}).pixels == set.pixels);
  }
  set_num_threads(kept);
}

TEST_CASE("Embedded digits have balanced labels, and no two images are alike") {
  const ImageSet set = embedded_digits({.count = 400});
  CHECK(set.height == 28);
  CHECK(set.width == 28);
  REQUIRE(set.pixels.size() == 400 * kPixels);
  std::array<int, 10> counts{};
  std::set<std::string> different;
  for (std::int64_t i = 0; i < set.size(); ++i) {
    ++counts[set.labels[static_cast<std::size_t>(i)]];
    different.emplace(set.image(i).begin(), set.image(i).end());
  }
  for (int count : counts) CHECK(count == 40);
  CHECK(different.size() == 400);
  CHECK(embedded_digits({.count = 0}).size() == 0);
  CHECK_THROWS_WITH_AS(embedded_digits({.count = -5}), doctest::Contains("count = -5"), ValueError);
  CHECK_THROWS_AS(embedded_digits({.count = 5, .first = -1}), ValueError);
}

TEST_CASE("Embedded digits can be told apart: the nearest mean image names most of them") {
  const auto means = means_of(embedded_digits({.count = 1000, .seed = 1}));
  const ImageSet unseen = embedded_digits({.count = 500, .seed = 2});
  int hits = 0;
  for (std::int64_t i = 0; i < unseen.size(); ++i)
    hits += nearest(means, unseen.image(i)) == unseen.labels[static_cast<std::size_t>(i)];
  // MNIST itself gives 0.82 by this rule; chance is 0.1.
  CHECK(hits > 350);
}

TEST_CASE("A variation of an image depends on the random numbers alone") {
  const ImageSet set = embedded_digits({.count = 10, .seed = 5});
  std::vector<std::uint8_t> a(kPixels), b(kPixels);
  Rng first(1), same(1);
  augment_image(set.image(3), a, first);
  augment_image(set.image(3), b, same);
  CHECK(a == b);
  augment_image(set.image(3), b, first);
  CHECK(a != b);
  const AugmentOptions none{.shift = 0, .rotation = 0, .shear = 0, .zoom = 0, .elastic = 0};
  augment_image(set.image(3), b, first, none);
  CHECK(std::equal(b.begin(), b.end(), set.image(3).begin()));
}

TEST_CASE("A shift alone moves the ink by at most so much") {
  const ImageSet set = embedded_digits({.count = 10, .seed = 5});
  const AugmentOptions shift{.shift = 2.0f, .rotation = 0, .shear = 0, .zoom = 0, .elastic = 0};
  double farthest = 0.0;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    Rng rng(seed);
    std::vector<std::uint8_t> varied(kPixels);
    augment_image(set.image(4), varied, rng, shift);
    const auto [x, y] = center_of(varied);
    const auto [x0, y0] = center_of(set.image(4));
    CHECK(std::abs(x - x0) < 2.05);  // gray levels are rounded
    CHECK(std::abs(y - y0) < 2.05);
    farthest = std::max(farthest, std::abs(x - x0));
  }
  CHECK(farthest > 1.0);
}

TEST_CASE("A varied digit still shows its label, and a Dataset hands the label out unchanged") {
  const ImageSet set = embedded_digits({.count = 1000, .seed = 1});
  const auto means = means_of(set);
  const Dataset varied = Dataset(set).augmented(augmentation());
  CHECK(varied.is_augmented());
  const std::int64_t N = 200;
  std::vector<std::int32_t> indices(N), labels(N);
  for (std::int32_t i = 0; i < N; ++i) indices[static_cast<std::size_t>(i)] = 4 * i + i % 3;
  Tensor x({N, 28, 28});
  const Rng rng(9);
  varied.gather(indices, x.view(), labels, {}, &rng);
  int hits = 0, changed = 0;
  for (std::size_t i = 0; i < N; ++i) {
    REQUIRE(labels[i] == indices[i] % 10);
    std::vector<std::uint8_t> image(kPixels);
    for (std::size_t p = 0; p < kPixels; ++p)
      image[p] = static_cast<std::uint8_t>(std::lround(x.values()[i * kPixels + p] * 255.0f));
    hits += nearest(means, image) == labels[i];
    changed += !std::equal(image.begin(), image.end(), set.image(indices[i]).begin());
  }
  CHECK(changed == N);
  CHECK(hits > N * 0.55);  // the plain images reach about 0.8, chance 0.1
}

TEST_CASE("Amounts of variation out of range and images of another size are refused") {
  CHECK_THROWS_WITH_AS(augmentation({.shift = -1.0f}), doctest::Contains("augmentation: shift = -1"),
                       ValueError);
  CHECK_THROWS_AS(augmentation({.zoom = std::numeric_limits<float>::quiet_NaN()}), ValueError);
  CHECK_THROWS_AS(augmentation({.elastic = 7.5f}), ValueError);
  std::vector<std::uint8_t> image(27 * 27), varied(27 * 27);
  Rng rng(1);
  CHECK_THROWS_AS(augmentation()(image, varied, rng), ShapeError);
}
