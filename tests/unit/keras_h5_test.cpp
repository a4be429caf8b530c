// Which weights of a Keras file land where. The files are written here, as Keras writes them, with HDF5's C library.
#include <doctest/doctest.h>
#include <hdf5.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "neurona/applications.hpp"
#include "neurona/error.hpp"
#include "neurona/formats.hpp"
#include "neurona/layers.hpp"
#include "support/files.hpp"

using namespace neurona;

namespace {

struct FileWeight {
  std::string name;
  std::vector<hsize_t> shape;
  float value = 0.0f;  // of all its elements
};

struct FileLayer {
  std::string name;
  std::vector<FileWeight> weights;
};

// `chunks`: the list is cut in so many, as Keras does with what is too long for one attribute.
void write_names(hid_t to, const std::string& attribute, const std::vector<std::string>& names, std::size_t chunks = 1) {
  for (std::size_t chunk = 0; chunk < chunks; ++chunk) {
    std::vector<const char*> texts;
    for (std::size_t i = chunk * names.size() / chunks; i < (chunk + 1) * names.size() / chunks; ++i) texts.push_back(names[i].c_str());
    const hsize_t count = texts.size();
    const hid_t space = H5Screate_simple(1, &count, nullptr), type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    const std::string name = chunks > 1 ? attribute + std::to_string(chunk) : attribute;
    const hid_t written = H5Acreate2(to, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT);
    REQUIRE(written >= 0);
    if (count > 0) H5Awrite(written, type, texts.data());
    H5Aclose(written), H5Tclose(type), H5Sclose(space);
  }
}

// `inside`: the group of a whole model's file, "/model_weights"; empty: save_weights() of Keras 2.
void write_keras_file(const std::filesystem::path& path, const std::vector<FileLayer>& layers, const std::string& inside = "",
                      std::size_t chunks = 1) {
  const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  REQUIRE(file >= 0);
  const hid_t root = inside.empty() ? H5Gopen2(file, "/", H5P_DEFAULT) : H5Gcreate2(file, inside.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  const hid_t intermediate = H5Pcreate(H5P_LINK_CREATE);
  H5Pset_create_intermediate_group(intermediate, 1);
  std::vector<std::string> names;
  for (const FileLayer& layer : layers) {
    names.push_back(layer.name);
    const hid_t group = H5Gcreate2(root, layer.name.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    std::vector<std::string> weights;
    for (const FileWeight& weight : layer.weights) {
      weights.push_back(weight.name);
      std::size_t elements = 1;
      for (const hsize_t extent : weight.shape) elements *= static_cast<std::size_t>(extent);
      const std::vector<float> values(elements, weight.value);
      const hid_t space = H5Screate_simple(static_cast<int>(weight.shape.size()), weight.shape.data(), nullptr);
      const hid_t set = H5Dcreate2(group, weight.name.c_str(), H5T_IEEE_F32LE, space, intermediate, H5P_DEFAULT, H5P_DEFAULT);
      REQUIRE(set >= 0);
      H5Dwrite(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
      H5Dclose(set), H5Sclose(space);
    }
    write_names(group, "weight_names", weights);
    H5Gclose(group);
  }
  write_names(root, "layer_names", names, chunks);
  H5Pclose(intermediate), H5Gclose(root), H5Fclose(file);
}

FileLayer dense(const std::string& name, hsize_t inputs, hsize_t units, float value) {
  return {name, {{name + "/kernel:0", {inputs, units}, value}, {name + "/bias:0", {units}, value}}};
}

FileLayer normalization(const std::string& name, hsize_t channels, float value) {
  return {name,
          {{name + "/gamma:0", {channels}, value},
           {name + "/beta:0", {channels}, value + 0.1f},
           {name + "/moving_mean:0", {channels}, value + 0.2f},
           {name + "/moving_variance:0", {channels}, value + 0.3f}}};
}

FileLayer without_weights(const std::string& name) { return {name, {}}; }

// dense, dense_1, dense_2, all 4x4.
Sequential square_network() {
  Sequential model;
  for (int i = 0; i < 3; ++i) model.add(Dense({.units = 4, .input_shape = {4}}));
  return model;
}

Sequential normalized_network() {
  Sequential model;
  for (int i = 0; i < 2; ++i) {
    model.add(Dense({.units = 4, .input_shape = {4}}));
    model.add(BatchNormalization());
  }
  return model;
}

// The first element of the first weight of each layer.
std::vector<double> firsts(Sequential& model) {
  std::vector<double> values;
  for (std::int64_t i = 0; i < model.size(); ++i) values.push_back(model.layer(i).parameters()[0].value.at(0));
  return values;
}

struct Folder : test::TemporaryFolder {
  std::filesystem::path file = *this / "weights.h5";
};

}  // namespace

TEST_CASE("Weights land by the file's order, whatever the names: also those that another layer of the network has") {
  for (const std::vector<std::string>& names : std::vector<std::vector<std::string>>{
           {"dense_1", "dense_2", "dense_3"}, {"dense", "dense_1", "dense_2"}, {"dense_2", "dense_1", "dense"}, {"a", "dense", "c"},
           {"dense_7", "dense_8", "dense_1"}})
    for (const char* inside : {"", "/model_weights"}) {
      INFO(names[0], " ", names[1], " ", names[2], inside);
      const Folder folder;
      write_keras_file(folder.file, {without_weights("flatten"), dense(names[0], 4, 4, 1), dense(names[1], 4, 4, 2), without_weights("dropout"), dense(names[2], 4, 4, 3)},
                       inside);
      Sequential model = square_network();
      const KerasWeights loaded = load_keras_weights(model, folder.file);
      CHECK(firsts(model) == std::vector<double>{1, 2, 3});
      CHECK(loaded.unused.empty());
      REQUIRE(loaded.matched.size() == 6);
      CHECK(loaded.matched[3].layer == "dense_1");
      CHECK(loaded.matched[3].parameter == "bias");
      CHECK(loaded.matched[3].shape == Shape{4});
      CHECK(loaded.matched[3].file_layer == names[1]);
      CHECK(loaded.matched[3].file_weight == names[1] + "/bias:0");
    }
}

TEST_CASE("Normalization layers counted from 1 land by order, all four weights of each") {
  const Folder folder;
  write_keras_file(folder.file, {dense("dense_1", 4, 4, 1), normalization("batch_normalization_1", 4, 2), dense("dense_2", 4, 4, 3),
                                 normalization("batch_normalization_2", 4, 4)});
  Sequential model = normalized_network();
  load_keras_weights(model, folder.file);
  CHECK(firsts(model) == std::vector<double>{1, 2, 3, 4});
  for (const std::int64_t layer : {1, 3})
    for (int k = 0; k < 4; ++k)
      CHECK(model.layer(layer).parameters()[static_cast<std::size_t>(k)].value.at(3) == doctest::Approx(static_cast<double>(layer) + 1 + 0.1 * k));
}

TEST_CASE("The files of the field land by order" * doctest::skip(test::lacks("FIELD_DIR"))) {
  const std::filesystem::path folder = std::getenv("FIELD_DIR");
  Sequential square = square_network(), normalized = normalized_network();
  load_keras_weights(square, folder / "square1.h5");
  CHECK(firsts(square) == std::vector<double>{1, 2, 3});
  load_keras_weights(normalized, folder / "bn1.h5");
  CHECK(firsts(normalized) == std::vector<double>{1, 1, 2, 2});
}

TEST_CASE("By name each layer takes the file's layer of its name, and the rest of the file is listed") {
  const Folder folder;
  write_keras_file(folder.file, {dense("dense_2", 4, 4, 3), dense("top", 4, 7, 9), dense("dense", 4, 4, 1), dense("dense_1", 4, 4, 2)});
  Sequential model = square_network();
  const KerasWeights loaded = load_keras_weights(model, folder.file, {.by_name = true});
  CHECK(firsts(model) == std::vector<double>{1, 2, 3});
  CHECK(loaded.unused == std::vector<std::string>{"top"});
  CHECK(loaded.matched[0].file_layer == "dense");
}

TEST_CASE("By name all layers must be there: those that the file lacks are named, and nothing changes") {
  for (const auto& [names, says] : std::vector<std::pair<std::vector<std::string>, std::string>>{
           {{"dense_1", "dense_2", "dense_3"}, "lacks 1 of the 3 layers with weights of the network 'sequential': 'dense'. It has 'dense_1', 'dense_2', 'dense_3'"},
           {{"a", "dense_1", "c"}, "lacks 2 of the 3 layers with weights of the network 'sequential': 'dense', 'dense_2'."}}) {
    const Folder folder;
    write_keras_file(folder.file, {dense(names[0], 4, 4, 1), dense(names[1], 4, 4, 2), dense(names[2], 4, 4, 3)});
    Sequential model = square_network();
    const std::vector<double> before = firsts(model);
    CHECK_THROWS_WITH_AS(load_keras_weights(model, folder.file, {.by_name = true}), doctest::Contains(says.c_str()), FormatError);
    CHECK(firsts(model) == before);
  }
}

TEST_CASE("Wrong counts and shapes are refused before anything changes, by order and by name") {
  const std::vector<std::pair<std::vector<FileLayer>, std::string>> cases = {
      {{dense("dense", 4, 4, 1), dense("dense_1", 4, 4, 2)}, "has 2 layers with weights ('dense', 'dense_1'), the network 'sequential' has 3 ('dense', 'dense_1', 'dense_2')"},
      {{dense("dense", 4, 4, 1), dense("dense_1", 4, 4, 2), dense("dense_2", 4, 4, 3), dense("dense_3", 4, 4, 4)}, "has 4 layers with weights"},
      {{dense("dense", 4, 4, 1), dense("dense_1", 4, 4, 2), dense("dense_2", 4, 5, 3)}, "weight 'kernel' of layer 'dense_2' has shape (4, 5), the network's has (4, 4)"},
      {{dense("dense", 4, 4, 1), {"dense_1", {{"dense_1/kernel:0", {4, 4}, 2}}}, dense("dense_2", 4, 4, 3)}, "layer 'dense_1' has 1 weights, the network's has 2"},
      {{dense("dense", 4, 4, 1), normalization("dense_1", 4, 2), dense("dense_2", 4, 4, 3)}, "layer 'dense_1' has 4 weights, the network's has 2"},
      {{dense("dense", 4, 4, 1), dense("dense_1", 4, 4, 2), {"dense_2", {{"dense_2/kernel:0", {16}, 3}, {"dense_2/bias:0", {4}, 3}}}}, "has shape (16,)"},
  };
  for (const auto& [layers, says] : cases)
    for (const bool by_name : {false, true}) {
      if (by_name && layers.size() > 3) continue;  // what the file has besides is listed
      INFO(says, by_name);
      const Folder folder;
      write_keras_file(folder.file, layers);
      Sequential model = square_network();
      const std::vector<double> before = firsts(model);
      if (by_name && layers.size() < 3)
        CHECK_THROWS_WITH_AS(load_keras_weights(model, folder.file, {.by_name = true}), doctest::Contains("lacks 1 of the 3 layers"), FormatError);
      else
        CHECK_THROWS_WITH_AS(load_keras_weights(model, folder.file, {.by_name = by_name}), doctest::Contains(says.c_str()), FormatError);
      CHECK(firsts(model) == before);
    }
}

TEST_CASE("Names that Keras cut into several attributes are read whole") {
  const Folder folder;
  std::vector<FileLayer> layers;
  Sequential model;
  for (int i = 0; i < 7; ++i) {
    layers.push_back(dense("dense_" + std::to_string(i + 1), 2, 2, static_cast<float>(i)));
    model.add(Dense({.units = 2, .input_shape = {2}}));
  }
  write_keras_file(folder.file, layers, "/model_weights", 3);
  load_keras_weights(model, folder.file);
  CHECK(firsts(model) == std::vector<double>{0, 1, 2, 3, 4, 5, 6});
}

TEST_CASE("A weights file of Keras 3 is told as that, with what can be done") {
  const Folder folder;
  const hid_t file = H5Fcreate(folder.file.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  H5Gclose(H5Gcreate2(file, "layers", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  H5Fclose(file);
  Sequential model = square_network();
  CHECK_THROWS_WITH_AS(load_keras_weights(model, folder.file), doctest::Contains("is a weights file of Keras 3 (.weights.h5), whose layout is not read here. Write the whole model there as model.save('NAME.h5')"), FormatError);
}

TEST_CASE("Weights that lie in other files, or in chunks far larger than they are, are refused unread") {
  for (const std::string how : {"storage", "link", "chunks"}) {
    INFO(how);
    const Folder folder;
    write_keras_file(folder.file, {dense("dense", 2, 2, 1)});
    write_keras_file(folder / "other.h5", {dense("dense", 2, 2, 1)});
    const hid_t file = H5Fopen(folder.file.c_str(), H5F_ACC_RDWR, H5P_DEFAULT), settings = H5Pcreate(H5P_DATASET_CREATE);
    const char* kernel = "dense/dense/kernel:0";
    H5Ldelete(file, kernel, H5P_DEFAULT);
    if (how == "link") {
      H5Lcreate_external((folder / "other.h5").c_str(), kernel, file, kernel, H5P_DEFAULT, H5P_DEFAULT);
    } else {
      const hsize_t shape[] = {2, 2}, most[] = {H5S_UNLIMITED, H5S_UNLIMITED}, chunk[] = {1 << 12, 1 << 12};
      if (how == "storage")
        H5Pset_external(settings, (folder / "other.h5").c_str(), 0, 16);
      else
        H5Pset_chunk(settings, 2, chunk);
      const hid_t space = H5Screate_simple(2, shape, how == "chunks" ? most : nullptr);
      H5Dclose(H5Dcreate2(file, kernel, H5T_IEEE_F32LE, space, H5P_DEFAULT, settings, H5P_DEFAULT)), H5Sclose(space);
    }
    H5Pclose(settings), H5Fclose(file);
    Sequential model;
    model.add(Dense({.units = 2, .input_shape = {2}}));
    CHECK_THROWS_WITH_AS(load_keras_weights(model, folder.file),
                         doctest::Contains(how == "chunks" ? "weight 'kernel' of layer 'dense' is stored in chunks that are too large" : "weight 'kernel' of layer 'dense' lies in another file"),
                         FormatError);
  }
}

TEST_CASE("A network without weights takes a file without weights") {
  const Folder folder;
  write_keras_file(folder.file, {without_weights("flatten")});
  Sequential model;
  model.add(Flatten({.input_shape = {2, 2}}));
  CHECK(load_keras_weights(model, folder.file).matched.empty());
}
