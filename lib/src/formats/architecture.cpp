#include "formats/architecture.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "neurona/error.hpp"
#include "neurona/layers.hpp"

namespace neurona::detail {

namespace {

// Inputs beyond this are no network of this library; it keeps the products below from overflowing.
constexpr std::int64_t kMaxInputs = std::int64_t{1} << 30;

std::unique_ptr<Layer> read_layer(const ReadJson& json) {
  std::unique_ptr<Layer> layer = make_layer(json.at("type").get<std::string>(), to_config(json.at("config")));
  layer->set_name(json.at("name").get<std::string>());
  if (json.contains("trainable")) layer->set_trainable(json["trainable"].get<bool>());
  return layer;
}

// What the weights of all layers together may take.
class Room {
 public:
  explicit Room(std::uint64_t bytes) : bytes_(bytes) {}

  void take(const Layer& layer, const std::vector<Shape>& inputs) {
    const auto refuse = [&](const Shape& in) {
      return FormatError("Model file: layer '" + layer.name() + "' on inputs of shape " + in.to_string() +
                         " needs more weights than the file's " + std::to_string(bytes_) + " bytes hold.");
    };
    for (const Shape& in : inputs)
      if (in.elements() > kMaxInputs) throw refuse(in);
    if (layer.output_shape(inputs).elements() > kMaxInputs)
      throw refuse(inputs.empty() ? Shape() : inputs[0]);
    std::uint64_t weights = 0;
    for (const ParameterSpec& spec : layer.parameter_specs(inputs))
      weights += static_cast<std::uint64_t>(spec.shape.elements());
    if (weights > bytes_ - taken_) throw refuse(inputs.empty() ? Shape() : inputs[0]);
    taken_ += weights;
  }

 private:
  std::uint64_t bytes_, taken_ = 0;
};

Model read_sequential(const ReadJson& architecture, Room room) {
  Sequential model({.name = architecture.at("name").get<std::string>()});
  for (const ReadJson& json : architecture.at("layers")) {
    std::unique_ptr<Layer> layer = read_layer(json);
    if (model.size() > 0)
      room.take(*layer, {model.output_shape()});
    else if (layer->input_shape() != nullptr)
      room.take(*layer, {*layer->input_shape()});
    model.add(std::move(layer));
  }
  return model;
}

// Layers stand behind those that they take from, so no cycle can be written down.
Model read_functional(const ReadJson& architecture, Room room) {
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
      room.take(*layer, {});
      known[name] = {model.input(*layer->input_shape(), name), *layer->input_shape()};
      continue;
    }
    if (nodes.empty()) throw FormatError("Model file: layer '" + name + "' takes from no layer.");
    room.take(*layer, shapes);
    const Shape output = layer->output_shape(shapes);
    known[name] = {model.add(std::move(layer), nodes), output};
  }
  std::vector<Node> outputs;
  for (const ReadJson& output : architecture.at("outputs"))
    outputs.push_back(find(output, "the list of outputs").first);
  model.set_outputs(outputs);
  return model;
}

// The first entry in which two objects differ, as "units 12 in the snapshot, 13 here"; empty where there is
// none.
std::string object_difference(const ReadJson& a, const std::string& first, const ReadJson& b,
                              const std::string& second) {
  const auto text_of = [](const ReadJson& object, const std::string& key) {
    return object.contains(key) ? object[key].dump() : "missing";
  };
  ReadJson keys = a;
  keys.update(b);
  for (const auto& [key, unused] : keys.items())
    if (const std::string x = text_of(a, key), y = text_of(b, key); x != y)
      return key + " " + x + " " + first + ", " + y + " " + second;
  return "";
}

// As architecture_difference.
std::string difference_of(ReadJson x, const std::string& first, ReadJson y, const std::string& second) {
  const ReadJson x_layers = x.at("layers"), y_layers = y.at("layers");
  if (x_layers.size() != y_layers.size())
    return "the network has " + std::to_string(x_layers.size()) + " layers " + first + ", " +
           std::to_string(y_layers.size()) + " " + second;
  for (std::size_t i = 0; i < x_layers.size(); ++i) {
    const ReadJson &u = x_layers.at(i), &v = y_layers.at(i);
    if (u == v) continue;
    const std::string layer = "layer " + std::to_string(i) + ", " + u.at("type").get<std::string>() + " '" +
                              u.at("name").get<std::string>() + "': ";
    if (u.at("type") != v.at("type"))
      return layer + "type " + u.at("type").dump() + " " + first + ", " + v.at("type").dump() + " " + second;
    if (const std::string option = object_difference(u.at("config"), first, v.at("config"), second);
        !option.empty())
      return layer + option;
    return layer + object_difference(u, first, v, second);
  }
  for (ReadJson* json : {&x, &y}) {
    json->erase("name");
    json->erase("layers");
  }
  const std::string rest = object_difference(x, first, y, second);
  return rest.empty() ? "" : "the network: " + rest;
}

Json architecture_of(const Model& model, const CompileOptions* compiled) {
  Json layers = Json::array();
  for (std::int64_t i = 0; i < model.size(); ++i) {
    const Layer& layer = model.layer(i);
    Json config = to_json(layer.config());
    if (model.is_sequential() && i == 0 && !config.contains("input_shape"))
      config["input_shape"] =
          std::vector<std::int64_t>(model.input_shape().begin(), model.input_shape().end());
    Json described = {{"type", layer.type()}, {"name", layer.name()}, {"config", std::move(config)}};
    if (!layer.trainable()) described["trainable"] = false;
    if (!model.is_sequential()) {
      described["inputs"] = Json::array();
      for (const std::int64_t input : model.layer_inputs(i))
        described["inputs"].push_back(model.layer(input).name());
    }
    layers.push_back(std::move(described));
  }
  Json json = {{"class", model.is_sequential() ? "Sequential" : "Functional"},
               {"name", model.name()},
               {"layers", std::move(layers)}};
  if (!model.is_sequential()) {
    json["outputs"] = Json::array();
    for (const std::int64_t output : model.output_layers())
      json["outputs"].push_back(model.layer(output).name());
  }
  if (compiled != nullptr) {
    json["loss"] = compiled->loss->name();
    json["metrics"] = Json::array();
    for (const auto& metric : compiled->metrics) json["metrics"].push_back(metric->name());
  }
  return json;
}

}  // namespace

std::string architecture_text(const Model& model, const CompileOptions* compiled) {
  return architecture_of(model, compiled).dump(-1, ' ', false, Json::error_handler_t::replace);
}

Model model_of(const ReadJson& architecture, std::uint64_t room_bytes) {
  const bool functional = architecture.value("class", "Sequential") == "Functional";
  return functional ? read_functional(architecture, Room(room_bytes))
                    : read_sequential(architecture, Room(room_bytes));
}

std::string architecture_difference(const std::string& a, const std::string& first, const std::string& b,
                                    const std::string& second) {
  if (a == b) return "";
  try {
    return difference_of(parse_json(a), first, parse_json(b), second);
  } catch (const ReadJson::exception&) {
    return "the network is described wrongly " + first + " or " + second;
  }
}

}  // namespace neurona::detail
