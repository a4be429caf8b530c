// MNIST (LeCun, Cortes, Burges; CC BY-SA 3.0): found, or downloaded, and verified.
#pragma once

#include <array>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "neurona/image_set.hpp"
#include "neurona/job.hpp"

namespace neurona::data {

struct Mnist {
  ImageSet train;  ///< 60,000 images of 28x28
  ImageSet test;   ///< 10,000
  std::string source;              ///< the folder, or "embedded digits"
  bool embedded = false;           ///< true: not MNIST, but digits that the library drew itself
  bool is_mnist = true;            ///< false: other data in its format (read_image_folder)
  std::vector<std::string> notes;  ///< what the user should know: why the embedded digits were taken
  /// What each label stands for, in order.
  std::vector<std::string> class_names = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
};

/// One of the four files.
struct MnistFile {
  std::string_view name;    ///< "train-images-idx3-ubyte"
  std::string_view sha256;  ///< of the uncompressed bytes
};
/// Training images, training labels, test images, test labels.
const std::array<MnistFile, 4>& mnist_files();

/// A pair of the four files, gzip-compressed or not, verified by checksum. `test` tells which pair it must be.
/// Errors: FormatError.
ImageSet parse_mnist(bool test, std::span<const std::uint8_t> images, std::span<const std::uint8_t> labels);
/// Errors: FormatError when the bytes, gzip-compressed or not, are not the published file.
void verify_mnist_file(const MnistFile& file, std::span<const std::uint8_t> bytes);

/// The same in slices of some milliseconds, for an interface that must not stand still.
class MnistJob : public Job {
 public:
  /// `images` and `labels` must live until the job is over.
  MnistJob(bool test, std::span<const std::uint8_t> images, std::span<const std::uint8_t> labels);
  ~MnistJob() override;
  /// Errors: FormatError.
  bool advance(double budget_ms, Progress& progress) override;
  /// What was read, once advance() has returned false; moved out.
  ImageSet take_result();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

struct MnistOptions {
  /// A folder with the four files (plain or .gz). Empty: MNIST_DIR, then ./data/mnist, then the cache folder, where a
  /// download goes.
  std::filesystem::path folder = {};
  bool allow_download = true;
  bool allow_embedded = true;  ///< fall back to embedded digits where there is no MNIST and no network to get it from
  /// Where to download from; empty: NEURONA_MNIST_MIRROR if set, else the known mirrors.
  std::vector<std::string> mirrors = {};
};

/// Errors: IoError, FormatError when an explicitly named folder (also MNIST_DIR) lacks a file or has a wrong one, and when a download
/// fails; NoNetworkError, without allow_embedded, when no mirror could be reached.
Mnist mnist(const MnistOptions& options = {}, const std::function<void(const Progress&)>& on_progress = {});

/// The folder for downloads: ${NEURONA_CACHE}/mnist, ${XDG_CACHE_HOME}/neurona/mnist or ~/.cache/neurona/mnist.
std::filesystem::path mnist_cache_folder();

}  // namespace neurona::data
