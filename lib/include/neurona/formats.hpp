// Networks as files: safetensors with the architecture inside.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "neurona/model.hpp"
#include "neurona/train.hpp"

namespace neurona {

/// How kernels are stored. int8 keeps one float32 scale for each output unit; biases stay float32.
enum class StoredAs : std::uint8_t { float32, int8 };

struct SaveOptions {
  StoredAs stored_as = StoredAs::float32;
  /// Also the optimizer of a compiled model: its kind and options, learning rate, iterations and slots (of Adam as much again as twice the
  /// weights), so that `fit` goes on after load() as if nothing had been saved. Left out with int8, and of classes of your own.
  bool include_optimizer = true;
};

/// The model as the bytes of a safetensors file: weights named "layer/parameter"; architecture, loss, optimizer and `metadata()` in
/// the header. Errors: ValueError for metadata whose keys belong to the format, or of more than 16 MiB.
std::vector<std::byte> to_safetensors(const Model& model, SaveOptions options = {});
inline std::vector<std::byte> to_safetensors(const Model& model, StoredAs stored_as) {
  return to_safetensors(model, SaveOptions{.stored_as = stored_as});
}
/// A compiled model from such bytes; with SGD() where they hold no optimizer.
/// Errors: FormatError for truncated, oversized, inconsistent or foreign files.
Model from_safetensors(std::span<const std::byte> bytes);

/// A run's snapshot as such a file. It is a model's file, too: load() gives the model with the weights of that moment.
std::vector<std::byte> to_safetensors(const Snapshot& snapshot);
/// Errors: FormatError, also for the file of a model without a run.
Snapshot snapshot_from_safetensors(std::span<const std::byte> bytes);

/// Writes the file beside its place, under a name of its own ("NAME.part-1234-1"), and renames it: a failure leaves what was there, two
/// processes that save at once leave one whole file. A file that is replaced keeps its permissions; symbolic links are followed to their
/// end. Errors: IoError, also where `path` is a folder, a device or a read-only file.
void save(const Model& model, const std::filesystem::path& path, SaveOptions options = {});
inline void save(const Model& model, const std::filesystem::path& path, StoredAs stored_as) {
  save(model, path, SaveOptions{.stored_as = stored_as});
}
void save(const Snapshot& snapshot, const std::filesystem::path& path);
/// Errors: IoError where save() would fail, as far as can be told beforehand.
void check_writable(const std::filesystem::path& path);
/// Files of any size, as save() writes them: tensors are read to their places one after the other.
/// Errors: IoError; FormatError, which says what the file is where it is no model: an image, Keras' file, a web page.
Model load(const std::filesystem::path& path);
/// Errors: as load(); FormatError for the file of a model without a run.
Snapshot load_snapshot(const std::filesystem::path& path);
/// Removes what save() and downloads of this process have begun. For a signal handler that ends the program: it only calls unlink().
void remove_temporary_files() noexcept;
/// Removes what save() has left beside `path` where its process was killed: files of its naming whose process lives no more (on this machine:
/// not for folders that several machines write to at once).
void remove_leftovers(const std::filesystem::path& path) noexcept;

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
