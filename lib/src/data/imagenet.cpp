#include "neurona/data/imagenet.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>

#include "data/file_digest.hpp"
#include "data/md5.hpp"
#include "data/places.hpp"
#include "neurona/data/download.hpp"
#include "neurona/error.hpp"

namespace neurona::data {

namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kMaxIndexBytes = 10'000'000;

// Whether it is the published file: nothing when it is, else what it is.
std::optional<std::string> difference(const PublishedFile& file, const fs::path& path) {
  std::error_code error;
  const std::uintmax_t size = fs::file_size(path, error);
  if (error) return "it cannot be read: " + error.message();
  if (static_cast<std::int64_t>(size) != file.bytes)
    return "it has " + std::to_string(size) + " bytes, the published file has " + std::to_string(file.bytes);
  if (!can_verify(file)) return std::nullopt;
  const bool by_sha256 = !file.sha256.empty();
  const std::string digest = by_sha256 ? sha256_of_file(path) : md5_of_file(path), &wanted = by_sha256 ? file.sha256 : file.md5;
  if (digest != wanted) return std::string("its ") + (by_sha256 ? "SHA-256" : "MD5") + " is " + digest + ", that of the published file is " + wanted;
  return std::nullopt;
}

void verify(const PublishedFile& file, const fs::path& path) {
  if (const auto different = difference(file, path))
    throw FormatError("'" + path.string() + "' is damaged or another file: " + *different +
                      ". Delete it and get it again.");
}

}  // namespace

std::vector<ImageNetClass> parse_imagenet_classes(std::string_view json, const std::string& name) {
  const auto wrong = [&](const std::string& what) {
    return FormatError("'" + name + "' is no index of ImageNet's classes: " + what + ".");
  };
  const nlohmann::json index = nlohmann::json::parse(json, nullptr, false);
  if (index.is_discarded() || !index.is_object() || index.empty())
    throw wrong(R"(it must be a JSON object {"0": ["n01440764", "tench"], ...})");
  std::vector<ImageNetClass> classes;
  for (std::size_t i = 0; i < index.size(); ++i) {
    const auto entry = index.find(std::to_string(i));
    if (entry == index.end())
      throw wrong("it has " + std::to_string(index.size()) + " entries, but none for class " +
                  std::to_string(i));
    if (!entry->is_array() || entry->size() != 2 || !(*entry)[0].is_string() || !(*entry)[1].is_string())
      throw wrong("class " + std::to_string(i) + " must be two texts, its id and its name");
    classes.push_back({(*entry)[0], (*entry)[1]});
  }
  return classes;
}

std::vector<ImageNetClass> read_imagenet_classes(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::error_code error;
  const std::uintmax_t size = fs::file_size(path, error);
  if (!file || error) throw IoError("Cannot read '" + path.string() + "'.");
  if (size > kMaxIndexBytes)
    throw FormatError("'" + path.string() + "' has " + std::to_string(size) +
                      " bytes; ImageNet's index has 35,363.");
  return parse_imagenet_classes(std::string{std::istreambuf_iterator<char>(file), {}}, path.string());
}

std::vector<std::vector<ImageNetPrediction>> decode_predictions(const Tensor& probabilities,
                                                                const std::vector<ImageNetClass>& classes,
                                                                std::int64_t top) {
  const Shape& shape = probabilities.shape();
  const auto count = static_cast<std::int64_t>(classes.size());
  if (shape.rank() != 2 || shape[1] != count)
    throw ShapeError("decode_predictions received predictions of shape " + shape.to_string() +
                     "; expected (N, " + std::to_string(count) + "), one for each class.");
  const auto kept = static_cast<std::ptrdiff_t>(std::clamp<std::int64_t>(top, 0, count));
  std::vector<std::vector<ImageNetPrediction>> all;
  std::vector<std::int64_t> order(classes.size());
  for (std::int64_t n = 0; n < shape[0]; ++n) {
    const float* values = probabilities.values().data() + n * count;
    std::iota(order.begin(), order.end(), 0);
    std::partial_sort(order.begin(), order.begin() + kept, order.end(), [&](std::int64_t a, std::int64_t b) {
      return values[a] > values[b] || (values[a] == values[b] && a < b);
    });
    std::vector<ImageNetPrediction>& best = all.emplace_back();
    for (std::ptrdiff_t i = 0; i < kept; ++i) {
      const std::int64_t index = order[static_cast<std::size_t>(i)];
      best.push_back({classes[static_cast<std::size_t>(index)], index, values[index]});
    }
  }
  return all;
}

bool can_verify(const PublishedFile& file) { return !file.sha256.empty() || (!file.md5.empty() && computes_md5()); }

const PublishedFile& resnet50_weights_file() {
  static const PublishedFile file{.name = "resnet50_weights_tf_dim_ordering_tf_kernels.h5",
                                  .md5 = "2cb95161c43110f7111970584f804107",
                                  .bytes = 102'967'424,
                                  .urls = {"https://storage.googleapis.com/tensorflow/keras-applications/"
                                           "resnet/resnet50_weights_tf_dim_ordering_tf_kernels.h5",
                                           "https://github.com/keras-team/keras-applications/releases/"
                                           "download/resnet/resnet50_weights_tf_dim_ordering_tf_kernels.h5"}};
  return file;
}

const PublishedFile& imagenet_classes_file() {
  static const PublishedFile file{
      .name = "imagenet_class_index.json",
      .sha256 = "a1e7a966a1f601d39e4b43e119b3e7dd4a2ad3ea08cf69847cbaf021013767bc",
      .bytes = 35'363,
      .urls = {"https://storage.googleapis.com/download.tensorflow.org/data/imagenet_class_index.json",
               "https://s3.amazonaws.com/deep-learning-models/image-models/imagenet_class_index.json"}};
  return file;
}

fs::path published_file(const PublishedFile& file, const char* variable, std::string_view cache,
                        const PublishedFileOptions& options,
                        const std::function<void(const Progress&)>& on_progress) {
  std::error_code error;
  // A folder that was named must have it.
  const auto named = !options.folder.empty() ? std::optional(options.folder.string()) : environment(variable);
  if (named) {
    const fs::path path = fs::path(*named) / file.name;
    if (!fs::is_regular_file(path, error))
      throw IoError("'" + file.name + "' is not in '" + *named + "'. Put it there; without a folder (nor " +
                    variable + ") it is downloaded.");
    if (options.verify_named) verify(file, path);
    return path;
  }
  if (const fs::path path = fs::path("data") / cache / file.name; fs::is_regular_file(path, error)) {
    verify(file, path);
    return path;
  }
  const fs::path target = cache_folder(cache) / file.name;
  if (fs::is_regular_file(target, error) && !difference(file, target)) return target;
  if (!options.allow_download)
    throw IoError("'" + file.name + "' is neither in " + variable + ", nor in ./data/" + std::string(cache) +
                  ", nor in '" + target.parent_path().string() + "'.");
  make_folder(target.parent_path());
  DownloadOptions wanted{.urls = file.urls, .target = target, .max_bytes = file.bytes};
  if (!options.mirrors.empty()) {
    wanted.urls.clear();
    for (const std::string& mirror : options.mirrors)
      wanted.urls.push_back(mirror + (mirror.ends_with('/') ? "" : "/") + file.name);
  }
  wanted.check = [&file](const fs::path& path) { verify(file, path); };
  Download job(std::move(wanted));
  run_inline(job, [&](const Progress& progress) {
    if (on_progress) on_progress(progress);
    return true;
  });
  return target;
}

namespace {

PublishedFileOptions with_mirror(PublishedFileOptions options) {
  if (options.mirrors.empty())
    if (const auto mirror = environment("NEURONA_RESNET50_MIRROR")) options.mirrors = {*mirror};
  return options;
}

}  // namespace

fs::path imagenet_classes_path(const PublishedFileOptions& options,
                               const std::function<void(const Progress&)>& on_progress) {
  return published_file(imagenet_classes_file(), "IMAGENET_DIR", "imagenet", with_mirror(options),
                        on_progress);
}

ResNet50Files resnet50_files(const PublishedFileOptions& options,
                             const std::function<void(const Progress&)>& on_progress) {
  const fs::path classes = imagenet_classes_path(options, on_progress);
  return {
      published_file(resnet50_weights_file(), "RESNET50_DIR", "resnet50", with_mirror(options), on_progress),
      classes};
}

}  // namespace neurona::data
