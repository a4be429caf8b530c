#include "neurona/data/imagenet.hpp"

#include <doctest/doctest.h>

#include <cstdlib>

#include "formats/keras_names.hpp"
#include "neurona/data/md5.hpp"
#include "neurona/error.hpp"

using namespace neurona;
using namespace neurona::data;

namespace {

std::string md5_of(const std::string& text) {
  return md5_hex({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

std::string error_of(const std::string& json) {
  try {
    parse_imagenet_classes(json, "index.json");
  } catch (const FormatError& e) {
    return e.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("MD5: the test suite of RFC 1321") {
  CHECK(md5_of("") == "d41d8cd98f00b204e9800998ecf8427e");
  CHECK(md5_of("a") == "0cc175b9c0f1b6a831c399e269772661");
  CHECK(md5_of("abc") == "900150983cd24fb0d6963f7d28e17f72");
  CHECK(md5_of("message digest") == "f96b697d7cb7938d525a2f31aaf161d0");
  CHECK(md5_of("abcdefghijklmnopqrstuvwxyz") == "c3fcd3d76192e4007dfb496cca67e13b");
  CHECK(md5_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") ==
        "d174ab98d277d9f5a5611c2c9f419d9f");
  const std::string eighty =
      "12345678901234567890123456789012345678901234567890123456789012345678901234567890";
  CHECK(md5_of(eighty) == "57edf4a22be3c955ac49da2e2107b67a");
  for (std::size_t piece : {1u, 7u, 63u, 64u, 65u}) {
    Md5 md5;
    for (std::size_t at = 0; at < eighty.size(); at += piece)
      md5.update(
          {reinterpret_cast<const std::uint8_t*>(eighty.data()) + at, std::min(piece, eighty.size() - at)});
    CHECK(md5.hex() == md5_of(eighty));
  }
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
    CHECK(md5_of_file(std::filesystem::path(folder) / "imagenet_class_index.json") ==
          imagenet_classes_file().md5);
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
