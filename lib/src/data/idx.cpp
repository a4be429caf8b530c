#include "neurona/data/idx.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <utility>

#include "core/byte_order.hpp"
#include "data/mnist_files.hpp"
#include "formats/file_kind.hpp"
#include "neurona/error.hpp"

namespace neurona::data {

namespace {

constexpr int kMaxSide = 4096;
constexpr std::int64_t kImagesHeader = 16;  // bytes

std::string count_of(std::int64_t n, const char* one) { return std::to_string(n) + " " + one + (n == 1 ? "" : "s"); }

// What to do about a file that has `has` bytes of `wanted`.
std::string mend(std::int64_t has, std::int64_t wanted) {
  return has < wanted ? "\n  It was cut short; download it again." : "\n  It has bytes of something else behind its end; download it again.";
}

// Checks everything before the data and says how many extents of which size follow.
template <std::size_t kRank>
std::array<std::int64_t, kRank> read_header(std::span<const std::uint8_t> bytes, const IdxOptions& options) {
  const auto size = static_cast<std::int64_t>(bytes.size());
  constexpr std::int64_t header = 4 + 4 * std::int64_t{kRank};
  if (bytes.empty()) throw FormatError(options.name + ": the file is empty; an IDX file was expected.\n  Download it again.");
  const std::array<std::uint8_t, 4> magic{0, 0, 8, kRank};
  const std::span<const std::uint8_t> start = bytes.first(std::min<std::size_t>(4, bytes.size()));
  if (bytes.size() >= 4 && !std::ranges::equal(start, magic)) {
    std::string what = options.name + ": begins with " + hex_bytes(start) + "; expected " + hex_bytes(magic) + " (IDX, unsigned bytes, " +
                       count_of(kRank, "dimension") + ").\n  ";
    if (start[0] == 0 && start[1] == 0 && start[2] == 8)
      what += "It has " + count_of(start[3], "dimension") + (kRank == 3 ? ": give images, not labels." : ": give labels, not images.");
    else if (start[0] == 0 && start[1] == 0)
      what += "Its numbers are of another type; only unsigned bytes (08) are read.";
    else if (const std::string page = web_page(bytes); !page.empty())
      what += "It is " + page;
    else if (const std::string kind = neurona::detail::file_kind(std::as_bytes(bytes.first(std::min<std::size_t>(bytes.size(), 512)))); !kind.empty())
      what += "It is " + kind + ", no IDX file.";
    else
      what += "It is no IDX file; download it again.";
    throw FormatError(what);
  }
  if (size < header)
    throw FormatError(options.name + ": " + count_of(size, "byte") + "; the header alone has " + std::to_string(header) + "." +
                      mend(size, header));
  std::array<std::int64_t, kRank> extents;
  for (std::size_t i = 0; i < kRank; ++i) extents[i] = big_endian(bytes, 4 + 4 * i);
  return extents;
}

// Errors: FormatError where a plain file is larger than asked for; unpacking has a limit of its own.
void check_size(std::span<const std::uint8_t> bytes, const IdxOptions& options) {
  if (static_cast<std::int64_t>(bytes.size()) > options.max_bytes)
    throw FormatError(options.name + ": " + std::to_string(bytes.size()) + " bytes; at most " + std::to_string(options.max_bytes) +
                      " are read.\n  Is it the right file?");
}

// An IDX file's images, all but the pixels; it is found to have as many as it says.
ImageSet read_description(std::span<const std::uint8_t> data, const IdxOptions& options) {
  const auto [count, height, width] = read_header<3>(data, options);
  const auto size = static_cast<std::int64_t>(data.size());
  const std::string promise = "the header promises " + count_of(count, "image") + " of " + std::to_string(height) + "x" + std::to_string(width);
  if (height < 1 || width < 1 || height > kMaxSide || width > kMaxSide)
    throw FormatError(options.name + ": " + promise + "; sides of 1 to " + std::to_string(kMaxSide) + " are read.\n  Is it the right file?");
  const std::int64_t wanted = kImagesHeader + count * height * width;  // at most 2^32 * 2^24
  if (wanted > options.max_bytes)
    throw FormatError(options.name + ": " + promise + " (" + std::to_string(wanted) + " bytes); at most " + std::to_string(options.max_bytes) +
                      " are read.\n  Is it the right file?");
  if (size != wanted)
    throw FormatError(options.name + ": " + promise + " (" + std::to_string(wanted) + " bytes), the file has " + std::to_string(size) + "." +
                      mend(size, wanted));
  return {.height = static_cast<int>(height),
          .width = static_cast<int>(width),
          .pixels = {},
          .labels = std::vector<std::uint8_t>(static_cast<std::size_t>(count))};
}

// The images of a file that is not compressed, in the memory of its bytes.
ImageSet take_images(std::vector<std::uint8_t> plain, const IdxOptions& options) {
  ImageSet set = read_description(plain, options);
  plain.erase(plain.begin(), plain.begin() + kImagesHeader);
  set.pixels = std::move(plain);
  return set;
}

ImageSet with_labels(ImageSet set, std::span<const std::uint8_t> labels, const IdxOptions& image_options, const IdxOptions& label_options) {
  std::vector<std::uint8_t> read = read_idx_labels(labels, label_options);
  if (read.size() != set.labels.size())
    throw FormatError(label_options.name + ": " + count_of(static_cast<std::int64_t>(read.size()), "label") + " for " +
                      count_of(set.size(), "image") + " of " + image_options.name + ".\n  Do the two files belong together?");
  set.labels = std::move(read);
  return set;
}

}  // namespace

std::vector<std::uint8_t> read_data_file(const std::filesystem::path& path, std::int64_t max_bytes) {
  std::ifstream file(path, std::ios::binary);
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  if (!file || error) throw IoError("Cannot read '" + path.string() + "': " + (error ? error.message() : "it may not be read") + ".");
  if (size > static_cast<std::uintmax_t>(max_bytes))
    throw FormatError("'" + path.string() + "' has " + std::to_string(size) + " bytes; up to " + std::to_string(max_bytes) + " are read.");
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(size));
  if (!file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size))) throw IoError("Cannot read all of '" + path.string() + "'.");
  return bytes;
}

std::string hex_bytes(std::span<const std::uint8_t> bytes) {
  std::string text;
  for (const std::uint8_t byte : bytes) {
    char two[4];
    std::snprintf(two, sizeof two, "%02x", byte);
    text += (text.empty() ? "" : " ") + std::string(two);
  }
  return text;
}

std::string web_page(std::span<const std::uint8_t> bytes) {
  constexpr std::size_t kFirstBytes = 512;
  const std::string kind = neurona::detail::file_kind(std::as_bytes(bytes.first(std::min(bytes.size(), kFirstBytes))));
  return kind.starts_with("a web page") || kind.starts_with("an XML") ? kind + ", which a server sent in the file's place. Download it again." : "";
}

bool is_gzip(std::span<const std::uint8_t> bytes) { return bytes.size() >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b; }

ImageSet read_idx_images(std::vector<std::uint8_t>&& bytes, const IdxOptions& options) {
  if (is_gzip(bytes)) return take_images(gunzip(bytes, options.max_bytes, options.name), options);
  check_size(bytes, options);
  return take_images(std::move(bytes), options);
}

ImageSet read_idx_images(std::span<const std::uint8_t> bytes, const IdxOptions& options) {
  if (is_gzip(bytes)) return take_images(gunzip(bytes, options.max_bytes, options.name), options);
  check_size(bytes, options);
  ImageSet set = read_description(bytes, options);
  set.pixels.assign(bytes.begin() + kImagesHeader, bytes.end());
  return set;
}

std::vector<std::uint8_t> read_idx_labels(std::span<const std::uint8_t> bytes, const IdxOptions& options) {
  std::vector<std::uint8_t> storage;
  std::span<const std::uint8_t> data = bytes;
  if (is_gzip(bytes))
    data = storage = gunzip(bytes, options.max_bytes, options.name);
  else
    check_size(bytes, options);
  const auto [count] = read_header<1>(data, options);
  const auto size = static_cast<std::int64_t>(data.size());
  if (size != 8 + count)
    throw FormatError(options.name + ": the header promises " + count_of(count, "label") + " (" + std::to_string(8 + count) +
                      " bytes), the file has " + std::to_string(size) + "." + mend(size, 8 + count));
  std::vector<std::uint8_t> labels(data.begin() + 8, data.end());
  const auto wrong = std::ranges::find_if(labels, [&](std::uint8_t label) { return label > options.max_label; });
  if (wrong != labels.end())
    throw FormatError(options.name + ": label " + std::to_string(*wrong) + " at index " + std::to_string(wrong - labels.begin()) +
                      "; labels from 0 to " + std::to_string(options.max_label) + " were expected.\n  Is it the right file?");
  return labels;
}

ImageSet read_idx_pair(std::span<const std::uint8_t> images, std::span<const std::uint8_t> labels, const IdxOptions& image_options,
                       const IdxOptions& label_options) {
  return with_labels(read_idx_images(images, image_options), labels, image_options, label_options);
}

ImageSet read_idx_pair(std::vector<std::uint8_t>&& images, std::span<const std::uint8_t> labels, const IdxOptions& image_options,
                       const IdxOptions& label_options) {
  return with_labels(read_idx_images(std::move(images), image_options), labels, image_options, label_options);
}

}  // namespace neurona::data
