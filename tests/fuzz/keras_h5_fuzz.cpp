// Keras' weight files, by order and by name. The input says what to write, and HDF5 writes it: what is looked at is the code around that
// library, which itself survives no arbitrary bytes (README.md).
#include <fuzzer/FuzzedDataProvider.h>
#include <hdf5.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <string>
#include <vector>

#include "neurona/error.hpp"
#include "neurona/formats.hpp"
#include "neurona/layers.hpp"
#include "scratch.hpp"

namespace {

neurona::Sequential network() {
  neurona::Sequential model;
  model.add(neurona::Dense({.units = 3, .input_shape = {2}, .name = "dense"}));
  model.add(neurona::BatchNormalization({.name = "norm"}));
  return model;
}

constexpr std::array<const char*, 3> kLayers = {"dense", "norm", "res2a_branch2a"};
constexpr std::array<const char*, 4> kDenseWeights = {"dense/kernel:0", "dense/bias:0", "kernel", "../norm/beta"};
constexpr std::array<const char*, 4> kNormWeights = {"gamma", "beta", "moving_mean", "moving_variance"};

// One file, as the bytes say. What HDF5 refuses to write is left out.
class Writer {
 public:
  Writer(const std::filesystem::path& path, FuzzedDataProvider& input)
      : input_(input), file_(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT)), links_(H5Pcreate(H5P_LINK_CREATE)) {
    if (file_ < 0) std::abort();
    H5Pset_create_intermediate_group(links_, 1);
  }
  ~Writer() { H5Pclose(links_), H5Fclose(file_); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  void write() {
    if (chance()) H5Gclose(H5Gcreate2(file_, text(std::array{"model_weights", "layers", "other"}).c_str(), links_, H5P_DEFAULT, H5P_DEFAULT));
    const hid_t root = H5Gopen2(file_, H5Lexists(file_, "model_weights", H5P_DEFAULT) > 0 ? "model_weights" : "/", H5P_DEFAULT);
    if (usually()) write_names(root, "layer_names", kLayers);
    for (const char* layer : kLayers) write_layer(root, layer);
    H5Gclose(root);
  }

 private:
  bool chance() { return input_.ConsumeIntegralInRange<int>(0, 15) == 15; }
  bool usually() { return !chance(); }
  // The end of the input gives zeros: one of the usual.
  template <std::size_t kCount>
  std::string text(const std::array<const char*, kCount>& usual) {
    return chance() ? input_.ConsumeRandomLengthString(300) : usual[input_.ConsumeIntegralInRange<std::size_t>(0, kCount - 1)];
  }

  template <std::size_t kCount>
  void write_names(hid_t to, const std::string& attribute, const std::array<const char*, kCount>& usual) {
    std::vector<std::string> names;
    for (std::size_t i = input_.ConsumeIntegralInRange<std::size_t>(0, 6); i > 0; --i) names.push_back(text(usual));
    std::vector<hsize_t> shape = {names.size()};
    if (chance()) shape = {1, names.size()};
    hid_t space = H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr);
    if (chance()) H5Sclose(space), space = H5Screate(chance() ? H5S_NULL : H5S_SCALAR);
    std::string name = attribute;
    if (chance()) name += std::to_string(input_.ConsumeIntegralInRange<int>(0, 2));
    hid_t type = H5Tcopy(H5T_C_S1);
    const void* values = nullptr;
    std::vector<const char*> places;
    std::string packed;
    std::vector<double> numbers(names.size() + 1);
    const hssize_t count = H5Sget_simple_extent_npoints(space);
    if (chance()) {
      H5Tclose(type), type = H5Tcopy(H5T_NATIVE_DOUBLE), values = numbers.data();
    } else if (chance()) {
      H5Tset_size(type, H5T_VARIABLE);
      for (const std::string& one : names) places.push_back(one.c_str());
      places.push_back("");
      values = places.data();
    } else {
      const auto length = input_.ConsumeIntegralInRange<std::size_t>(0, 1) == 0 ? std::size_t{16} : input_.ConsumeIntegralInRange<std::size_t>(1, 5000);
      H5Tset_size(type, length);
      for (const std::string& one : names) packed += one.substr(0, length) + std::string(length - std::min(length, one.size()), '\0');
      packed.resize(packed.size() + length);
      values = packed.data();
    }
    if (const hid_t written = H5Acreate2(to, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT); written >= 0) {
      if (count > 0) H5Awrite(written, type, values);
      H5Aclose(written);
    }
    H5Tclose(type), H5Sclose(space);
  }

  void write_layer(hid_t root, const char* layer) {
    if (chance()) {
      H5Lcreate_soft(text(kLayers).c_str(), root, layer, links_, H5P_DEFAULT);
      return;
    }
    if (chance()) return write_weight(root, layer, {3});
    const hid_t group = H5Gcreate2(root, layer, links_, H5P_DEFAULT, H5P_DEFAULT);
    if (group < 0) return;
    if (usually()) {
      if (layer == kLayers[0])
        write_names(group, "weight_names", kDenseWeights);
      else
        write_names(group, "weight_names", kNormWeights);
    }
    for (const char* weight : kDenseWeights)
      if (layer == kLayers[0]) write_weight(group, weight, weight == kDenseWeights[0] ? std::vector<hsize_t>{2, 3} : std::vector<hsize_t>{3});
    for (const char* weight : kNormWeights)
      if (layer != kLayers[0]) write_weight(group, weight, {3});
    H5Gclose(group);
  }

  void write_weight(hid_t group, const char* name, std::vector<hsize_t> shape) {
    constexpr hsize_t kHuge = hsize_t{1} << 40;
    if (chance()) {
      H5Lcreate_external("/dev/zero", "/", group, name, links_, H5P_DEFAULT);
      return;
    }
    if (chance()) shape.push_back(input_.ConsumeIntegralInRange<hsize_t>(0, 2));
    if (chance()) shape[0] = chance() ? kHuge : input_.ConsumeIntegralInRange<hsize_t>(0, 4);
    if (chance()) shape.clear();
    const std::vector<hsize_t> most(shape.size(), H5S_UNLIMITED);
    const hid_t settings = H5Pcreate(H5P_DATASET_CREATE);
    constexpr hsize_t kLongestWrittenChunk = 4;  // HDF5 writes whole chunks
    bool chunked = false, written = true;
    if (chance() && !shape.empty()) {
      std::vector<hsize_t> chunk(shape.size(), input_.ConsumeIntegralInRange<hsize_t>(1, chance() ? 40'000 : kLongestWrittenChunk));
      written = chunk[0] <= kLongestWrittenChunk;
      chunked = H5Pset_chunk(settings, static_cast<int>(chunk.size()), chunk.data()) >= 0;
      if (chance()) H5Pset_deflate(settings, 1);
    } else if (chance()) {
      H5Pset_external(settings, "/dev/zero", 0, H5F_UNLIMITED);
    }
    const std::array<hid_t, 6> types = {H5T_IEEE_F32LE, H5T_IEEE_F64BE, H5T_STD_I32LE, H5T_C_S1, H5T_STD_REF_OBJ, H5T_IEEE_F32BE};
    const hid_t type = chance() ? types[input_.ConsumeIntegralInRange<std::size_t>(0, types.size() - 1)] : types[0];
    const hid_t space = H5Screate_simple(static_cast<int>(shape.size()), shape.data(), chunked ? most.data() : nullptr);
    const hid_t set = H5Dcreate2(group, name, type, space, links_, settings, H5P_DEFAULT);
    const hssize_t elements = H5Sget_simple_extent_npoints(space);
    constexpr hssize_t kMostWritten = 1000;
    if (set >= 0 && written && elements > 0 && elements <= kMostWritten && type == types[0]) {
      std::vector<float> values(static_cast<std::size_t>(elements), 0.5f);
      if (chance()) values.back() = std::numeric_limits<float>::quiet_NaN();
      H5Dwrite(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
    }
    if (set >= 0) H5Dclose(set);
    H5Sclose(space), H5Pclose(settings);
  }

  FuzzedDataProvider& input_;
  hid_t file_, links_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const neurona::fuzz::ScratchFolder folder;
  static neurona::Sequential model = network();
  static const herr_t quiet = H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  if (quiet < 0) std::abort();
  FuzzedDataProvider input(data, size);
  const std::filesystem::path path = folder.path() / "weights.h5";
  Writer(path, input).write();
  for (const bool by_name : {false, true}) {
    try {
      (void)neurona::load_keras_weights(model, path, {.by_name = by_name});
    } catch (const neurona::FormatError&) {
    }
  }
  if (H5Fget_obj_count(H5F_OBJ_ALL, H5F_OBJ_ALL) != 0) std::abort();  // something was left open
  return 0;
}
