// The container that all files share: safetensors. 8 bytes of header length (little-endian), a JSON header,
// then the elements of all tensors. Neither side keeps a second copy of the elements: they are written from
// where they are and read to where they go.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "neurona/config.hpp"
#include "neurona/tensor.hpp"

namespace neurona::detail {

using Json = nlohmann::ordered_json;  // for writing: it keeps the order, but searches linearly
using ReadJson = nlohmann::json;

/// The key of the network's layers in the header's metadata.
inline constexpr std::string_view kArchitectureKey = "neurona.architecture";
/// What a header may have: writers and readers agree on it.
inline constexpr std::size_t kMaxHeaderBytes = std::size_t{16} << 20;

// ---- writing
// ------------------------------------------------------------------------------------------------------

/// A tensor of a file: its elements lie elsewhere and must live until they are written, or are its own.
struct StoredTensor {
  std::string name;
  std::string dtype;  ///< "F32", "F64", "I8"
  Shape shape;
  std::span<const std::byte> borrowed = {};
  std::vector<std::byte> own = {};
  std::span<const std::byte> bytes() const {
    return own.empty() ? borrowed : std::span<const std::byte>(own);
  }
};

/// The tensor as it is: F32 or F64. Its elements are borrowed.
StoredTensor stored_exactly(std::string name, const Tensor& tensor);
/// The tensor as F32; converted where it is float64.
StoredTensor stored_as_float(std::string name, const Tensor& tensor);

using Sink = std::function<void(std::span<const std::byte>)>;
/// Errors: ValueError for a header beyond kMaxHeaderBytes (metadata of megabytes); what the sink throws.
void write_container(const Json& metadata, std::span<const StoredTensor> tensors, const Sink& sink);

Json to_json(const Config& config);
/// The number, or where JSON has none {"number": "inf"}: read_number() gives back the same bits, but for
/// those of a NaN.
Json exact_number(double value);

// ---- reading
// ------------------------------------------------------------------------------------------------------

/// Bytes that can be read at any place: those of a file, or some in memory.
struct ByteSource {
  std::uint64_t size = 0;
  std::function<void(std::uint64_t at, std::span<std::byte> to)> read;
};
ByteSource in_memory(std::span<const std::byte> bytes);

/// JSON of a bounded depth; null for what is none.
ReadJson parse_json(std::string_view text);
/// Errors: FormatError for an option of an unknown kind.
Config to_config(const ReadJson& json);
/// Errors: ReadJson::exception, FormatError.
double read_number(const ReadJson& json);

class Container {
 public:
  struct Element {
    std::string dtype;
    Shape shape;
    std::uint64_t begin = 0, size_bytes = 0;  // in the data
  };

  /// Reads the header alone. Errors: FormatError.
  explicit Container(ByteSource source);
  /// Bytes behind the header. All tensors together have no more.
  std::uint64_t data_size() const { return data_size_; }
  /// An object; empty where the file has none.
  const ReadJson& metadata() const { return metadata_; }
  /// The JSON object that metadata keeps as text under `key`. Errors: FormatError where it is none.
  ReadJson metadata_object(std::string_view key) const;
  /// Errors: FormatError for one that is missing or does not fit its own shape or the file.
  Element find(const std::string& name) const;
  void read(const Element& element, std::span<std::byte> to) const;
  /// An F32 or F64 tensor as it is, whatever its values. Errors: FormatError.
  Tensor read_tensor(const std::string& name) const;
  /// Errors: FormatError when there is something behind the last tensor.
  void check_end() const;

 private:
  void check_overlap() const;
  ByteSource source_;
  std::uint64_t data_begin_ = 0, data_size_ = 0;
  ReadJson header_, metadata_;
};

}  // namespace neurona::detail
