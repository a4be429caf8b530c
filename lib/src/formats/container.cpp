#include "formats/container.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <utility>

#include "neurona/error.hpp"

namespace neurona::detail {

namespace {

static_assert(std::endian::native == std::endian::little,
              "safetensors is little-endian; this port needs byte swaps");

constexpr std::size_t kLengthBytes = 8;
// Nested deeper than any model file: parsed recursively or destroyed, it could exhaust the stack.
constexpr int kMaxDepth = 16;

std::span<const std::byte> bytes_of(const Tensor& tensor) {
  return {static_cast<const std::byte*>(tensor.view().data), tensor.size_bytes()};
}

std::uint64_t bytes_an_element(std::string_view dtype) {
  return dtype == "F32" ? 4 : dtype == "F64" ? 8 : dtype == "I8" ? 1 : 0;
}

// Nothing where they are not written as whole numbers: what is converted may be read in two ways.
std::optional<std::pair<std::uint64_t, std::uint64_t>> offsets_of(const ReadJson& tensor) {
  const auto offsets = tensor.find("data_offsets");
  if (offsets == tensor.end() || !offsets->is_array() || offsets->size() != 2) return std::nullopt;
  const ReadJson &begin = (*offsets)[0], &end = (*offsets)[1];
  if (!begin.is_number_unsigned() || !end.is_number_unsigned()) return std::nullopt;
  return std::pair{begin.get<std::uint64_t>(), end.get<std::uint64_t>()};
}

ConfigValue to_value(const std::string& key, const ReadJson& json) {
  if (json.is_boolean()) return json.get<bool>();
  if (json.is_number_integer()) return json.get<std::int64_t>();
  if (json.is_number_float()) return json.get<double>();
  if (json.is_string()) return json.get<std::string>();
  if (json.is_object()) return read_number(json);
  if (json.is_array() &&
      std::all_of(json.begin(), json.end(), [](const ReadJson& j) { return j.is_number_integer(); }))
    return json.get<std::vector<std::int64_t>>();
  throw FormatError("Model file: option '" + key + "' has a value of an unknown kind: " + json.type_name() +
                    ".");
}

}  // namespace

StoredTensor stored_exactly(std::string name, const Tensor& tensor) {
  return {.name = std::move(name),
          .dtype = tensor.dtype() == DType::float64 ? "F64" : "F32",
          .shape = tensor.shape(),
          .borrowed = bytes_of(tensor)};
}

StoredTensor stored_as_float(std::string name, const Tensor& tensor) {
  if (tensor.dtype() == DType::float32) return stored_exactly(std::move(name), tensor);
  Tensor converted(tensor.shape());
  copy(tensor.view(), converted.view());
  const auto bytes = bytes_of(converted);
  return {
      .name = std::move(name), .dtype = "F32", .shape = tensor.shape(), .own = {bytes.begin(), bytes.end()}};
}

void write_container(const Json& metadata, std::span<const StoredTensor> tensors, const Sink& sink) {
  Json header = Json::object();
  header["__metadata__"] = metadata;
  std::uint64_t offset = 0;
  for (const StoredTensor& tensor : tensors) {
    const std::uint64_t end = offset + tensor.bytes().size();
    header[tensor.name] = {{"dtype", tensor.dtype},
                           {"shape", std::vector<std::int64_t>(tensor.shape.begin(), tensor.shape.end())},
                           {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text =
      header.dump(-1, ' ', false, Json::error_handler_t::replace);  // metadata need not be UTF-8
  text.resize((text.size() + 7) / 8 * 8, ' ');
  if (text.size() > kMaxHeaderBytes)
    throw ValueError("Model file: layers and metadata take " + std::to_string(text.size()) +
                     " bytes; up to " + std::to_string(kMaxHeaderBytes) +
                     " can be written and read. Shorten the metadata.");
  const std::uint64_t length = text.size();
  sink(std::as_bytes(std::span(&length, 1)));
  sink(std::as_bytes(std::span(text)));
  for (const StoredTensor& tensor : tensors) sink(tensor.bytes());
}

Json to_json(const Config& config) {
  Json json = Json::object();
  for (const auto& [key, value] : config.values()) {
    if (const double* number = std::get_if<double>(&value))
      json[key] = exact_number(*number);
    else
      std::visit([&, &k = key](const auto& v) { json[k] = v; }, value);
  }
  return json;
}

Json exact_number(double value) {
  if (std::isfinite(value)) return value;
  // Not std::to_chars, whose NaN may be "-nan(ind)".
  return {{"number", std::isnan(value) ? "nan" : value > 0.0 ? "inf" : "-inf"}};
}

ByteSource in_memory(std::span<const std::byte> bytes) {
  return {bytes.size(), [bytes](std::uint64_t at, std::span<std::byte> to) {
            if (!to.empty()) std::memcpy(to.data(), bytes.data() + static_cast<std::size_t>(at), to.size());
          }};
}

ReadJson parse_json(std::string_view text) {
  bool too_deep = false;
  ReadJson json = ReadJson::parse(
      text,
      [&](int depth, ReadJson::parse_event_t, ReadJson&) {
        too_deep = too_deep || depth > kMaxDepth;
        return !too_deep;
      },
      /*allow_exceptions=*/false);
  return too_deep ? ReadJson(nullptr) : json;
}

Config to_config(const ReadJson& json) {
  Config config;
  for (const auto& [key, value] : json.items()) config.set(key, to_value(key, value));
  return config;
}

double read_number(const ReadJson& json) {
  if (!json.is_object()) return json.get<double>();
  const std::string text = json.at("number").get<std::string>();
  if (text == "inf") return std::numeric_limits<double>::infinity();
  if (text == "-inf") return -std::numeric_limits<double>::infinity();
  if (text == "nan") return std::numeric_limits<double>::quiet_NaN();
  throw FormatError("Model file: '" + text + "' stands for a number; inf, -inf and nan are known.");
}

Container::Container(ByteSource source) : source_(std::move(source)) {
  const std::string size = std::to_string(source_.size);
  if (source_.size < kLengthBytes)
    throw FormatError("Model file: " + size +
                      " bytes; a safetensors file has at least 8. It was cut short, or is another file.");
  if (source_.size > std::numeric_limits<std::size_t>::max() / 2)
    throw FormatError("Model file: " + size + " bytes, more than this machine can address.");
  std::uint64_t length = 0;
  source_.read(0, std::as_writable_bytes(std::span(&length, 1)));
  if (length > kMaxHeaderBytes || length > source_.size - kLengthBytes)
    throw FormatError("Model file: its first 8 bytes promise a header of " + std::to_string(length) +
                      " bytes, the file has " + size + ". It was cut short, or is not a safetensors file.");
  std::string text(static_cast<std::size_t>(length), ' ');
  source_.read(kLengthBytes, std::as_writable_bytes(std::span(text)));
  data_begin_ = kLengthBytes + length;
  data_size_ = source_.size - data_begin_;
  header_ = parse_json(text);
  if (!header_.is_object())
    throw FormatError(
        "Model file: its header is not a JSON object. It is not a safetensors file, or is damaged.");
  const auto metadata = header_.find("__metadata__");
  metadata_ = metadata != header_.end() && metadata->is_object() ? *metadata : ReadJson::object();
  check_overlap();
}

// Each byte belongs to one tensor at most: so all that is read has the size of the file.
void Container::check_overlap() const {
  std::uint64_t sum = 0;
  for (const auto& [name, json] : header_.items()) {
    if (name == "__metadata__" || !json.is_object()) continue;
    const auto offsets = offsets_of(json);
    if (!offsets) continue;  // find() says what is wrong, where it is asked for
    const auto [begin, end] = *offsets;
    if (begin > end || end > data_size_) continue;
    sum += end - begin;
    if (sum > data_size_)
      throw FormatError("Model file: its tensors overlap: together they have more than the file's " +
                        std::to_string(data_size_) + " bytes of data. It is damaged.");
  }
}

ReadJson Container::metadata_object(std::string_view key) const {
  const auto it = metadata_.find(key);
  ReadJson json = it != metadata_.end() && it->is_string() ? parse_json(it->get_ref<const std::string&>())
                                                           : ReadJson(nullptr);
  if (!json.is_object())
    throw FormatError("Model file: '" + std::string(key) + "' is not a JSON object. The file is damaged.");
  return json;
}

Container::Element Container::find(const std::string& name) const {
  const auto damaged = [&](const std::string& what) {
    return FormatError("Model file: tensor '" + name + "' " + what);
  };
  const auto it = header_.find(name);
  if (it == header_.end()) throw damaged("is missing. The file is of another network, or is damaged.");
  try {
    Element element;
    element.dtype = it->at("dtype").get<std::string>();
    for (const std::int64_t extent : it->at("shape").get<std::vector<std::int64_t>>())
      element.shape = element.shape.with_trailing(extent);
    const auto offsets = offsets_of(*it);
    if (!offsets || offsets->first > offsets->second || offsets->second > data_size_)
      throw damaged("lies outside of the file's " + std::to_string(data_size_) +
                    " bytes of data. The file was cut short.");
    element.begin = offsets->first;
    element.size_bytes = offsets->second - offsets->first;
    const std::uint64_t each = bytes_an_element(element.dtype);
    if (each == 0) throw damaged("has type " + element.dtype + "; F32, F64 and I8 are known.");
    const auto elements = static_cast<std::uint64_t>(element.shape.elements());  // below 2^62
    if (elements > element.size_bytes || element.size_bytes != elements * each)
      throw damaged("has " + std::to_string(element.size_bytes) + " bytes, its shape " +
                    element.shape.to_string() + " needs " + std::to_string(elements) + " elements of " +
                    std::to_string(each) + ".");
    return element;
  } catch (const ReadJson::exception& e) {
    throw damaged(std::string("is described wrongly: ") + e.what());
  } catch (const ValueError& e) {
    throw damaged(e.what());
  }
}

void Container::read(const Element& element, std::span<std::byte> to) const {
  source_.read(data_begin_ + element.begin, to.first(static_cast<std::size_t>(element.size_bytes)));
}

Tensor Container::read_tensor(const std::string& name) const {
  const Element element = find(name);
  if (element.dtype == "I8")
    throw FormatError("Model file: tensor '" + name + "' has type I8; F32 or F64 is needed.");
  Tensor tensor(element.shape, element.dtype == "F64" ? DType::float64 : DType::float32);
  read(element, {static_cast<std::byte*>(tensor.view().data), tensor.size_bytes()});
  return tensor;
}

void Container::check_end() const {
  std::uint64_t end = 0;
  for (const auto& [name, json] : header_.items())
    if (name != "__metadata__") end = std::max(end, json.at("data_offsets").at(1).get<std::uint64_t>());
  if (end < data_size_)
    throw FormatError("Model file: " + std::to_string(data_size_ - end) +
                      " bytes behind its last tensor. Something was appended, or it is damaged.");
}

}  // namespace neurona::detail
