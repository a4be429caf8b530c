// safetensors: 8 bytes of header length (little-endian), a JSON header, then the elements of all tensors.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "neurona/error.hpp"
#include "neurona/formats.hpp"
#include "neurona/layers.hpp"

namespace neurona {

namespace {

using Json = nlohmann::ordered_json;  // for writing: it keeps the order, but searches linearly
using ReadJson = nlohmann::json;

static_assert(std::endian::native == std::endian::little, "safetensors is little-endian; this port needs byte swaps");

constexpr std::size_t kLengthBytes = 8;
constexpr std::size_t kMaxHeaderBytes = 16u << 20;
constexpr std::string_view kArchitecture = "neurona.architecture";
constexpr std::string_view kScaleSuffix = ".scale";
constexpr float kInt8Largest = 127.0f;

Json to_json(const Config& config) {
  Json json = Json::object();
  for (const auto& [key, value] : config.values()) std::visit([&, &k = key](const auto& v) { json[k] = v; }, value);
  return json;
}

ConfigValue to_value(const std::string& key, const ReadJson& json) {
  if (json.is_boolean()) return json.get<bool>();
  if (json.is_number_integer()) return json.get<std::int64_t>();
  if (json.is_number_float()) return json.get<double>();
  if (json.is_string()) return json.get<std::string>();
  if (json.is_array() && std::all_of(json.begin(), json.end(), [](const ReadJson& j) { return j.is_number_integer(); }))
    return json.get<std::vector<std::int64_t>>();
  throw FormatError("Model file: option '" + key + "' has a value of an unknown kind: " + json.type_name() + ".");
}

Config to_config(const ReadJson& json) {
  Config config;
  for (const auto& [key, value] : json.items()) config.set(key, to_value(key, value));
  return config;
}

Json architecture_of(const Model& model) {
  Json layers = Json::array();
  for (std::int64_t i = 0; i < model.size(); ++i) {
    const Layer& layer = model.layer(i);
    Json config = to_json(layer.config());
    if (model.is_sequential() && i == 0 && !config.contains("input_shape"))
      config["input_shape"] = std::vector<std::int64_t>(model.input_shape().begin(), model.input_shape().end());
    Json described = {{"type", layer.type()}, {"name", layer.name()}, {"config", std::move(config)}};
    if (!layer.trainable()) described["trainable"] = false;
    if (!model.is_sequential()) {
      described["inputs"] = Json::array();
      for (const std::int64_t input : model.layer_inputs(i)) described["inputs"].push_back(model.layer(input).name());
    }
    layers.push_back(std::move(described));
  }
  Json json = {{"class", model.is_sequential() ? "Sequential" : "Functional"}, {"name", model.name()}, {"layers", std::move(layers)}};
  if (!model.is_sequential()) {
    json["outputs"] = Json::array();
    for (const std::int64_t output : model.output_layers()) json["outputs"].push_back(model.layer(output).name());
  }
  if (model.compiled()) {
    json["loss"] = model.compile_options().loss->name();
    json["metrics"] = Json::array();
    for (const auto& metric : model.compile_options().metrics) json["metrics"].push_back(metric->name());
  }
  return json;
}

bool is_reserved(std::string_view metadata_key) { return metadata_key == kArchitecture || metadata_key == "format"; }

struct Stored {
  std::string name;
  std::string dtype;
  Shape shape;
  std::vector<std::byte> bytes;
};

Stored stored_float(std::string name, const Tensor& tensor) {
  Stored stored{std::move(name), "F32", tensor.shape(), {}};
  Tensor converted(tensor.shape());
  copy(tensor.view(), converted.view());
  const auto bytes = std::as_bytes(std::span(std::as_const(converted).values()));
  stored.bytes.assign(bytes.begin(), bytes.end());
  return stored;
}

// kernel (..., F) -> integers in [-127, 127] with a scale for each of the F columns
void store_int8(const std::string& name, const Tensor& tensor, std::vector<Stored>& out) {
  const std::int64_t F = tensor.shape().back(), rows = tensor.elements() / F;
  Tensor scales({F});
  for (std::int64_t i = 0; i < tensor.elements(); ++i) {
    float& scale = scales.values()[static_cast<std::size_t>(i % F)];
    scale = std::max(scale, static_cast<float>(std::abs(tensor.at(i))) / kInt8Largest);
  }
  Stored stored{name, "I8", tensor.shape(), std::vector<std::byte>(static_cast<std::size_t>(rows * F))};
  for (std::int64_t i = 0; i < rows * F; ++i) {
    const float scale = scales.values()[static_cast<std::size_t>(i % F)];
    const auto level = scale > 0.0f ? std::lround(tensor.at(i) / static_cast<double>(scale)) : 0;
    stored.bytes[static_cast<std::size_t>(i)] = static_cast<std::byte>(static_cast<std::int8_t>(level));
  }
  out.push_back(std::move(stored));
  out.push_back(stored_float(name + std::string(kScaleSuffix), scales));
}

// ---- reading ------------------------------------------------------------------------------------------------------

struct Header {
  ReadJson json;
  std::span<const std::byte> data;
};

// Nested deeper than any model file: parsed recursively or destroyed, it could exhaust the stack.
constexpr int kMaxDepth = 16;

ReadJson parse(std::string_view text) {
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

Header read_header(std::span<const std::byte> bytes) {
  const std::string size = std::to_string(bytes.size());
  if (bytes.size() < kLengthBytes)
    throw FormatError("Model file: " + size + " bytes; a safetensors file has at least 8. It was cut short, or is another file.");
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), kLengthBytes);
  if (length > kMaxHeaderBytes || length > bytes.size() - kLengthBytes)
    throw FormatError("Model file: its first 8 bytes promise a header of " + std::to_string(length) + " bytes, the file has " + size +
                      ". It was cut short, or is not a safetensors file.");
  const auto* text = reinterpret_cast<const char*>(bytes.data()) + kLengthBytes;
  Header header{parse({text, static_cast<std::size_t>(length)}), bytes.subspan(kLengthBytes + static_cast<std::size_t>(length))};
  if (!header.json.is_object()) throw FormatError("Model file: its header is not a JSON object. It is not a safetensors file, or is damaged.");
  return header;
}

struct Element {
  std::string dtype;
  Shape shape;
  std::span<const std::byte> bytes;
};

Element find_element(const Header& header, const std::string& name) {
  const auto damaged = [&](const std::string& what) { return FormatError("Model file: tensor '" + name + "' " + what); };
  const auto it = header.json.find(name);
  if (it == header.json.end()) throw damaged("is missing. The file is of another network, or is damaged.");
  try {
    Element element;
    element.dtype = it->at("dtype").get<std::string>();
    for (std::int64_t extent : it->at("shape").get<std::vector<std::int64_t>>()) element.shape = element.shape.with_trailing(extent);
    const auto offsets = it->at("data_offsets").get<std::vector<std::uint64_t>>();
    if (offsets.size() != 2 || offsets[0] > offsets[1] || offsets[1] > header.data.size())
      throw damaged("lies outside of the file's " + std::to_string(header.data.size()) + " bytes of data. The file was cut short.");
    element.bytes = header.data.subspan(static_cast<std::size_t>(offsets[0]), static_cast<std::size_t>(offsets[1] - offsets[0]));
    const std::uint64_t each = element.dtype == "F32" ? 4 : element.dtype == "I8" ? 1 : 0;
    if (each == 0) throw damaged("has type " + element.dtype + "; F32 and I8 are known.");
    if (element.bytes.size() != static_cast<std::uint64_t>(element.shape.elements()) * each)
      throw damaged("has " + std::to_string(element.bytes.size()) + " bytes, its shape " + element.shape.to_string() + " needs " +
                    std::to_string(static_cast<std::uint64_t>(element.shape.elements()) * each) + ".");
    return element;
  } catch (const ReadJson::exception& e) {
    throw damaged(std::string("is described wrongly: ") + e.what());
  } catch (const ValueError& e) {
    throw damaged(e.what());
  }
}

void read_parameter(const Header& header, const std::string& name, Tensor& value) {
  const Element element = find_element(header, name);
  if (element.dtype != "F32" && name.ends_with(kScaleSuffix))
    throw FormatError("Model file: '" + name + "' has type " + element.dtype + "; scales are F32.");
  if (!(element.shape == value.shape()))
    throw FormatError("Model file: '" + name + "' has shape " + element.shape.to_string() + ", the network needs " +
                      value.shape().to_string() + ".");
  if (element.dtype == "F32") {
    std::vector<float> values(static_cast<std::size_t>(element.shape.elements()));
    std::memcpy(values.data(), element.bytes.data(), element.bytes.size());
    copy(Tensor(element.shape, values).view(), value.view());
  } else {
    Tensor scales({element.shape.back()});
    read_parameter(header, name + std::string(kScaleSuffix), scales);
    for (std::int64_t i = 0; i < value.elements(); ++i)
      value.set(i, static_cast<double>(static_cast<std::int8_t>(element.bytes[static_cast<std::size_t>(i)])) *
                       static_cast<double>(scales.values()[static_cast<std::size_t>(i % element.shape.back())]));
  }
  for (std::int64_t i = 0; i < value.elements(); ++i)
    if (!std::isfinite(value.at(i)))
      throw FormatError("Model file: '" + name + "' holds a value that is not finite, at element " + std::to_string(i) + ". The file is damaged.");
}

void check_end(const Header& header) {
  std::uint64_t end = 0;
  for (const auto& [name, json] : header.json.items())
    if (name != "__metadata__") end = std::max(end, json.at("data_offsets").at(1).get<std::uint64_t>());
  if (end < header.data.size())
    throw FormatError("Model file: " + std::to_string(header.data.size() - end) +
                      " bytes behind its last tensor. Something was appended, or it is damaged.");
}

ReadJson read_architecture(const Header& header) {
  const auto metadata = header.json.find("__metadata__");
  if (metadata == header.json.end() || !metadata->is_object() || !metadata->contains(kArchitecture) ||
      !metadata->at(std::string(kArchitecture)).is_string())
    throw FormatError("Model file: a safetensors file without '" + std::string(kArchitecture) +
                      "' in its metadata; this program did not write it, and the network's layers are not known.");
  ReadJson architecture = parse(metadata->at(std::string(kArchitecture)).get_ref<const std::string&>());
  if (!architecture.is_object()) throw FormatError("Model file: '" + std::string(kArchitecture) + "' is not a JSON object. The file is damaged.");
  return architecture;
}

// Inputs beyond this are no network of this library; it keeps the products below from overflowing.
constexpr std::int64_t kMaxInputs = std::int64_t{1} << 30;

std::unique_ptr<Layer> read_layer(const ReadJson& json) {
  std::unique_ptr<Layer> layer = make_layer(json.at("type").get<std::string>(), to_config(json.at("config")));
  layer->set_name(json.at("name").get<std::string>());
  if (json.contains("trainable")) layer->set_trainable(json["trainable"].get<bool>());
  return layer;
}

// What the file cannot hold is refused before memory is taken for it: a weight takes a byte or more.
void check_room(const Layer& layer, const std::vector<Shape>& inputs, const Header& header) {
  const auto refuse = [&](const Shape& in) {
    return FormatError("Model file: layer '" + layer.name() + "' on inputs of shape " + in.to_string() +
                       " needs more weights than the file's " + std::to_string(header.data.size()) + " bytes hold.");
  };
  for (const Shape& in : inputs)
    if (in.elements() > kMaxInputs) throw refuse(in);
  if (layer.output_shape(inputs).elements() > kMaxInputs) throw refuse(inputs.empty() ? Shape() : inputs[0]);
  std::uint64_t weights = 0;
  for (const ParameterSpec& spec : layer.parameter_specs(inputs)) weights += static_cast<std::uint64_t>(spec.shape.elements());
  if (weights > header.data.size()) throw refuse(inputs[0]);
}

Model read_sequential(const ReadJson& architecture, const Header& header) {
  Sequential model({.name = architecture.at("name").get<std::string>()});
  for (const ReadJson& json : architecture.at("layers")) {
    std::unique_ptr<Layer> layer = read_layer(json);
    if (model.size() > 0)
      check_room(*layer, {model.output_shape()}, header);
    else if (layer->input_shape() != nullptr)
      check_room(*layer, {*layer->input_shape()}, header);
    model.add(std::move(layer));
  }
  return model;
}

// Layers stand behind those that they take from, so no cycle can be written down.
Model read_functional(const ReadJson& architecture, const Header& header) {
  Functional model({.name = architecture.at("name").get<std::string>()});
  std::map<std::string, std::pair<Node, Shape>> known;
  const auto find = [&](const ReadJson& name, const std::string& wanted_by) -> const std::pair<Node, Shape>& {
    const auto it = known.find(name.get<std::string>());
    if (it == known.end())
      throw FormatError("Model file: " + wanted_by + " takes from '" + name.get<std::string>() +
                        "', which does not stand before it: it is unknown, or the graph has a cycle.");
    return it->second;
  };
  for (const ReadJson& json : architecture.at("layers")) {
    std::unique_ptr<Layer> layer = read_layer(json);
    const std::string name = layer->name();
    std::vector<Node> nodes;
    std::vector<Shape> shapes;
    for (const ReadJson& input : json.at("inputs")) {
      const auto& [node, shape] = find(input, "layer '" + name + "'");
      nodes.push_back(node);
      shapes.push_back(shape);
    }
    if (layer->type() == "InputLayer") {
      check_room(*layer, {}, header);
      known[name] = {model.input(*layer->input_shape(), name), *layer->input_shape()};
      continue;
    }
    if (nodes.empty()) throw FormatError("Model file: layer '" + name + "' takes from no layer.");
    check_room(*layer, shapes, header);
    const Shape output = layer->output_shape(shapes);
    known[name] = {model.add(std::move(layer), nodes), output};
  }
  std::vector<Node> outputs;
  for (const ReadJson& output : architecture.at("outputs")) outputs.push_back(find(output, "the list of outputs").first);
  model.set_outputs(outputs);
  return model;
}

}  // namespace

std::vector<std::byte> to_safetensors(const Model& model, StoredAs stored_as) {
  std::vector<Stored> tensors;
  for (std::int64_t i = 0; i < model.size(); ++i) {
    const Layer& layer = model.layer(i);
    for (const Parameter& parameter : layer.parameters()) {
      const std::string name = layer.name() + "/" + parameter.name;
      if (stored_as == StoredAs::int8 && parameter.value.shape().rank() > 1)
        store_int8(name, parameter.value, tensors);
      else
        tensors.push_back(stored_float(name, parameter.value));
    }
  }
  Json header = Json::object();
  header["__metadata__"] = {{"format", "neurona"}, {std::string(kArchitecture), architecture_of(model).dump(-1, ' ', false, Json::error_handler_t::replace)}};
  for (const auto& [key, value] : model.metadata()) {
    if (is_reserved(key)) throw ValueError("Model metadata: the key '" + key + "' belongs to the file format; choose another one.");
    header["__metadata__"][key] = value;
  }
  std::size_t offset = 0;
  for (const Stored& tensor : tensors) {
    header[tensor.name] = {{"dtype", tensor.dtype},
                           {"shape", std::vector<std::int64_t>(tensor.shape.begin(), tensor.shape.end())},
                           {"data_offsets", {offset, offset + tensor.bytes.size()}}};
    offset += tensor.bytes.size();
  }
  std::string text = header.dump(-1, ' ', false, Json::error_handler_t::replace);  // metadata need not be UTF-8
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const std::uint64_t length = text.size();
  std::vector<std::byte> bytes(kLengthBytes + text.size());
  std::memcpy(bytes.data(), &length, kLengthBytes);
  std::memcpy(bytes.data() + kLengthBytes, text.data(), text.size());
  for (const Stored& tensor : tensors) bytes.insert(bytes.end(), tensor.bytes.begin(), tensor.bytes.end());
  return bytes;
}

Model from_safetensors(std::span<const std::byte> bytes) {
  const Header header = read_header(bytes);
  const ReadJson architecture = read_architecture(header);
  try {
    const bool functional = architecture.value("class", "Sequential") == "Functional";
    Model model = functional ? read_functional(architecture, header) : read_sequential(architecture, header);
    for (auto& [name, parameter] : model.named_parameters()) read_parameter(header, name, parameter->value);
    check_end(header);
    CompileOptions options;
    if (architecture.contains("loss")) options.loss = make_loss(architecture["loss"].get<std::string>());
    if (architecture.contains("metrics"))
      for (const ReadJson& metric : architecture["metrics"]) options.metrics.push_back(make_metric(metric.get<std::string>()));
    model.compile(std::move(options));
    for (const auto& [key, value] : header.json["__metadata__"].items())
      if (!is_reserved(key) && value.is_string()) model.metadata()[key] = value.get<std::string>();
    return model;
  } catch (const ReadJson::exception& e) {
    throw FormatError(std::string("Model file: its architecture is described wrongly: ") + e.what());
  } catch (const ShapeError& e) {
    throw FormatError(std::string("Model file: its layers do not fit together: ") + e.what());
  } catch (const ValueError& e) {
    throw FormatError(std::string("Model file: ") + e.what());
  }
}

}  // namespace neurona
