// Networks as files: safetensors with the architecture inside.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
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

/// Writes the file beside its place and renames it, so a failure leaves what was there. Errors: IoError.
void save(const Model& model, const std::filesystem::path& path, StoredAs stored_as = StoredAs::float32);
/// Errors: IoError; FormatError.
Model load(const std::filesystem::path& path);

/// Whether this build reads HDF5 files.
bool reads_keras_h5();
/// Fills the model with the weights of a Keras file (.h5, written by save_weights() or save()): those of a layer go to the layer of
/// the same name, also where ResNet-50's layers have their names of Keras 1 ("res2a_branch2a"); what is left goes in order to the layers
/// left. Nothing changes when it fails. Errors: IoError; FormatError for a file that is damaged, or has other layers or shapes, which are
/// named; BackendError in a build without HDF5 (WASM).
void load_keras_weights(Model& model, const std::filesystem::path& path);

}  // namespace neurona
