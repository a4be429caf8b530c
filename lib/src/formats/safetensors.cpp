// A network as a safetensors file: its weights, and in the header its layers and its optimizer.
#include <algorithm>
#include <cctype>
#include <cmath>
#include <map>
#include <string>
#include <utility>

#include "formats/architecture.hpp"
#include "formats/container.hpp"
#include "formats/model_file.hpp"
#include "neurona/error.hpp"
#include "neurona/formats.hpp"

namespace neurona {

namespace detail {

namespace {

constexpr std::string_view kOptimizerKey = "neurona.optimizer", kUnknownOptimizerKey = "neurona.optimizer.unknown";
constexpr std::string_view kScaleSuffix = ".scale";
constexpr float kInt8Largest = 127.0f;

std::string slot_name(std::size_t i) { return std::string(kOptimizerKey) + "/" + std::to_string(i); }

// kernel (..., F) -> integers in [-127, 127] with a scale for each of the F columns
void store_int8(const std::string& name, const Tensor& tensor, std::vector<StoredTensor>& out) {
  const std::int64_t F = tensor.shape().back(), rows = tensor.elements() / F;
  Tensor scales({F});
  for (std::int64_t i = 0; i < tensor.elements(); ++i) {
    float& scale = scales.values()[static_cast<std::size_t>(i % F)];
    scale = std::max(scale, static_cast<float>(std::abs(tensor.at(i))) / kInt8Largest);
  }
  StoredTensor stored{.name = name, .dtype = "I8", .shape = tensor.shape(), .own = std::vector<std::byte>(static_cast<std::size_t>(rows * F))};
  for (std::int64_t i = 0; i < rows * F; ++i) {
    const float scale = scales.values()[static_cast<std::size_t>(i % F)];
    const auto level = scale > 0.0f ? std::lround(tensor.at(i) / static_cast<double>(scale)) : 0;
    stored.own[static_cast<std::size_t>(i)] = static_cast<std::byte>(static_cast<std::int8_t>(level));
  }
  out.push_back(std::move(stored));
  const auto bytes = std::as_bytes(std::span(std::as_const(scales).values()));
  out.push_back({.name = name + std::string(kScaleSuffix), .dtype = "F32", .shape = scales.shape(), .own = {bytes.begin(), bytes.end()}});
}

void check_finite(const std::string& name, const Tensor& value) {
  if (is_finite(value.view())) return;
  for (std::int64_t i = 0; i < value.elements(); ++i)
    if (!std::isfinite(value.at(i)))
      throw FormatError("Model file: '" + name + "' holds a value that is not finite, at element " + std::to_string(i) + ". The file is damaged.");
}

void read_parameter(const Container& file, const std::string& name, Tensor& value) {
  const Container::Element element = file.find(name);
  if (element.dtype == "I8" && name.ends_with(kScaleSuffix))
    throw FormatError("Model file: '" + name + "' has type " + element.dtype + "; scales are F32.");
  if (!(element.shape == value.shape()))
    throw FormatError("Model file: '" + name + "' has shape " + element.shape.to_string() + ", the network needs " +
                      value.shape().to_string() + ".");
  if (element.dtype == "F32" && value.dtype() == DType::float32) {
    file.read(element, std::as_writable_bytes(value.values()));
  } else if (element.dtype != "I8") {
    const Tensor exact = file.read_tensor(name);
    copy(exact.view(), value.view());
  } else {
    std::vector<std::byte> levels(static_cast<std::size_t>(element.size_bytes));
    file.read(element, levels);
    Tensor scales({element.shape.back()});
    read_parameter(file, name + std::string(kScaleSuffix), scales);
    for (std::int64_t i = 0; i < value.elements(); ++i)
      value.set(i, static_cast<double>(static_cast<std::int8_t>(levels[static_cast<std::size_t>(i)])) *
                       static_cast<double>(scales.values()[static_cast<std::size_t>(i % element.shape.back())]));
  }
  check_finite(name, value);
}

Tensor as_float(Tensor tensor) {
  if (tensor.dtype() == DType::float32) return tensor;
  Tensor converted(tensor.shape());
  copy(std::as_const(tensor).view(), converted.view());
  return converted;
}

// The optimizer that the file has, with its state; plain SGD where it has none.
Handle<Optimizer> made_again(const Container& file) {
  std::optional<StoredOptimizer> stored = read_optimizer(file, false);
  if (!stored) return SGD();
  const Handle<Optimizer> optimizer = optimizer_from_config(stored->name, stored->config);
  for (Tensor& slot : stored->state.slots) slot = as_float(std::move(slot));
  optimizer->set_state(std::move(stored->state));
  return optimizer;
}

}  // namespace

bool is_reserved(std::string_view metadata_key) {
  return metadata_key == kArchitectureKey || metadata_key == "format" || metadata_key == kOptimizerKey || metadata_key == kUnknownOptimizerKey ||
         metadata_key == kSnapshotKey;
}

std::int64_t read_count(const ReadJson& json, const char* what, std::int64_t low, std::int64_t high) {
  const auto value = json.is_number_integer() ? json.get<std::int64_t>() : low - 1;
  if (value < low || value > high)
    throw FormatError("Model file: " + std::string(what) + " is " + json.dump() + "; a whole number from " + std::to_string(low) + " to " +
                      std::to_string(high) + " is needed. The file is damaged.");
  return value;
}

Json metadata_with(const std::string& architecture, const std::map<std::string, std::string>& texts) {
  Json metadata = {{"format", "neurona"}, {std::string(kArchitectureKey), architecture}};
  for (const auto& [key, value] : texts) {
    if (is_reserved(key)) throw ValueError("Model metadata: the key '" + key + "' belongs to the file format; choose another one.");
    metadata[key] = value;
  }
  return metadata;
}

std::map<std::string, std::string> texts_of(const Container& file) {
  std::map<std::string, std::string> texts;
  for (const auto& [key, value] : file.metadata().items())
    if (!is_reserved(key) && value.is_string()) texts[key] = value.get<std::string>();
  return texts;
}

bool can_be_made_again(const Optimizer& optimizer) {
  std::string lower(optimizer.name());
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const std::vector<std::string> known = optimizer_names();
  return !optimizer.config().values().empty() && std::find(known.begin(), known.end(), lower) != known.end();
}

void add_optimizer(const std::string& name, const Config& config, const OptimizerState& state, bool exactly, Json& metadata,
                   std::vector<StoredTensor>& tensors) {
  const Json described = {{"name", name},
                          {"config", to_json(config)},
                          {"learning_rate", state.learning_rate},
                          {"iterations", state.iterations},
                          {"slots", state.slots.size()}};
  const std::string_view key = config.values().empty() ? kUnknownOptimizerKey : kOptimizerKey;
  metadata[std::string(key)] = described.dump(-1, ' ', false, Json::error_handler_t::replace);
  for (std::size_t i = 0; i < state.slots.size(); ++i)
    tensors.push_back(exactly ? stored_exactly(slot_name(i), state.slots[i]) : stored_as_float(slot_name(i), state.slots[i]));
}

std::optional<StoredOptimizer> read_optimizer(const Container& file, bool also_unknown) {
  const bool is_known = file.metadata().contains(kOptimizerKey);
  if (!is_known && !(also_unknown && file.metadata().contains(kUnknownOptimizerKey))) return std::nullopt;
  const ReadJson json = file.metadata_object(is_known ? kOptimizerKey : kUnknownOptimizerKey);
  StoredOptimizer stored{.name = json.at("name").get<std::string>(), .config = to_config(json.at("config")), .state = {}};
  stored.state.learning_rate = json.at("learning_rate").get<double>();
  stored.state.iterations = read_count(json.at("iterations"), "the optimizer's number of iterations");
  const std::int64_t slots = read_count(json.at("slots"), "the optimizer's number of slots");
  for (std::int64_t i = 0; i < slots; ++i) stored.state.slots.push_back(file.read_tensor(slot_name(static_cast<std::size_t>(i))));
  return stored;
}

void write_model(const Model& model, const SaveOptions& options, const Sink& sink) {
  std::vector<StoredTensor> tensors;
  for (std::int64_t i = 0; i < model.size(); ++i) {
    const Layer& layer = model.layer(i);
    for (const Parameter& parameter : layer.parameters()) {
      const std::string name = layer.name() + "/" + parameter.name;
      if (options.stored_as == StoredAs::int8 && parameter.value.shape().rank() > 1)
        store_int8(name, parameter.value, tensors);
      else
        tensors.push_back(stored_as_float(name, parameter.value));
    }
  }
  const CompileOptions* compiled = model.compiled() ? &model.compile_options() : nullptr;
  Json metadata = metadata_with(architecture_text(model, compiled), model.metadata());
  OptimizerState state;
  const bool has_optimizer = options.include_optimizer && options.stored_as == StoredAs::float32 && compiled != nullptr &&
                             can_be_made_again(*compiled->optimizer);
  if (has_optimizer) {
    state = compiled->optimizer->state();
    add_optimizer(std::string(compiled->optimizer->name()), compiled->optimizer->config(), state, false, metadata, tensors);
  }
  write_container(metadata, tensors, sink);
}

Model read_model(const Container& file) {
  if (!file.metadata().contains(kArchitectureKey) || !file.metadata().at(std::string(kArchitectureKey)).is_string())
    throw FormatError("Model file: a safetensors file without '" + std::string(kArchitectureKey) +
                      "' in its metadata; this program did not write it, and the network's layers are not known.");
  const ReadJson architecture = file.metadata_object(kArchitectureKey);
  try {
    Model model = model_of(architecture, file.data_size());
    for (auto& [name, parameter] : model.named_parameters()) read_parameter(file, name, parameter->value);
    file.check_end();
    CompileOptions options{.optimizer = made_again(file)};
    if (architecture.contains("loss")) options.loss = make_loss(architecture["loss"].get<std::string>());
    if (architecture.contains("metrics"))
      for (const ReadJson& metric : architecture["metrics"]) options.metrics.push_back(make_metric(metric.get<std::string>()));
    model.compile(std::move(options));
    model.metadata() = texts_of(file);
    return model;
  } catch (const ReadJson::exception& e) {
    throw FormatError(std::string("Model file: its architecture is described wrongly: ") + e.what());
  } catch (const ShapeError& e) {
    throw FormatError(std::string("Model file: its layers do not fit together: ") + e.what());
  } catch (const ValueError& e) {
    throw FormatError(std::string("Model file: ") + e.what());
  }
}

}  // namespace detail

std::vector<std::byte> to_safetensors(const Model& model, SaveOptions options) {
  std::vector<std::byte> bytes;
  detail::write_model(model, options, [&](std::span<const std::byte> part) { bytes.insert(bytes.end(), part.begin(), part.end()); });
  return bytes;
}

Model from_safetensors(std::span<const std::byte> bytes) { return detail::read_model(detail::Container(detail::in_memory(bytes))); }

}  // namespace neurona
