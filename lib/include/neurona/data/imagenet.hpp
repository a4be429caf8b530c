// What ResNet-50 needs besides its layers: the published weights and the names of ImageNet's classes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "neurona/job.hpp"
#include "neurona/tensor.hpp"

namespace neurona::data {

/// One of ImageNet-1k's classes.
struct ImageNetClass {
  std::string id;    ///< WordNet's: "n02100583"
  std::string name;  ///< "vizsla"
};

struct ImageNetPrediction {
  ImageNetClass of_class;
  std::int64_t index = 0;
  float probability = 0.0f;
};

/// The classes in the order of the network's outputs, from the text of imagenet_class_index.json: {"0":
/// ["n01440764", "tench"], ...}. `name` is for messages. Errors: FormatError for what is no such text, or not
/// of classes 0 to n - 1.
std::vector<ImageNetClass> parse_imagenet_classes(std::string_view json, const std::string& name);
/// Errors: IoError; FormatError.
std::vector<ImageNetClass> read_imagenet_classes(const std::filesystem::path& path);

/// The `top` most probable classes of each sample, the most probable first (keras.applications'
/// decode_predictions). probabilities (N, classes). Errors: ShapeError when there are not as many outputs as
/// classes.
std::vector<std::vector<ImageNetPrediction>> decode_predictions(const Tensor& probabilities,
                                                                const std::vector<ImageNetClass>& classes,
                                                                std::int64_t top = 3);

/// A file that others publish, known by its size and its checksum.
struct PublishedFile {
  std::string name;
  std::string sha256 = {};  ///< empty where none is published
  std::string md5 = {};     ///< in its place. It tells damage; whose the file is, https tells
  std::int64_t bytes = 0;
  std::vector<std::string> urls;
};
/// Whether this build can compute the checksum: an MD5 needs OpenSSL, which builds with NEURONA_DOWNLOAD have. Where it cannot, the size
/// alone is checked.
bool can_verify(const PublishedFile& file);
/// Keras' weights of ResNet-50 (102,967,424 bytes), as keras.applications downloads them. Keras publishes their MD5 alone.
const PublishedFile& resnet50_weights_file();
/// imagenet_class_index.json (35,363 bytes).
const PublishedFile& imagenet_classes_file();

struct PublishedFileOptions {
  /// Folder with the file. Empty: the folder in `variable`, then ./data/NAME, then the cache folder, where a
  /// download goes.
  std::filesystem::path folder = {};
  /// Whether a file in a named folder must be the published one. What lies elsewhere must be.
  bool verify_named = true;
  bool allow_download = true;
  /// Where to download from instead of the published places: folders of files with the published names.
  std::vector<std::string> mirrors = {};
};

/// Finds the file, or downloads it, and verifies it (see can_verify). `variable` names an environment variable with a
/// folder (RESNET50_DIR, IMAGENET_DIR), `cache` a folder in the cache. Errors: IoError when it cannot be had;
/// FormatError when what was found is another file.
std::filesystem::path published_file(const PublishedFile& file, const char* variable, std::string_view cache,
                                     const PublishedFileOptions& options = {},
                                     const std::function<void(const Progress&)>& on_progress = {});

/// The two files: RESNET50_DIR, ./data/resnet50 or the cache, and IMAGENET_DIR, ./data/imagenet or the cache.
struct ResNet50Files {
  std::filesystem::path weights, classes;
};
/// Downloads what is missing, from NEURONA_RESNET50_MIRROR when that is set. Errors: as published_file.
ResNet50Files resnet50_files(const PublishedFileOptions& options = {},
                             const std::function<void(const Progress&)>& on_progress = {});
/// The names of the classes alone.
std::filesystem::path imagenet_classes_path(const PublishedFileOptions& options = {},
                                            const std::function<void(const Progress&)>& on_progress = {});

}  // namespace neurona::data
