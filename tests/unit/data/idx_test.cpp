#include "neurona/data/idx.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "neurona/error.hpp"
#include "support/files.hpp"

using namespace neurona;
using data::read_idx_images, data::read_idx_labels, data::read_idx_pair, data::gunzip;
using test::Bytes, test::gzip;

namespace {

Bytes ramp(std::size_t count) {
  Bytes bytes(count);
  for (std::size_t i = 0; i < count; ++i) bytes[i] = static_cast<std::uint8_t>(i * 7 + 1);
  return bytes;
}

Bytes images_file() { return test::idx(std::vector<std::uint32_t>{3, 4, 5}, ramp(60)); }
Bytes labels_file() { return test::idx(std::vector<std::uint32_t>{3}, Bytes{7, 0, 9}); }

void refuses_images(const Bytes& bytes, const char* text,
                    const data::IdxOptions& options = {.name = "train-images"}) {
  CHECK_THROWS_WITH_AS(read_idx_images(bytes, options), doctest::Contains(text), FormatError);
}

void refuses_labels(const Bytes& bytes, const char* text) {
  CHECK_THROWS_WITH_AS(read_idx_labels(bytes, {.name = "train-labels"}), doctest::Contains(text),
                       FormatError);
}

}  // namespace

TEST_CASE("IDX images and labels come back as they were written, plain and gzip-compressed") {
  for (bool packed : {false, true}) {
    CAPTURE(packed);
    const Bytes images = packed ? gzip(images_file()) : images_file();
    const Bytes labels = packed ? gzip(labels_file()) : labels_file();
    CHECK(data::is_gzip(images) == packed);
    const ImageSet set = read_idx_pair(images, labels);
    CHECK(set.height == 4);
    CHECK(set.width == 5);
    CHECK(set.pixels == ramp(60));
    CHECK(set.labels == Bytes{7, 0, 9});
    CHECK(set.image(1)[0] == ramp(60)[20]);
  }
}

TEST_CASE("Bytes that are given away become the pixels, in the same memory") {
  Bytes bytes = images_file();
  const std::uint8_t* memory = bytes.data();
  const ImageSet set = read_idx_images(std::move(bytes));
  CHECK(set.pixels == ramp(60));
  CHECK(set.pixels.data() == memory);
}

TEST_CASE("An IDX file of no images is a set of none") {
  const ImageSet set = read_idx_pair(test::idx(std::vector<std::uint32_t>{0, 28, 28}, {}),
                                     test::idx(std::vector<std::uint32_t>{0}, {}));
  CHECK(set.size() == 0);
  CHECK(set.pixels.empty());
}

TEST_CASE("Every truncation of an IDX file is refused, plain and gzip-compressed") {
  const Bytes images = images_file(), labels = labels_file();
  for (const Bytes& file : {images, gzip(images)})
    for (std::size_t size = 0; size < file.size(); ++size) {
      CAPTURE(size);
      CHECK_THROWS_AS(read_idx_images(std::span(file).first(size)), FormatError);
    }
  for (const Bytes& file : {labels, gzip(labels)})
    for (std::size_t size = 0; size < file.size(); ++size) {
      CAPTURE(size);
      CHECK_THROWS_AS(read_idx_labels(std::span(file).first(size)), FormatError);
    }
}

TEST_CASE("A truncated file is told with what it promises, what it has, and what to do") {
  Bytes cut = images_file();
  cut.resize(40);
  refuses_images(cut, "train-images: the header promises 3 images of 4x5 (76 bytes), the file has 40.");
  refuses_images(cut, "It was cut short; download it again.");
  refuses_images({}, "train-images: the file is empty");
  refuses_images({0, 0, 8, 3, 0, 0}, "6 bytes; the header alone has 16");
  Bytes packed = gzip(images_file());
  packed.resize(packed.size() / 2);
  refuses_images(packed, "train-images: gzip-compressed, and cut short after");
}

TEST_CASE("Bytes behind the end of an IDX or gzip file are refused") {
  Bytes images = images_file(), labels = labels_file();
  images.push_back(0);
  labels.push_back(1);
  refuses_images(images, "the header promises 3 images of 4x5 (76 bytes), the file has 77.");
  refuses_images(images, "It has bytes of something else behind its end");
  CHECK_THROWS_AS(read_idx_labels(labels), FormatError);
  Bytes packed = gzip(images_file());
  packed.push_back('x');
  refuses_images(packed, "1 byte behind the end of the gzip file");
}

TEST_CASE("A damaged gzip file is refused: in its data and in its checksum") {
  Bytes packed = gzip(images_file());
  Bytes wrong = packed;
  wrong[wrong.size() - 6] ^= 1;  // of the CRC-32
  refuses_images(wrong, "damaged gzip file (incorrect data check)");
  wrong = packed;
  wrong[wrong.size() - 2] ^= 1;  // of the length
  refuses_images(wrong, "damaged gzip file (incorrect length check)");
  wrong = packed;
  wrong[10] = 0xff;  // the first block's type
  refuses_images(wrong, "damaged gzip file");
  CHECK_THROWS_WITH_AS(gunzip(images_file(), 1000, "x"), doctest::Contains("a gzip file begins with 1f 8b"),
                       FormatError);
}

TEST_CASE("A file that is no IDX file, or another kind of it, is told by its first bytes") {
  refuses_images(labels_file(), "give images, not labels");
  refuses_labels(images_file(), "give labels, not images");
  Bytes floats = images_file();
  floats[2] = 0x0d;
  refuses_images(floats, "begins with 00 00 0d 03; expected 00 00 08 03");
  refuses_images(floats, "Its numbers are of another type");
  refuses_images(test::bytes_of("<html>404</html>"), "It is a web page (HTML), which a server sent in the file's place");
  refuses_images(test::bytes_of("PK\x03\x04 and so on, a zip file"), "It is a ZIP archive, no IDX file");
}

TEST_CASE("A header that promises more than there is takes no memory for it") {
  // 2^31 images of 28x28 are 1.5 TiB; 2^32 of 4096x4096, the largest sides read, are 2^56 bytes.
  refuses_images(
      test::idx(std::vector<std::uint32_t>{1u << 31, 28, 28}, ramp(100)),
      "the header promises 2147483648 images of 28x28 (1683627180048 bytes); at most 1073741824 are read");
  refuses_images(test::idx(std::vector<std::uint32_t>{0xffffffff, 4096, 4096}, {}), "are read");
  refuses_images(test::idx(std::vector<std::uint32_t>{1, 0xffffffff, 0xffffffff}, {}),
                 "sides of 1 to 4096 are read");
  refuses_images(test::idx(std::vector<std::uint32_t>{5, 0, 28}, {}), "sides of 1 to 4096 are read");
  refuses_labels(test::idx(std::vector<std::uint32_t>{0xffffffff}, Bytes{1}), "4294967295 labels");
}

TEST_CASE("A gzip file that unpacks to more than allowed is refused, at the limit it is read") {
  const Bytes zeros(5000), packed = gzip(zeros);
  CHECK(packed.size() < 100);
  CHECK(gunzip(packed, 5000) == zeros);
  CHECK_THROWS_WITH_AS(gunzip(packed, 4999, "bomb"),
                       doctest::Contains("bomb: unpacks to more than 4999 bytes"), FormatError);
  CHECK_THROWS_AS(gunzip(packed, 0), FormatError);
  CHECK_THROWS_AS(gunzip(packed, -1), FormatError);
  Bytes lies = packed;  // of the length that it unpacks to
  std::fill(lies.end() - 4, lies.end(), std::uint8_t{0xff});
  CHECK_THROWS_AS(gunzip(lies, std::int64_t{1} << 33), FormatError);
  refuses_images(images_file(), "76 bytes; at most 75 are read", {.name = "train-images", .max_bytes = 75});
}

TEST_CASE("Labels beyond the highest class and counts that differ are refused") {
  refuses_labels(test::idx(std::vector<std::uint32_t>{3}, Bytes{1, 10, 2}),
                 "label 10 at index 1; labels from 0 to 9 were expected");
  CHECK(read_idx_labels(test::idx(std::vector<std::uint32_t>{2}, Bytes{0, 255}), {.max_label = 255}).back() ==
        255);
  CHECK_THROWS_WITH_AS(read_idx_pair(images_file(), test::idx(std::vector<std::uint32_t>{2}, Bytes{1, 2})),
                       doctest::Contains("labels: 2 labels for 3 images of images"), FormatError);
}
