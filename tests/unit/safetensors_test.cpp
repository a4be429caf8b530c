#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>

#include "neurona/applications.hpp"
#include "neurona/error.hpp"
#include "neurona/formats.hpp"
#include "neurona/layers.hpp"
#include "support/samples.hpp"

using namespace neurona;

namespace {

Sequential tiny() {
  Sequential model({.name = "tiny", .seed = 5});
  model.add(Flatten({.input_shape = {2, 3}}));
  model.add(Dense({.units = 4, .activation = Activation::selu, .kernel_initializer = Initializer::lecun_normal, .name = "hidden"}));
  model.add(Dense({.units = 3, .activation = Activation::softmax, .use_bias = false}));
  model.compile({.loss = MeanSquaredError(), .metrics = {Accuracy()}});
  model.metadata()["seed"] = "5";
  return model;
}

// The file's bytes with a header of our choosing.
std::vector<std::byte> with_header(const std::string& header, std::size_t data_bytes) {
  std::vector<std::byte> bytes(8 + header.size() + data_bytes);
  const std::uint64_t length = header.size();
  std::memcpy(bytes.data(), &length, 8);
  std::memcpy(bytes.data() + 8, header.data(), header.size());
  return bytes;
}

}  // namespace

TEST_CASE("A model saved as safetensors comes back the same: layers, weights, loss, metadata") {
  const Sequential model = tiny();
  const Model again = from_safetensors(to_safetensors(model));
  CHECK(again.summary() == model.summary());
  CHECK(again.compile_options().loss->name() == "mean_squared_error");
  CHECK(again.compile_options().metrics.size() == 1);
  CHECK(again.metadata().at("seed") == "5");
  const auto a = model.get_weights(), b = again.get_weights();
  for (std::size_t i = 0; i < a.size(); ++i) CHECK(std::memcmp(a[i].view().data, b[i].view().data, a[i].size_bytes()) == 0);
}

TEST_CASE("Kernels stored as int8 take a quarter and stay within half a level of each column") {
  const Model model = make_network("mlp-pad", 1);
  const auto bytes = to_safetensors(model, StoredAs::int8);
  CHECK(bytes.size() < 300000);
  const Model again = from_safetensors(bytes);
  const Tensor a = model.get_weights()[0], b = again.get_weights()[0];
  const std::int64_t F = a.shape().back();
  for (std::int64_t f = 0; f < F; ++f) {
    double largest = 0.0, error = 0.0;
    for (std::int64_t k = 0; k < a.shape()[0]; ++k) {
      largest = std::max(largest, std::abs(a.at(k * F + f)));
      error = std::max(error, std::abs(a.at(k * F + f) - b.at(k * F + f)));
    }
    CHECK(error <= largest / 127 * 0.5001);
  }
}

TEST_CASE("Every truncation of a model file is refused with a FormatError") {
  const auto bytes = to_safetensors(tiny());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CAPTURE(size);
    CHECK_THROWS_AS(from_safetensors(std::span(bytes).first(size)), FormatError);
  }
}

TEST_CASE("A model file with any one byte changed loads or is refused, and never harms") {
  auto bytes = to_safetensors(tiny());
  int refused = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    for (int bit : {0, 3, 7}) {
      bytes[i] ^= static_cast<std::byte>(1 << bit);
      try {
        from_safetensors(bytes);
      } catch (const FormatError&) {
        ++refused;
      }
      bytes[i] ^= static_cast<std::byte>(1 << bit);
    }
  }
  CHECK(refused > 0);
}

TEST_CASE("Foreign, absurd and damaged model files are refused with what is wrong") {
  const auto reject = [](const std::vector<std::byte>& bytes, const char* text) {
    CHECK_THROWS_WITH_AS(from_safetensors(bytes), doctest::Contains(text), FormatError);
  };
  reject({}, "0 bytes; a safetensors file has at least 8");
  reject(std::vector<std::byte>(100, std::byte{0xff}), "promise a header of 18446744073709551615 bytes");
  reject(with_header("[1, 2]", 0), "its header is not a JSON object");
  reject(with_header(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 4), "this program did not write it");
  const auto architecture = [](const std::string& layers) {
    return with_header(R"({"__metadata__":{"neurona.architecture":"{\"name\":\"m\",\"layers\":[)" + layers + R"(]}"}})", 64);
  };
  const auto dense = [](const std::string& units, const std::string& inputs) {
    return R"({\"type\":\"Dense\",\"name\":\"d\",\"config\":{\"units\":)" + units +
           R"(,\"activation\":\"relu\",\"kernel_initializer\":\"zeros\",\"use_bias\":true,\"input_shape\":[)" + inputs + "]}}";
  };
  reject(architecture(dense("1000000", "1000000000")), "needs more weights than the file's 64 bytes hold");
  reject(architecture(dense("1", "4611686018427387904")), "needs more weights");
  reject(architecture(dense("0", "4")), "units = 0");
  reject(architecture(dense("4", "4")), "tensor 'd/kernel' is missing");
  // Deep nesting must not exhaust the stack, many keys not the time.
  const std::string deep(100000, '[');
  reject(with_header(R"({"a":)" + deep + std::string(100000, ']') + "}", 0), "its header is not a JSON object");
  reject(architecture(R"({\"type\":\"Dense\",\"name\":\"d\",\"config\":{\"units\":)" + deep + std::string(100000, ']') + "}}"), "is not a JSON object");
  std::string many = "{";
  for (int i = 0; i < 50000; ++i) many += (i > 0 ? ",\"k" : "\"k") + std::to_string(i) + "\":0";
  reject(with_header(many + "}", 0), "this program did not write it");
  reject(architecture(R"({\"type\":\"Lambda\",\"name\":\"l\",\"config\":{}})"), "Unknown layer 'Lambda'");
}

TEST_CASE("Metadata may be any bytes but not take the file format's own keys") {
  Sequential model = tiny();
  model.metadata()["note"] = "caf\xe9";  // Latin-1
  CHECK(from_safetensors(to_safetensors(model)).metadata()["note"] == "caf\xef\xbf\xbd");
  for (const char* key : {"neurona.architecture", "format"}) {
    Sequential other = tiny();
    other.metadata()[key] = "mine";
    CHECK_THROWS_WITH_AS(to_safetensors(other), doctest::Contains(key), ValueError);
  }
}

TEST_CASE("Weights that are not finite are refused") {
  Sequential model = tiny();
  auto weights = model.get_weights();
  weights[0].set(2, std::numeric_limits<double>::infinity());
  model.set_weights(weights);
  CHECK_THROWS_WITH_AS(from_safetensors(to_safetensors(model)), doctest::Contains("'hidden/kernel' holds a value that is not finite, at element 2"),
                       FormatError);
}

TEST_CASE("Saving writes whole files only; loading names the file") {
  const std::filesystem::path folder = std::filesystem::temp_directory_path() / "neurona_safetensors_test";
  std::filesystem::create_directories(folder);
  const auto path = folder / "model.safetensors";
  save(tiny(), path);
  CHECK(load(path).name() == "tiny");
  CHECK(!std::filesystem::exists(path.string() + ".part"));
  CHECK_THROWS_AS(save(tiny(), folder / "no" / "such" / "folder.safetensors"), IoError);
  std::filesystem::create_directories(folder / "taken" / "by a folder");
  CHECK_THROWS_AS(save(tiny(), folder / "taken"), IoError);
  CHECK_THROWS_WITH_AS(save(tiny(), "/dev/null"), doctest::Contains("it is no file"), IoError);
  std::filesystem::create_symlink(path, folder / "link");
  save(tiny(), folder / "link");
  CHECK(std::filesystem::is_symlink(folder / "link"));
  CHECK(!std::filesystem::exists(folder / "taken.part"));
  CHECK_THROWS_WITH_AS(load(folder / "missing.safetensors"), doctest::Contains("missing.safetensors"), IoError);
  CHECK_THROWS_WITH_AS(load(folder), doctest::Contains("it is a folder"), IoError);
  std::ofstream(path) << "not a model";
  CHECK_THROWS_WITH_AS(load(path), doctest::Contains("model.safetensors"), FormatError);
  std::filesystem::remove_all(folder);
}
