#include "neurona/data/mnist.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cstdlib>
#include <numeric>

#include "neurona/data/idx.hpp"
#include "neurona/error.hpp"
#include "support/files.hpp"

using namespace neurona;
using namespace neurona::data;
namespace fs = std::filesystem;

namespace {

// Files of MNIST's form, but not MNIST.
test::Bytes some_images() {
  return test::idx(std::vector<std::uint32_t>{2, 28, 28}, test::Bytes(2 * 28 * 28));
}
test::Bytes some_labels() { return test::idx(std::vector<std::uint32_t>{2}, test::Bytes{3, 4}); }

void write_all(const test::TemporaryFolder& folder) {
  for (std::size_t i = 0; i < 4; ++i)
    test::write_file(folder / std::string(mnist_files()[i].name), i % 2 == 0 ? some_images() : some_labels());
}

// No MNIST anywhere that it is looked for.
struct Nowhere {
  test::TemporaryFolder folder;
  test::EnvironmentGuard mnist_dir{"MNIST_DIR", nullptr};
  test::EnvironmentGuard cache{"NEURONA_CACHE", folder.path().c_str()};
  fs::path kept = fs::current_path();
  Nowhere() { fs::current_path(folder.path()); }
  ~Nowhere() { fs::current_path(kept); }
};

fs::path mnist_file(std::size_t i) {
  const fs::path plain = fs::path(std::getenv("MNIST_DIR")) / std::string(mnist_files()[i].name);
  return fs::exists(plain) ? plain : fs::path(plain.string() + ".gz");
}

}  // namespace

TEST_CASE("A folder that lacks one of MNIST's files is an error that names the file and the folder") {
  for (std::size_t lacking : {0, 1}) {  // the first pair is verified before the second is looked for
    test::TemporaryFolder folder;
    write_all(folder);
    const std::string name(mnist_files()[lacking].name);
    fs::remove(folder / name);
    const std::string message =
        "MNIST: '" + name + "' (or with .gz) is not in '" + folder.path().string() + "'.";
    CHECK_THROWS_WITH_AS(mnist({.folder = folder.path()}), doctest::Contains(message.c_str()), IoError);
  }
  CHECK_THROWS_AS(mnist({.folder = "/no/such/folder"}), IoError);
}

TEST_CASE(
    "A folder with another data set of the same form is refused by its checksum, never taken silently") {
  test::TemporaryFolder folder;
  write_all(folder);
  CHECK_THROWS_WITH_AS(mnist({.folder = folder.path()}),
                       doctest::Contains("train-images-idx3-ubyte: its SHA-256 is "), FormatError);
  CHECK_THROWS_WITH_AS(mnist({.folder = folder.path()}), doctest::Contains("Other data is trained on with: neurona train --data FOLDER"),
                       FormatError);
  test::EnvironmentGuard chosen("MNIST_DIR", folder.path().c_str());
  CHECK_THROWS_AS(mnist(), FormatError);
}

TEST_CASE("MNIST_DIR that lacks files is an error, not a reason to download or to fall back") {
  test::TemporaryFolder folder;
  test::EnvironmentGuard chosen("MNIST_DIR", folder.path().c_str());
  CHECK_THROWS_AS(mnist(), IoError);
}

TEST_CASE("Wrong, cut and swapped files of MNIST are told by name") {
  CHECK_THROWS_WITH_AS(parse_mnist(true, some_images(), some_labels()),
                       doctest::Contains("t10k-images-idx3-ubyte: its SHA-256 is"), FormatError);
  CHECK_THROWS_WITH_AS(parse_mnist(false, some_labels(), some_images()),
                       doctest::Contains("give images, not labels"), FormatError);
  const test::Bytes packed = test::gzip(some_images());
  CHECK_THROWS_WITH_AS(parse_mnist(false, std::span(packed).first(packed.size() - 9), some_labels()),
                       doctest::Contains("train-images-idx3-ubyte: gzip-compressed, and cut short"),
                       FormatError);
  CHECK_THROWS_WITH_AS(
      parse_mnist(false, some_images(), test::idx(std::vector<std::uint32_t>{1}, test::Bytes{3})),
      doctest::Contains("1 label for 2 images"), FormatError);
  CHECK_THROWS_WITH_AS(verify_mnist_file(mnist_files()[1], some_labels()),
                       doctest::Contains("train-labels-idx1-ubyte: its SHA-256"), FormatError);
  CHECK_THROWS_AS(verify_mnist_file(mnist_files()[1], {}), FormatError);
}

TEST_CASE("The job that reads MNIST in slices refuses what the direct way refuses") {
  const auto run = [](const test::Bytes& images, const test::Bytes& labels) {
    MnistJob job(false, images, labels);
    run_inline(job);
  };
  CHECK_THROWS_WITH_AS(run(some_images(), some_labels()),
                       doctest::Contains("train-labels-idx1-ubyte: its SHA-256"), FormatError);
  CHECK_THROWS_AS(run({}, {}), FormatError);
  const test::Bytes packed = test::gzip(some_labels());
  for (std::size_t size = 0; size < packed.size(); ++size)
    CHECK_THROWS_AS(
        run(some_images(), test::Bytes(packed.begin(), packed.begin() + static_cast<std::ptrdiff_t>(size))),
        FormatError);
}

TEST_CASE("Without MNIST the embedded digits are taken, and a note says why") {
  const Nowhere nowhere;
  const Mnist set = mnist({.allow_download = false});
  CHECK(set.embedded);
  CHECK(set.source == "embedded digits");
  REQUIRE(set.notes.size() == 1);
  CHECK(set.notes[0].find("MNIST is neither in MNIST_DIR, nor in ./data/mnist, nor in '") !=
        std::string::npos);
  CHECK(set.notes[0].find("Going on with embedded digits instead.") != std::string::npos);
  CHECK(set.train.size() == 60000);
  CHECK(set.test.size() == 10000);
  CHECK(!std::equal(set.test.pixels.begin(), set.test.pixels.begin() + 784, set.train.pixels.begin()));
}

TEST_CASE("Without MNIST and without leave to fall back, mnist() is an error") {
  const Nowhere nowhere;
  CHECK_THROWS_WITH_AS(mnist({.allow_download = false, .allow_embedded = false}),
                       doctest::Contains("downloading is off"), IoError);
}

TEST_CASE("The cache folder is NEURONA_CACHE's, XDG_CACHE_HOME's or the home's") {
  test::EnvironmentGuard own("NEURONA_CACHE", "/a"), xdg("XDG_CACHE_HOME", "/b"), home("HOME", "/c");
  CHECK(mnist_cache_folder() == fs::path("/a/mnist"));
  test::EnvironmentGuard no_own("NEURONA_CACHE", nullptr);
  CHECK(mnist_cache_folder() == fs::path("/b/neurona/mnist"));
  test::EnvironmentGuard empty_xdg("XDG_CACHE_HOME", "");
  CHECK(mnist_cache_folder() == fs::path("/c/.cache/neurona/mnist"));
}

TEST_CASE("MNIST is read whole and verified: counts, labels, mean gray" *
          doctest::skip(test::lacks("MNIST_DIR"))) {
  std::vector<std::string> told;
  const Mnist set = mnist({}, [&](const Progress& progress) { told.push_back(progress.detail); });
  CHECK(!set.embedded);
  CHECK(set.notes.empty());
  CHECK(told.size() == 4);
  CHECK(set.test.size() == 10000);
  std::array<int, 10> counts{};
  for (std::uint8_t label : set.train.labels) ++counts[label];
  CHECK(counts == std::array<int, 10>{5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949});
  const double sum = std::accumulate(set.train.pixels.begin(), set.train.pixels.end(), 0.0);
  CHECK(sum / static_cast<double>(set.train.pixels.size()) ==
        doctest::Approx(33.318421).epsilon(1e-7));  // 0.1307 of 255
}

TEST_CASE("MNIST read in slices is the same as at once" * doctest::skip(test::lacks("MNIST_DIR"))) {
  const test::Bytes images = test::read_file(mnist_file(2)), labels = test::read_file(mnist_file(3));
  MnistJob job(true, images, labels);
  Progress progress;
  int slices = 1;
  while (job.advance(0.0, progress)) ++slices;
  CHECK(slices > 10);
  CHECK(progress.done == progress.total);
  const ImageSet sliced = job.take_result(), whole = parse_mnist(true, images, labels);
  CHECK(sliced.pixels == whole.pixels);
  CHECK(sliced.labels == whole.labels);
}

TEST_CASE("One changed pixel in a file of MNIST is noticed" * doctest::skip(test::lacks("MNIST_DIR"))) {
  test::Bytes images = test::read_file(mnist_file(2));
  const test::Bytes labels = test::read_file(mnist_file(3));
  if (is_gzip(images)) images = gunzip(images, std::int64_t{1} << 27);
  CHECK(parse_mnist(true, images, labels).size() == 10000);
  images[5'000'000] ^= 1;
  CHECK_THROWS_WITH_AS(parse_mnist(true, images, labels), doctest::Contains("its SHA-256 is"), FormatError);
}
