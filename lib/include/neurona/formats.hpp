// Networks as files: safetensors with the architecture inside.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "neurona/model.hpp"

namespace neurona {

/// How kernels are stored. int8 keeps one float32 scale for each output unit; biases stay float32.
enum class StoredAs : std::uint8_t { float32, int8 };

/// The model as the bytes of a safetensors file: weights named "layer/parameter"; architecture, loss and `metadata()` in
/// the header.
std::vector<std::byte> to_safetensors(const Model& model, StoredAs stored_as = StoredAs::float32);
/// A compiled model from such bytes.
/// Errors: FormatError for truncated, oversized, inconsistent or foreign files.
Model from_safetensors(std::span<const std::byte> bytes);

/// Writes the file beside its place, under a name of its own ("NAME.part-1234-1"), and renames it: a failure leaves what was there, two
/// processes that save at once leave one whole file. A file that is replaced keeps its permissions; symbolic links are followed to their
/// end. Errors: IoError, also where `path` is a folder, a device or a read-only file.
void save(const Model& model, const std::filesystem::path& path, StoredAs stored_as = StoredAs::float32);
/// Errors: IoError where save() would fail, as far as can be told beforehand.
void check_writable(const std::filesystem::path& path);
/// Errors: IoError; FormatError, which says what the file is where it is no model: an image, Keras' file, a web page.
Model load(const std::filesystem::path& path);
/// Removes what save() and downloads of this process have begun. For a signal handler that ends the program: it only calls unlink().
void remove_temporary_files() noexcept;

/// Whether this build reads HDF5 files.
bool reads_keras_h5();

struct KerasWeightsOptions {
  /// By order, as Keras does, unless asked otherwise: the file's first layer with weights fills the model's first layer with weights,
  /// and so on; names do not matter. By name: each layer of the model takes the weights of the file's layer of the same name.
  bool by_name = false;
};

/// Where one weight of the model came from.
struct KerasWeight {
  std::string layer, parameter;  ///< of the model: "dense", "kernel"
  Shape shape;
  std::string file_layer, file_weight;  ///< of the file: "dense_1", "dense_1/kernel:0"
};

struct KerasWeights {
  std::vector<KerasWeight> matched;  ///< all weights of the model, in its order
  /// Layers of the file that no layer of the model asked for; only by name.
  std::vector<std::string> unused;
};

/// Fills the model with the weights of a Keras file (.h5 of Keras 1 or 2, or of Keras 3 by model.save("name.h5")), by order or by name,
/// and returns what went where. Files of ResNet-50 with the names of Keras 1 ("res2a_branch2a"), which has its branches in another order,
/// are always matched by those names. Nothing changes when it fails. Errors: IoError; FormatError for a file that is damaged, or whose
/// layers, numbers of weights or shapes are not the model's, and, by name, when a layer of the model is not in the file: each is named;
/// BackendError in a build without HDF5 (WASM).
KerasWeights load_keras_weights(Model& model, const std::filesystem::path& path, const KerasWeightsOptions& options = {});

}  // namespace neurona
