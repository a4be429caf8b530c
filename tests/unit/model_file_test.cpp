#include <doctest/doctest.h>

#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "neurona/error.hpp"
#include "neurona/formats.hpp"
#include "neurona/layers.hpp"
#include "neurona/train.hpp"
#include "support/files.hpp"
#include "support/samples.hpp"
#include "support/snapshots.hpp"

using namespace neurona;

namespace {

const Dataset& images() {
  static const Dataset data(test::easy_images(60, 9));
  return data;
}

Sequential network(Handle<Optimizer> optimizer) {
  Sequential model({.seed = 3});
  model.add(Flatten({.input_shape = {28, 28}}));
  model.add(Dense({.units = 6, .activation = Activation::tanh}));
  model.add(BatchNormalization());
  model.add(Dropout({.rate = 0.3}));
  model.add(Dense({.units = 10, .activation = Activation::softmax}));
  model.compile({.optimizer = std::move(optimizer), .metrics = {Accuracy()}});
  return model;
}

nlohmann::json header_of(const std::vector<std::byte>& bytes) {
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof length);
  return nlohmann::json::parse(std::string_view(reinterpret_cast<const char*>(bytes.data()) + sizeof length,
                                                static_cast<std::size_t>(length)));
}

std::vector<std::byte> with_header(const nlohmann::json& header, std::span<const std::byte> data) {
  const std::string text = header.dump();
  const std::uint64_t length = text.size();
  std::vector<std::byte> bytes(sizeof length + text.size());
  std::memcpy(bytes.data(), &length, sizeof length);
  std::memcpy(bytes.data() + sizeof length, text.data(), text.size());
  bytes.insert(bytes.end(), data.begin(), data.end());
  return bytes;
}

std::span<const std::byte> data_of(const std::vector<std::byte>& bytes) {
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof length);
  return std::span(bytes).subspan(sizeof length + static_cast<std::size_t>(length));
}

const std::vector<Handle<Optimizer>>& optimizers() {
  static const std::vector<Handle<Optimizer>> all = {
      SGD({.learning_rate = 0.1}), SGD({.learning_rate = 0.05, .momentum = 0.9, .nesterov = true}),
      Adam({.learning_rate = 0.002, .beta_1 = 0.8, .beta_2 = 0.99, .epsilon = 1e-6, .amsgrad = true}),
      AdamW({.weight_decay = 0.01}),
      RMSprop({.rho = 0.8, .momentum = 0.5, .epsilon = 1e-6, .centered = true})};
  return all;
}

}  // namespace

TEST_CASE(
    "A model that is saved, loaded and trained on has the same bits as one that was only trained on, with "
    "every optimizer") {
  const test::TemporaryFolder folder;
  for (const Handle<Optimizer>& optimizer : optimizers()) {
    INFO(optimizer->name(), ", slots ", optimizer->slots_per_parameter());
    const FitOptions first{.epochs = 2, .batch_size = 16, .seed = 1},
        second{.epochs = 2, .batch_size = 16, .seed = 2};
    Sequential model = network(optimizer->clone());
    model.fit(images(), first);
    model.compile_options().optimizer->set_learning_rate(0.0123);
    save(model, folder / "a.safetensors");
    Model again = load(folder / "a.safetensors");
    const Optimizer& loaded = *again.compile_options().optimizer;
    CHECK(loaded.name() == optimizer->name());
    CHECK(loaded.learning_rate() == 0.0123);
    CHECK(loaded.config().values() == optimizer->config().values());
    CHECK(loaded.iterations() == 8);
    const History expected = model.fit(images(), second), is = again.fit(images(), second);
    CHECK(is.epochs == expected.epochs);
    CHECK(test::equal_tensors(again.get_weights(), model.get_weights()));
    CHECK(test::equal_tensors(again.compile_options().optimizer->state().slots,
                              model.compile_options().optimizer->state().slots));
  }
}

TEST_CASE("A graph that is saved, loaded and trained on has the same bits, too") {
  Functional model({.name = "paths", .seed = 6});
  const Node in = model.input({28, 28});
  const Node flat = model.add(Flatten(), {in});
  const Node a = model.add(Dense({.units = 5, .activation = Activation::relu}), {flat}),
             b = model.add(Dense({.units = 5}), {flat});
  model.set_outputs(
      {model.add(Dense({.units = 10, .activation = Activation::softmax}), {model.add(Add(), {a, b})})});
  model.compile({.optimizer = Adam()});
  model.fit(images(), {.batch_size = 16});
  Model again = from_safetensors(to_safetensors(model));
  model.fit(images(), {.batch_size = 16});
  again.fit(images(), {.batch_size = 16});
  CHECK(test::equal_tensors(again.get_weights(), model.get_weights()));
}

TEST_CASE(
    "The optimizer can be left out of a file; int8 leaves it out, and so does a model that is not compiled "
    "or was never trained its slots") {
  Sequential model = network(Adam());
  const std::size_t untrained = to_safetensors(model).size();
  model.fit(images(), {.batch_size = 16});
  const std::vector<std::byte> whole = to_safetensors(model),
                               lean = to_safetensors(model, SaveOptions{.include_optimizer = false}),
                               small = to_safetensors(model, StoredAs::int8);
  const std::size_t slots = 2 * static_cast<std::size_t>(model.count_trainable_params()) * sizeof(float);
  CHECK(whole.size() > lean.size() + slots);
  CHECK(whole.size() < lean.size() + slots + 4096);
  CHECK(untrained < lean.size() + 512);
  for (const std::vector<std::byte>* bytes : {&lean, &small}) {
    CHECK(!header_of(*bytes)["__metadata__"].contains("neurona.optimizer"));
    const Model again = from_safetensors(*bytes);
    CHECK(again.compile_options().optimizer->name() == "SGD");
    CHECK(again.compile_options().optimizer->iterations() == 0);
  }
  Sequential uncompiled({.seed = 1});
  uncompiled.add(Dense({.units = 1, .input_shape = {2}}));
  CHECK(!header_of(to_safetensors(uncompiled))["__metadata__"].contains("neurona.optimizer"));
}

TEST_CASE("Files from before optimizers were kept still load, with plain SGD") {
  Sequential model = network(Adam());
  nlohmann::json header = header_of(to_safetensors(model));
  header["__metadata__"].erase("neurona.optimizer");
  const std::vector<std::byte> bytes = to_safetensors(model);
  const Model again = from_safetensors(with_header(header, data_of(bytes)));
  CHECK(again.compile_options().optimizer->name() == "SGD");
  CHECK(test::equal_tensors(again.get_weights(), model.get_weights()));
}

TEST_CASE("An optimizer that a file describes wrongly is a FormatError that says what is wrong") {
  Sequential model = network(Adam());
  model.fit(images(), {.batch_size = 16});
  const std::vector<std::byte> bytes = to_safetensors(model);
  const auto reject = [&](const std::string& text, const std::function<void(nlohmann::json&)>& change) {
    INFO(text);
    nlohmann::json header = header_of(bytes),
                   optimizer =
                       nlohmann::json::parse(header["__metadata__"]["neurona.optimizer"].get<std::string>());
    change(optimizer);
    header["__metadata__"]["neurona.optimizer"] = optimizer.dump();
    CHECK_THROWS_WITH_AS(from_safetensors(with_header(header, data_of(bytes))),
                         doctest::Contains(text.c_str()), FormatError);
  };
  reject("Unknown optimizer 'newton'", [](auto& o) { o["name"] = "Newton"; });
  reject("beta_1 = 1.5", [](auto& o) { o["config"]["beta_1"] = 1.5; });
  reject("'amsgrad' is not true or false", [](auto& o) { o["config"]["amsgrad"] = 3; });
  reject("learning_rate = -1", [](auto& o) { o["learning_rate"] = -1.0; });
  reject("number of iterations is -1", [](auto& o) { o["iterations"] = -1; });
  reject("number of slots is -1", [](auto& o) { o["slots"] = -1; });
  reject("tensor 'neurona.optimizer/12' is missing", [](auto& o) { o["slots"] = 1000000000; });
  reject("keeps 2 tensors for each parameter; received 3 in all", [](auto& o) { o["slots"] = 3; });
  reject("described wrongly", [](auto& o) { o.erase("iterations"); });
}

TEST_CASE("A file of more than a gigabyte loads; only what the network needs is read") {
  // A sparse file: its second tensor, of a gibibyte and a half, belongs to no layer and is nowhere on the
  // disk.
  constexpr std::uint64_t kForeignBytes = std::uint64_t{3} << 29;
  const test::TemporaryFolder folder;
  Sequential model = network(SGD());
  const std::vector<std::byte> bytes = to_safetensors(model);
  const std::span<const std::byte> data = data_of(bytes);
  nlohmann::json header = header_of(bytes);
  header["foreign"] = {{"dtype", "F32"},
                       {"shape", {kForeignBytes / 4}},
                       {"data_offsets", {data.size(), data.size() + kForeignBytes}}};
  const std::vector<std::byte> begin = with_header(header, data);
  const auto path = folder / "large.safetensors";
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(begin.data()), static_cast<std::streamsize>(begin.size()));
  std::filesystem::resize_file(path, begin.size() + kForeignBytes);
  CHECK(test::equal_tensors(load(path).get_weights(), model.get_weights()));
  std::filesystem::resize_file(path, begin.size() + kForeignBytes + 1);
  CHECK_THROWS_WITH_AS(load(path), doctest::Contains("1 bytes behind its last tensor"), FormatError);
}

TEST_CASE("What cannot be read is not written: metadata of more than a header may have") {
  const test::TemporaryFolder folder;
  Sequential model = network(SGD());
  model.metadata()["note"] = std::string(std::size_t{16} << 20, 'x');
  CHECK_THROWS_WITH_AS(save(model, folder / "a.safetensors"), doctest::Contains("Shorten the metadata"),
                       ValueError);
  CHECK(std::filesystem::is_empty(folder.path()));
  model.metadata()["note"].resize((std::size_t{16} << 20) - 8192);
  save(model, folder / "a.safetensors");
  CHECK(load(folder / "a.safetensors").metadata() == model.metadata());
}

TEST_CASE("Layers and tensors that together want more than the file has are refused before memory is taken") {
  const auto layer = [](const std::string& name) {
    return R"({"type":"Dense","name":")" + name +
           R"(","config":{"units":10,"activation":"relu","kernel_initializer":"zeros","use_bias":true,"input_shape":[10]}})";
  };
  std::string layers;
  for (int i = 0; i < 20; ++i) layers += (i > 0 ? "," : "") + layer("d" + std::to_string(i));
  const nlohmann::json header = {
      {"__metadata__", {{"neurona.architecture", R"({"name":"m","layers":[)" + layers + "]}"}}}};
  CHECK_THROWS_WITH_AS(from_safetensors(with_header(header, std::vector<std::byte>(440))),
                       doctest::Contains("layer 'd4' on inputs of shape (10,) needs more weights"),
                       FormatError);
  Sequential model = network(SGD());
  const std::vector<std::byte> bytes = to_safetensors(model);
  nlohmann::json twice = header_of(bytes);
  for (int i = 0; i < 3; ++i) twice["again" + std::to_string(i)] = twice["dense/kernel"];
  CHECK_THROWS_WITH_AS(from_safetensors(with_header(twice, data_of(bytes))),
                       doctest::Contains("its tensors overlap"), FormatError);
}
