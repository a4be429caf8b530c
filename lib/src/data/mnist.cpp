#include "neurona/data/mnist.hpp"

#include <optional>

#include "data/mnist_files.hpp"
#include "data/places.hpp"
#include "data/unpack.hpp"
#include "neurona/data/download.hpp"
#include "neurona/data/embedded_digits.hpp"
#include "neurona/data/idx.hpp"
#include "neurona/error.hpp"

namespace neurona::data {

namespace {

namespace fs = std::filesystem;

constexpr std::array<MnistFile, 4> kFiles = {{
    {"train-images-idx3-ubyte", "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"},
    {"train-labels-idx1-ubyte", "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"},
    {"t10k-images-idx3-ubyte", "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"},
    {"t10k-labels-idx1-ubyte", "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"},
}};

constexpr std::int64_t kMaxFileBytes = std::int64_t{1} << 27;
constexpr std::int64_t kMaxDownloadBytes = 20'000'000;  // the largest has 9.9 MB, compressed

// Mirrors with the original files, gzip-compressed.
const std::vector<std::string> kMirrors = {
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://raw.githubusercontent.com/fgnt/mnist/master/",
};

std::vector<std::uint8_t> read_file(const fs::path& path) { return read_data_file(path, kMaxFileBytes); }

// The file under any of the names it goes by, or nothing.
std::optional<fs::path> find_file(const fs::path& folder, std::string_view name) {
  std::string dotted(name);
  dotted[dotted.find("-idx")] = '.';
  std::error_code error;
  for (const std::string& stem : {std::string(name), dotted})
    for (const char* ending : {"", ".gz"})
      if (const fs::path path = folder / (stem + ending); fs::is_regular_file(path, error)) return path;
  return std::nullopt;
}

bool complete(const fs::path& folder) {
  for (const MnistFile& file : kFiles)
    if (!find_file(folder, file.name)) return false;
  return true;
}

// `name` is the file's, for messages.
void check_digest(const MnistFile& file, const std::string& name, const std::string& digest) {
  if (digest != file.sha256)
    throw FormatError(name + ": its SHA-256 is " + digest + ", that of MNIST's file is " + std::string(file.sha256) +
                      ".\n  It is other data in MNIST's format, or MNIST's with wrong bytes. Other data is trained on with: neurona train --data "
                      "FOLDER. To have MNIST, get the file again.");
}

// A pair of the four files, each plain or compressed, verified.
ImageSet parse_pair(bool test, std::vector<std::uint8_t> images, const std::string& images_name, std::vector<std::uint8_t> labels,
                    const std::string& labels_name) {
  Unpacked image_file = unpack_and_hash(std::move(images), kMaxFileBytes, images_name);
  const Unpacked label_file = unpack_and_hash(std::move(labels), kMaxFileBytes, labels_name);
  // First the form, whose errors say more, then the checksums.
  constexpr int kAnyLabel = 255;  // that MNIST has ten is found by the checksum
  ImageSet set = read_idx_pair(std::move(image_file.plain), label_file.plain, {.name = images_name}, {.name = labels_name, .max_label = kAnyLabel});
  check_digest(kFiles[test ? 2 : 0], images_name, image_file.sha256);
  check_digest(kFiles[test ? 3 : 1], labels_name, label_file.sha256);
  return set;
}

Mnist read_folder(const fs::path& folder, const std::function<void(const Progress&)>& on_progress) {
  Mnist mnist;
  mnist.source = folder.string();
  for (bool test : {false, true}) {
    std::vector<std::uint8_t> bytes[2];
    std::string names[2];
    for (std::size_t i = 0; i < 2; ++i) {
      const MnistFile& file = kFiles[(test ? 2 : 0) + i];
      const std::optional<fs::path> path = find_file(folder, file.name);
      if (!path)
        throw IoError("MNIST: '" + std::string(file.name) + "' (or with .gz) is not in '" + folder.string() +
                      "'. Put MNIST's four files there; without a folder (nor MNIST_DIR) they are downloaded.");
      if (on_progress) on_progress({.done = (test ? 2 : 0) + static_cast<int>(i), .total = 4, .unit = "files", .detail = "reading " + path->filename().string()});
      bytes[i] = read_file(*path);
      names[i] = path->string();
    }
    (test ? mnist.test : mnist.train) = parse_pair(test, std::move(bytes[0]), names[0], std::move(bytes[1]), names[1]);
  }
  return mnist;
}

bool is_good(const MnistFile& file, const fs::path& path) {
  try {
    verify_mnist_file(file, read_file(path));
    return true;
  } catch (const Error&) {
    return false;
  }
}

// What is missing or damaged.
void download(const fs::path& folder, const MnistOptions& options, const std::function<void(const Progress&)>& on_progress) {
  make_folder(folder);
  std::error_code error;
  std::vector<std::string> mirrors = options.mirrors;
  if (mirrors.empty()) {
    const auto chosen = environment("NEURONA_MNIST_MIRROR");
    mirrors = chosen ? std::vector<std::string>{*chosen} : kMirrors;
  }
  for (const MnistFile& file : kFiles) {
    const std::optional<fs::path> found = find_file(folder, file.name);
    if (found && is_good(file, *found)) continue;
    const fs::path target = folder / (std::string(file.name) + ".gz");
    DownloadOptions wanted{.urls = {}, .target = target, .max_bytes = kMaxDownloadBytes};
    for (const std::string& mirror : mirrors)
      wanted.urls.push_back(mirror + (mirror.ends_with('/') ? "" : "/") + std::string(file.name) + ".gz");
    wanted.check = [&file](const fs::path& path) { verify_mnist_file(file, read_file(path)); };
    Download job(std::move(wanted));
    run_inline(job, [&](const Progress& progress) {
      if (on_progress) on_progress(progress);
      return true;
    });
    if (found && *found != target) fs::remove(*found, error);
  }
}

Mnist embedded(std::string reason) {
  Mnist mnist;
  mnist.train = embedded_digits({.count = 60000, .seed = 1});
  mnist.test = embedded_digits({.count = 10000, .seed = 2});
  mnist.source = "embedded digits";
  mnist.embedded = true;
  mnist.notes.push_back(std::move(reason));
  return mnist;
}

}  // namespace

const std::array<MnistFile, 4>& mnist_files() { return kFiles; }

void verify_mnist_file(const MnistFile& file, std::span<const std::uint8_t> bytes) {
  if (const std::string page = web_page(bytes); !page.empty()) throw FormatError(std::string(file.name) + ": it is " + page);
  const std::string name(file.name);
  const std::string digest = unpack_and_hash({bytes.begin(), bytes.end()}, kMaxFileBytes, name).sha256;
  if (digest != file.sha256)
    throw FormatError(name + ": its SHA-256 is " + digest + ", that of MNIST's file is " + std::string(file.sha256) + ".");
}

ImageSet parse_mnist(bool test, std::span<const std::uint8_t> images, std::span<const std::uint8_t> labels) {
  return parse_pair(test, {images.begin(), images.end()}, std::string(kFiles[test ? 2 : 0].name), {labels.begin(), labels.end()},
                    std::string(kFiles[test ? 3 : 1].name));
}

fs::path mnist_cache_folder() { return cache_folder("mnist"); }

Mnist mnist(const MnistOptions& options, const std::function<void(const Progress&)>& on_progress) {
  if (!options.folder.empty()) return read_folder(options.folder, on_progress);
  if (const auto folder = environment("MNIST_DIR")) return read_folder(*folder, on_progress);
  if (complete(fs::path("data") / "mnist")) return read_folder(fs::path("data") / "mnist", on_progress);
  const fs::path cache = mnist_cache_folder();
  const bool is_complete = complete(cache);
  try {
    if (is_complete) return read_folder(cache, on_progress);
  } catch (const FormatError&) {
    if (!options.allow_download) throw;  // else what is damaged there is downloaded again
  }
  try {
    if (!options.allow_download)
      throw NoNetworkError("MNIST is neither in MNIST_DIR, nor in ./data/mnist, nor in '" + cache.string() + "', and downloading is off.");
    download(cache, options, on_progress);
    return read_folder(cache, on_progress);
  } catch (const NoNetworkError& e) {
    // Any other failure is one: who has a network asked for MNIST, and would not see that it was something else.
    if (!options.allow_embedded) throw;
    return embedded(std::string("MNIST could not be had: ") + e.what() + "\n  Going on with embedded digits instead.");
  }
}

}  // namespace neurona::data
