// Keras' weight files: the root (of a whole model: /model_weights) has the attribute "layer_names"; each
// layer's group has "weight_names", which lead from that group to its weights.
#include <hdf5.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <utility>
#include <vector>

#include "formats/keras_names.hpp"
#include "neurona/error.hpp"
#include "neurona/formats.hpp"

namespace neurona {

namespace {

constexpr hsize_t kMostNames = 100'000, kLongestName = 4096;

// Something of HDF5 that is to be closed.
class Handle5 {
 public:
  Handle5(hid_t id, herr_t (*close)(hid_t)) : id_(id), close_(close) {}
  ~Handle5() {
    if (id_ >= 0) close_(id_);
  }
  Handle5(const Handle5&) = delete;
  Handle5& operator=(const Handle5&) = delete;
  operator hid_t() const { return id_; }
  bool good() const { return id_ >= 0; }

 private:
  hid_t id_;
  herr_t (*close_)(hid_t);
};

// HDF5 prints its errors unless told otherwise; its innermost message is kept for ours.
class QuietErrors {
 public:
  QuietErrors() {
    H5Eget_auto2(H5E_DEFAULT, &function_, &data_);
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  }
  ~QuietErrors() { H5Eset_auto2(H5E_DEFAULT, function_, data_); }

  static std::string last() {
    std::string text;
    const auto keep = [](unsigned, const H5E_error2_t* error, void* to) -> herr_t {
      if (error->desc != nullptr && *error->desc != '\0') *static_cast<std::string*>(to) = error->desc;
      return 0;
    };
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, keep, &text);
    H5Eclear2(H5E_DEFAULT);
    return text.empty() ? "HDF5 gives no reason" : text;
  }

 private:
  H5E_auto2_t function_ = nullptr;
  void* data_ = nullptr;
};

class KerasFile {
 public:
  explicit KerasFile(const std::filesystem::path& path)
      : name_("'" + path.string() + "'"),
        file_(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose) {
    if (!file_.good())
      throw FormatError(name_ + " is no HDF5 file, or it is damaged: " + QuietErrors::last() + ".");
    if (H5Aexists(file_, "layer_names") <= 0 && H5Lexists(file_, "model_weights", H5P_DEFAULT) > 0)
      prefix_ = "model_weights/";
  }

  FormatError damaged(const std::string& what) const { return FormatError(name_ + ": " + what + "."); }

  /// The layers that have weights, with the names of these, in the file's order.
  std::vector<std::pair<std::string, std::vector<std::string>>> layers() const {
    std::vector<std::pair<std::string, std::vector<std::string>>> all;
    for (std::string& layer : names(prefix_.empty() ? "/" : prefix_, "layer_names")) {
      std::vector<std::string> weights = names(prefix_ + layer, "weight_names");
      if (!weights.empty()) all.emplace_back(std::move(layer), std::move(weights));
    }
    return all;
  }

  /// A weight, which must have this shape. `what` says whose it is.
  Tensor read(const std::string& layer, const std::string& weight, const Shape& shape,
              const std::string& what) const {
    const Handle5 dataset(H5Dopen2(file_, (prefix_ + layer + "/" + weight).c_str(), H5P_DEFAULT), H5Dclose);
    if (!dataset.good())
      throw damaged(what + " cannot be found under '" + prefix_ + layer + "/" + weight +
                    "': " + QuietErrors::last());
    const Handle5 space(H5Dget_space(dataset), H5Sclose), type(H5Dget_type(dataset), H5Tclose);
    const int rank = space.good() ? H5Sget_simple_extent_ndims(space) : -1;
    if (rank < 0 || rank > H5S_MAX_RANK || !type.good() || H5Tget_class(type) != H5T_FLOAT)
      throw damaged(what + " is no array of floating-point numbers");
    std::vector<hsize_t> extents(static_cast<std::size_t>(rank));
    if (rank > 0) H5Sget_simple_extent_dims(space, extents.data(), nullptr);
    if (!std::equal(extents.begin(), extents.end(), shape.begin(), shape.end(),
                    [](hsize_t a, std::int64_t b) { return b >= 0 && a == static_cast<hsize_t>(b); })) {
      std::string is;
      for (const hsize_t extent : extents) is += (is.empty() ? "" : ", ") + std::to_string(extent);
      throw damaged(what + " has shape (" + is + (rank == 1 ? ",)" : ")") + ", the network's has " +
                    shape.to_string());
    }
    Tensor tensor(shape);
    if (H5Dread(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, tensor.values().data()) < 0)
      throw damaged(what + " cannot be read: " + QuietErrors::last());
    const std::span<const float> values = std::as_const(tensor).values();
    if (!std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); }))
      throw damaged(what + " holds a value that is no finite number");
    return tensor;
  }

 private:
  // An attribute that is a list of texts, of fixed or of varying length.
  std::vector<std::string> names(const std::string& group, const char* attribute) const {
    const std::string what = "'" + std::string(attribute) + "' of '" + group + "'";
    const Handle5 list(H5Aopen_by_name(file_, group.c_str(), attribute, H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
    if (!list.good())
      throw damaged("it has no weights of Keras: " + what + " is missing (" + QuietErrors::last() + ")");
    const Handle5 space(H5Aget_space(list), H5Sclose), type(H5Aget_type(list), H5Tclose);
    const hssize_t count = space.good() ? H5Sget_simple_extent_npoints(space) : -1;
    // Keras writes an empty list as one of numbers.
    if (count == 0) return {};
    if (count < 0 || !type.good() || H5Tget_class(type) != H5T_STRING ||
        static_cast<hsize_t>(count) > kMostNames)
      throw damaged(what + " is no list of names");
    std::vector<std::string> all;
    if (H5Tis_variable_str(type) > 0) {
      std::vector<char*> texts(static_cast<std::size_t>(count), nullptr);
      const bool good = H5Aread(list, type, texts.data()) >= 0;
      for (const char* text : texts) all.emplace_back(text != nullptr ? text : "");
      if (good) H5Dvlen_reclaim(type, space, H5P_DEFAULT, texts.data());
      if (!good) throw damaged(what + " cannot be read: " + QuietErrors::last());
    } else {
      const std::size_t length = H5Tget_size(type);
      if (length == 0 || length > kLongestName) throw damaged(what + " is no list of names");
      std::vector<char> texts(length * static_cast<std::size_t>(count));
      if (H5Aread(list, type, texts.data()) < 0)
        throw damaged(what + " cannot be read: " + QuietErrors::last());
      for (auto at = texts.begin(); at != texts.end(); at += static_cast<std::ptrdiff_t>(length))
        all.emplace_back(at, std::find(at, at + static_cast<std::ptrdiff_t>(length), '\0'));
    }
    return all;
  }

  std::string name_;
  Handle5 file_;
  std::string prefix_;
};

}  // namespace

bool reads_keras_h5() { return true; }

void load_keras_weights(Model& model, const std::filesystem::path& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error))
    throw IoError("Cannot read '" + path.string() + "': it is a folder.");
  if (!std::ifstream(path, std::ios::binary))
    throw IoError("Cannot read '" + path.string() + "': it does not exist or may not be read.");
  const QuietErrors quiet;
  const KerasFile file(path);
  const auto in_file = file.layers();

  // Which of the model's layers each one fills.
  std::vector<Layer*> with_weights;
  std::map<std::string, std::size_t> index;
  for (std::int64_t i = 0; i < model.size(); ++i)
    if (!model.layer(i).parameters().empty()) {
      index[model.layer(i).name()] = with_weights.size();
      with_weights.push_back(&model.layer(i));
    }
  if (in_file.size() != with_weights.size())
    throw file.damaged("it has " + std::to_string(in_file.size()) + " layers with weights, the network '" +
                       model.name() + "' has " + std::to_string(with_weights.size()));
  std::vector<std::size_t> source(with_weights.size(), in_file.size());
  std::vector<std::size_t> rest;
  for (std::size_t i = 0; i < in_file.size(); ++i) {
    const auto found = index.find(todays_layer_name(in_file[i].first));
    if (found != index.end() && source[found->second] == in_file.size())
      source[found->second] = i;
    else
      rest.push_back(i);
  }
  auto next = rest.begin();
  for (std::size_t& from : source)
    if (from == in_file.size()) from = *next++;

  // Everything is read before anything is changed.
  std::vector<std::vector<Tensor>> values;
  for (std::size_t i = 0; i < with_weights.size(); ++i) {
    const auto& [name, weights] = in_file[source[i]];
    const std::span<const Parameter> parameters = with_weights[i]->parameters();
    const std::string layer = "layer '" + with_weights[i]->name() + "'" +
                              (name != with_weights[i]->name() ? " ('" + name + "' in the file)" : "");
    if (weights.size() != parameters.size())
      throw file.damaged(layer + " has " + std::to_string(weights.size()) + " weights, the network's has " +
                         std::to_string(parameters.size()));
    std::vector<Tensor>& of_layer = values.emplace_back();
    for (std::size_t k = 0; k < weights.size(); ++k)
      of_layer.push_back(file.read(name, weights[k], parameters[k].value.shape(),
                                   "weight '" + parameters[k].name + "' of " + layer));
  }
  for (std::size_t i = 0; i < with_weights.size(); ++i)
    for (std::size_t k = 0; k < values[i].size(); ++k)
      copy(values[i][k].view(), with_weights[i]->parameters()[k].value.view());
}

}  // namespace neurona
