// The IDX format of MNIST, and gzip around it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "neurona/image_set.hpp"

namespace neurona::data {

/// Whether bytes begin as a gzip file does.
bool is_gzip(std::span<const std::uint8_t> bytes);

/// Limits and names for reading. `name` stands in the messages: a file's name, say.
struct IdxOptions {
  std::string name = "IDX";
  std::int64_t max_bytes = std::int64_t{1} << 30;  ///< of the uncompressed content
  int max_label = 9;                               ///< highest label, [0, 255]
};

/// Unpacks a gzip file. Takes the memory that its end promises, but no more than its length can make nor than `max_bytes`.
/// Errors: FormatError when it is no gzip file, is cut short, damaged, has more behind its end, or unpacks to more.
std::vector<std::uint8_t> gunzip(std::span<const std::uint8_t> bytes, std::int64_t max_bytes, const std::string& name = "gzip");

/// Images of an IDX file of unsigned bytes with three dimensions (magic 00 00 08 03), gzip-compressed or not. The
/// labels of the result are all zero. Errors: FormatError.
ImageSet read_idx_images(std::span<const std::uint8_t> bytes, const IdxOptions& options = {});
/// The same; bytes that are not compressed become the pixels without being copied.
ImageSet read_idx_images(std::vector<std::uint8_t>&& bytes, const IdxOptions& options = {});
/// Labels of an IDX file of unsigned bytes with one dimension (magic 00 00 08 01), gzip-compressed or not.
/// Errors: FormatError.
std::vector<std::uint8_t> read_idx_labels(std::span<const std::uint8_t> bytes, const IdxOptions& options = {});
/// Images with their labels. Errors: FormatError, also when there are not as many images as labels.
ImageSet read_idx_pair(std::span<const std::uint8_t> images, std::span<const std::uint8_t> labels,
                       const IdxOptions& image_options = {.name = "images"}, const IdxOptions& label_options = {.name = "labels"});
ImageSet read_idx_pair(std::vector<std::uint8_t>&& images, std::span<const std::uint8_t> labels,
                       const IdxOptions& image_options = {.name = "images"}, const IdxOptions& label_options = {.name = "labels"});

}  // namespace neurona::data
