// Keras' weight files: the root (of a whole model: /model_weights) has the attribute "layer_names"; each
// layer's group has "weight_names", which lead from that group to its weights.
#include <hdf5.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <numeric>
#include <set>
#include <utility>
#include <vector>

#include "formats/file_kind.hpp"
#include "formats/keras_names.hpp"
#include "neurona/error.hpp"
#include "neurona/formats.hpp"

namespace neurona {

namespace {

constexpr hsize_t kMostNames = 100'000, kLongestName = 4096, kMostNameBytes = hsize_t{1} << 24;
constexpr hsize_t kMostChunkElements = hsize_t{1} << 20;  // of a weight that is smaller; HDF5 reads whole chunks

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

std::string kind_of(const std::filesystem::path& path) {
  std::vector<std::byte> bytes(512);
  std::ifstream file(path, std::ios::binary);
  file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<std::size_t>(file.gcount()));
  return detail::file_kind(bytes);
}

// A layer of the file and the names of its weights, which lead from the layer's group to them.
struct FileLayer {
  std::string name;
  std::vector<std::string> weights;
};

class KerasFile {
 public:
  explicit KerasFile(const std::filesystem::path& path)
      : name_("'" + path.string() + "'"),
        file_(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose) {
    if (!file_.good()) {
      const std::string reason = QuietErrors::last(), kind = kind_of(path);
      throw FormatError(name_ + (kind.empty() || kind.starts_with("an HDF5") ? " is no HDF5 file, or it is damaged: " + reason
                                                                              : " is " + kind + ", not Keras' HDF5 (.h5)") + ".");
    }
    if (H5Aexists(file_, "layer_names") <= 0 && H5Lexists(file_, "model_weights", H5P_DEFAULT) > 0)
      prefix_ = "model_weights/";
    else if (H5Lexists(file_, "layers", H5P_DEFAULT) > 0 || H5Lexists(file_, "_layer_checkpoint_dependencies", H5P_DEFAULT) > 0)
      throw FormatError(name_ + " is a weights file of Keras 3 (.weights.h5), whose layout is not read here. Write the whole model there as "
                                "model.save('NAME.h5'), which is.");
  }

  FormatError damaged(const std::string& what) const { return FormatError(name_ + ": " + what + "."); }

  /// The layers that have weights, in the file's order.
  std::vector<FileLayer> layers() const {
    std::vector<FileLayer> all;
    std::set<std::string> known;
    for (std::string& layer : names(prefix_.empty() ? "/" : prefix_, "layer_names")) {
      if (!known.insert(layer).second) throw damaged("it names layer '" + layer + "' twice");
      std::vector<std::string> weights = names(prefix_ + layer, "weight_names");
      if (!weights.empty()) all.push_back({std::move(layer), std::move(weights)});
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
    check_storage(dataset, static_cast<hsize_t>(shape.elements()), what);
    Tensor tensor(shape);
    if (H5Dread(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, tensor.values().data()) < 0)
      throw damaged(what + " cannot be read: " + QuietErrors::last());
    const std::span<const float> values = std::as_const(tensor).values();
    if (!std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); }))
      throw damaged(what + " holds a value that is no finite number");
    return tensor;
  }

 private:
  // HDF5 follows what a file says of other files, and unpacks chunks of any size.
  void check_storage(hid_t dataset, hsize_t elements, const std::string& what) const {
    H5O_info_t of_file{}, of_dataset{};
    const Handle5 settings(H5Dget_create_plist(dataset), H5Pclose);
    const H5D_layout_t layout = settings.good() ? H5Pget_layout(settings) : H5D_LAYOUT_ERROR;
    if (layout == H5D_LAYOUT_ERROR || H5Oget_info2(file_, &of_file, H5O_INFO_BASIC) < 0 || H5Oget_info2(dataset, &of_dataset, H5O_INFO_BASIC) < 0)
      throw damaged(what + " cannot be read: " + QuietErrors::last());
    if (layout == H5D_VIRTUAL || H5Pget_external_count(settings) > 0 || of_file.fileno != of_dataset.fileno)
      throw damaged(what + " lies in another file, which is not opened");
    if (layout != H5D_CHUNKED) return;
    std::vector<hsize_t> chunk(H5S_MAX_RANK);
    const int rank = H5Pget_chunk(settings, H5S_MAX_RANK, chunk.data());
    if (rank < 0) throw damaged(what + " cannot be read: " + QuietErrors::last());
    hsize_t rest = std::max(elements, kMostChunkElements);
    for (int i = 0; i < rank; ++i) rest /= std::max<hsize_t>(chunk[static_cast<std::size_t>(i)], 1);
    if (rest == 0) throw damaged(what + " is stored in chunks that are too large");
  }

  // An attribute that is a list of texts. What does not fit one attribute (64 kB) Keras writes as "layer_names0", "layer_names1", ...
  std::vector<std::string> names(const std::string& group, const std::string& attribute) const {
    const auto has = [&](const std::string& part) { return H5Aexists_by_name(file_, group.c_str(), part.c_str(), H5P_DEFAULT) > 0; };
    if (has(attribute) || !has(attribute + "0")) return names_in(group, attribute);
    std::vector<std::string> all;
    for (int i = 0; has(attribute + std::to_string(i)); ++i)
      for (std::string& name : names_in(group, attribute + std::to_string(i))) all.push_back(std::move(name));
    return all;
  }

  // Texts of fixed or of varying length.
  std::vector<std::string> names_in(const std::string& group, const std::string& attribute) const {
    const std::string what = "'" + attribute + "' of '" + group + "'";
    const Handle5 list(H5Aopen_by_name(file_, group.c_str(), attribute.c_str(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
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
      if (length == 0 || length > kLongestName || length * static_cast<std::size_t>(count) > kMostNameBytes) throw damaged(what + " is no list of names");
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

// The names in quotes; of many only the first.
template <class Names>
std::string listed(const Names& names) {
  constexpr std::size_t kMost = 12;
  std::string text;
  for (std::size_t i = 0; i < names.size() && i < kMost; ++i) text += (i == 0 ? "'" : ", '") + names[i] + "'";
  if (names.size() > kMost) text += " and " + std::to_string(names.size() - kMost) + " more";
  return text;
}

std::vector<std::string> names_of(const std::vector<FileLayer>& in_file) {
  std::vector<std::string> names;
  for (const FileLayer& layer : in_file) names.push_back(layer.name);
  return names;
}

std::vector<std::string> names_of(const std::vector<Layer*>& layers) {
  std::vector<std::string> names;
  for (const Layer* layer : layers) names.push_back(layer->name());
  return names;
}

constexpr std::size_t kNone = static_cast<std::size_t>(-1);

// For each of the model's layers, the place of the file's layer of that name, today's or that of Keras 1; kNone where there is none.
std::vector<std::size_t> places_by_name(const std::vector<FileLayer>& in_file, const std::vector<Layer*>& layers) {
  std::map<std::string, std::size_t> place;
  for (std::size_t i = in_file.size(); i-- > 0;) place[todays_layer_name(in_file[i].name)] = i;
  for (std::size_t i = 0; i < in_file.size(); ++i) place[in_file[i].name] = i;
  std::vector<std::size_t> source;
  for (const Layer* layer : layers) {
    const auto found = place.find(layer->name());
    source.push_back(found != place.end() ? found->second : kNone);
  }
  return source;
}

// Which of the file's layers fills each of the model's. Errors: FormatError that names those that the file lacks.
std::vector<std::size_t> match_by_name(const KerasFile& file, const std::vector<FileLayer>& in_file,
                                       const std::vector<Layer*>& layers, const std::string& network) {
  std::vector<std::size_t> source = places_by_name(in_file, layers);
  std::vector<std::string> missing;
  for (std::size_t i = 0; i < layers.size(); ++i)
    if (source[i] == kNone) missing.push_back(layers[i]->name());
  if (!missing.empty())
    throw file.damaged("it lacks " + std::to_string(missing.size()) + " of the " + std::to_string(layers.size()) +
                       " layers with weights of the network '" + network + "': " + listed(missing) + ". It has " +
                       listed(names_of(in_file)) + ". By order (not by name) names do not matter");
  return source;
}

// Whether the file has ResNet-50's layers under their names of Keras 1, all of which the model has under today's. Its last layer may
// have any name.
bool is_resnet_of_keras_1(const std::vector<FileLayer>& in_file, const std::vector<Layer*>& layers) {
  if (layers.empty()) return false;
  const std::vector<std::size_t> source = places_by_name(in_file, layers);
  const bool is_old = std::any_of(in_file.begin(), in_file.end(), [](const FileLayer& layer) { return todays_layer_name(layer.name) != layer.name; });
  return is_old && std::all_of(source.begin(), source.end() - 1, [](std::size_t from) { return from != kNone; });
}

// The same by order, as Keras does. Errors: FormatError when there are not as many layers.
std::vector<std::size_t> match_by_order(const KerasFile& file, const std::vector<FileLayer>& in_file,
                                        const std::vector<Layer*>& layers, const std::string& network) {
  if (in_file.size() != layers.size())
    throw file.damaged("it has " + std::to_string(in_file.size()) + " layers with weights (" + listed(names_of(in_file)) +
                       "), the network '" + network + "' has " + std::to_string(layers.size()) + " (" +
                       listed(names_of(layers)) + ")");
  std::vector<std::size_t> source(layers.size());
  std::iota(source.begin(), source.end(), std::size_t{0});
  if (is_resnet_of_keras_1(in_file, layers)) {
    const std::size_t last = source.back();
    source = places_by_name(in_file, layers);
    if (source.back() == kNone) source.back() = last;
  }
  return source;
}

}  // namespace

bool reads_keras_h5() { return true; }

KerasWeights load_keras_weights(Model& model, const std::filesystem::path& path, const KerasWeightsOptions& options) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error))
    throw IoError("Cannot read '" + path.string() + "': it is a folder.");
  if (!std::ifstream(path, std::ios::binary))
    throw IoError("Cannot read '" + path.string() + "': it does not exist or may not be read.");
  const QuietErrors quiet;
  const KerasFile file(path);
  const std::vector<FileLayer> in_file = file.layers();
  std::vector<Layer*> layers;  // that have weights
  for (std::int64_t i = 0; i < model.size(); ++i)
    if (!model.layer(i).parameters().empty()) layers.push_back(&model.layer(i));
  const std::vector<std::size_t> source = options.by_name ? match_by_name(file, in_file, layers, model.name())
                                                          : match_by_order(file, in_file, layers, model.name());

  // Everything is read before anything is changed.
  KerasWeights result;
  std::vector<Tensor> values;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const FileLayer& from = in_file[source[i]];
    const std::span<const Parameter> parameters = layers[i]->parameters();
    const std::string layer =
        "layer '" + layers[i]->name() + "'" + (from.name != layers[i]->name() ? " ('" + from.name + "' in the file)" : "");
    if (from.weights.size() != parameters.size())
      throw file.damaged(layer + " has " + std::to_string(from.weights.size()) + " weights, the network's has " +
                         std::to_string(parameters.size()));
    for (std::size_t k = 0; k < parameters.size(); ++k) {
      values.push_back(file.read(from.name, from.weights[k], parameters[k].value.shape(), "weight '" + parameters[k].name + "' of " + layer));
      result.matched.push_back(
          {layers[i]->name(), parameters[k].name, parameters[k].value.shape(), from.name, from.weights[k]});
    }
  }
  auto value = values.begin();
  for (Layer* layer : layers)
    for (Parameter& parameter : layer->parameters()) copy((value++)->view(), parameter.value.view());
  for (std::size_t i = 0; i < in_file.size(); ++i)
    if (std::find(source.begin(), source.end(), i) == source.end()) result.unused.push_back(in_file[i].name);
  return result;
}

}  // namespace neurona
