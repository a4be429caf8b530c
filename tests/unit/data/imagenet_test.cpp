#include "neurona/data/imagenet.hpp"

#include <doctest/doctest.h>

#include <cstdlib>

#include "formats/keras_names.hpp"
#include "neurona/error.hpp"
#include "support/files.hpp"

using namespace neurona;
using namespace neurona::data;

namespace {

std::string error_of(const std::string& json) {
  try {
    parse_imagenet_classes(json, "index.json");
  } catch (const FormatError& e) {
    return e.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("A published file is known by its size and its SHA-256, or its MD5 where there is no other") {
  const test::TemporaryFolder folder;
  test::write_file(folder / "abc", "abc");
  PublishedFile file{.name = "abc", .bytes = 3, .urls = {}};
  const auto find = [&] { return published_file(file, "NEURONA_NO_SUCH_FOLDER", "none", {.folder = folder.path(), .allow_download = false}); };
  const auto refused = [&](const char* says) { CHECK_THROWS_WITH_AS(find(), doctest::Contains(says), FormatError); };
  CHECK_FALSE(can_verify(file));
  CHECK(find() == folder / "abc");
  file.md5 = "900150983cd24fb0d6963f7d28e17f72";  // RFC 1321
  if (can_verify(file)) {
    CHECK(find() == folder / "abc");
    file.md5.back() = '3';
    refused("its MD5 is 900150983cd24fb0d6963f7d28e17f72, that of the published file is 900150983cd24fb0d6963f7d28e17f73");
  }
  file.sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";  // which counts then
  CHECK(can_verify(file));
  CHECK(find() == folder / "abc");
  file.sha256.front() = 'c';
  refused("its SHA-256 is ba7816bf");
  file.bytes = 4;
  refused("it has 3 bytes, the published file has 4");
}

TEST_CASE("The index of ImageNet's classes, and what is none") {
  const auto classes =
      parse_imagenet_classes(R"({"1": ["n02", "goldfish"], "0": ["n01", "tench"]})", "index.json");
  REQUIRE(classes.size() == 2);
  CHECK(classes[0].id == "n01");
  CHECK(classes[1].name == "goldfish");
  for (const char* text : {"", "[]", "{}", "{\"0\": ", "nonsense", "\xff\xfe"})
    CHECK(error_of(text).find("must be a JSON object") != std::string::npos);
  CHECK(error_of(R"({"0": ["n01", "tench"], "2": ["n02", "goldfish"]})") ==
        "'index.json' is no index of ImageNet's classes: it has 2 entries, but none for class 1.");
  for (const char* text :
       {R"({"0": "tench"})", R"({"0": ["n01"]})", R"({"0": [1, 2]})", R"({"0": ["n01", "tench", "x"]})"})
    CHECK(error_of(text).find("class 0 must be two texts") != std::string::npos);
  if (const char* folder = std::getenv("IMAGENET_DIR")) {
    const auto published = read_imagenet_classes(std::filesystem::path(folder) / "imagenet_class_index.json");
    REQUIRE(published.size() == 1000);
    CHECK(published[0].name == "tench");
    CHECK(published[211].id == "n02100583");
    CHECK(published[211].name == "vizsla");
    CHECK_NOTHROW(imagenet_classes_path({.folder = folder, .allow_download = false}));
  }
}

TEST_CASE("decode_predictions: the most probable first, ties in the order of the classes") {
  const std::vector<ImageNetClass> classes = {{"a", "A"}, {"b", "B"}, {"c", "C"}, {"d", "D"}};
  const auto best = decode_predictions(
      Tensor({2, 4}, std::vector<float>{0.1f, 0.5f, 0.2f, 0.2f, 0.7f, 0.1f, 0.1f, 0.1f}), classes, 3);
  REQUIRE(best.size() == 2);
  REQUIRE(best[0].size() == 3);
  CHECK(best[0][0].of_class.name == "B");
  CHECK(best[0][1].index == 2);
  CHECK(best[0][2].index == 3);
  CHECK(best[1][0].probability == doctest::Approx(0.7));
  CHECK(decode_predictions(Tensor({1, 4}), classes, 99)[0].size() == 4);
  CHECK_THROWS_WITH_AS(
      decode_predictions(Tensor({1, 3}), classes),
      "decode_predictions received predictions of shape (1, 3); expected (N, 4), one for each class.",
      ShapeError);
}

TEST_CASE("Layers of ResNet-50 by their names of Keras 1") {
  const std::pair<const char*, const char*> names[] = {{"conv1", "conv1_conv"},
                                                       {"bn_conv1", "conv1_bn"},
                                                       {"res2a_branch2a", "conv2_block1_1_conv"},
                                                       {"bn2a_branch1", "conv2_block1_0_bn"},
                                                       {"res4f_branch2c", "conv4_block6_3_conv"},
                                                       {"bn5c_branch2b", "conv5_block3_2_bn"},
                                                       // no such layers
                                                       {"fc1000", "fc1000"},
                                                       {"res", "res"},
                                                       {"bn", "bn"},
                                                       {"res2a_branch", "res2a_branch"},
                                                       {"res6a_branch1", "res6a_branch1"},
                                                       {"res2a_branch2d", "res2a_branch2d"},
                                                       {"res2g_branch1", "res2g_branch1"},
                                                       {"conv2_block1_1_conv", "conv2_block1_1_conv"}};
  for (const auto& [old_name, todays] : names) CHECK(todays_layer_name(old_name) == todays);
}
