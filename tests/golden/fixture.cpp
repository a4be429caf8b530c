#include "golden/fixture.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "neurona/layers.hpp"

namespace neurona::test {

namespace {

using nlohmann::json;

template <class T>
std::vector<double> read(const char* bytes, std::size_t size) {
  std::vector<T> elements(size / sizeof(T));
  std::memcpy(elements.data(), bytes, size);
  return {elements.begin(), elements.end()};
}

ConfigValue to_config_value(const json& value) {
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_number_integer()) return value.get<std::int64_t>();
  if (value.is_number()) return value.get<double>();
  if (value.is_array()) return value.get<std::vector<std::int64_t>>();
  return value.get<std::string>();
}

Handle<Optimizer> to_optimizer(const json& spec) {
  if (!spec.contains("optimizer"))
    return SGD({.learning_rate = spec.at("learning_rate"),
                .momentum = spec.at("momentum"),
                .nesterov = spec.at("nesterov")});
  const json& options = spec.at("optimizer");
  const std::string type = options.at("type");
  if (type == "rmsprop")
    return RMSprop({.learning_rate = options.at("learning_rate"),
                    .rho = options.at("rho"),
                    .momentum = options.at("momentum"),
                    .epsilon = options.at("epsilon"),
                    .centered = options.at("centered")});
  if (type == "adam")
    return Adam({.learning_rate = options.at("learning_rate"),
                 .beta_1 = options.at("beta_1"),
                 .beta_2 = options.at("beta_2"),
                 .epsilon = options.at("epsilon")});
  if (type == "adamw")
    return AdamW({.learning_rate = options.at("learning_rate"),
                  .weight_decay = options.at("weight_decay"),
                  .beta_1 = options.at("beta_1"),
                  .beta_2 = options.at("beta_2"),
                  .epsilon = options.at("epsilon")});
  throw std::runtime_error("no optimizer '" + type + "'");
}

std::vector<std::uint8_t> to_bytes(const std::vector<double>& values) {
  std::vector<std::uint8_t> bytes(values.size());
  std::transform(values.begin(), values.end(), bytes.begin(),
                 [](double v) { return static_cast<std::uint8_t>(v); });
  return bytes;
}

}  // namespace

Shape to_shape(const json& extents) {
  Shape shape;
  for (const json& extent : extents) shape = shape.with_trailing(extent.get<std::int64_t>());
  return shape;
}

std::unique_ptr<Layer> make_layer(const json& spec, const Shape& input_shape) {
  Config config;
  for (const auto& [key, value] : spec.at("config").items()) config.set(key, to_config_value(value));
  if (input_shape.rank() > 0) {
    std::vector<std::int64_t> extents;
    for (int axis = 0; axis < input_shape.rank(); ++axis) extents.push_back(input_shape[axis]);
    config.set("input_shape", extents);
  }
  std::unique_ptr<Layer> layer = neurona::make_layer(spec.at("type").get<std::string>(), config);
  if (spec.contains("name")) layer->set_name(spec.at("name"));
  return layer;
}

Fixture::Fixture(const std::string& file) {
  std::ifstream stream(std::string(NEURONA_GOLDEN_FIXTURES) + "/" + file, std::ios::binary);
  if (!stream) throw std::runtime_error(file + " is not in " + NEURONA_GOLDEN_FIXTURES);
  data_.assign(std::istreambuf_iterator<char>(stream), {});
  std::uint64_t length = 0;
  if (data_.size() < sizeof length) throw std::runtime_error(file + " was cut short");
  std::memcpy(&length, data_.data(), sizeof length);
  if (length > data_.size() - sizeof length) throw std::runtime_error(file + " was cut short");
  const auto header_end = data_.begin() + static_cast<std::ptrdiff_t>(sizeof length + length);
  header_ = json::parse(data_.begin() + sizeof length, header_end);
  cases_ = json::parse(header_.at("__metadata__").at("cases").get<std::string>());
  data_.erase(data_.begin(), header_end);
}

Shape Fixture::shape(const std::string& name) const { return to_shape(header_.at(name).at("shape")); }

std::vector<double> Fixture::values(const std::string& name) const {
  if (!has(name)) throw std::runtime_error("the fixture has no '" + name + "'");
  const json& entry = header_.at(name);
  const std::size_t begin = entry.at("data_offsets")[0], end = entry.at("data_offsets")[1];
  if (begin > end || end > data_.size()) throw std::runtime_error("'" + name + "' was cut short");
  const auto as = [&]<class T>(T) { return read<T>(data_.data() + begin, end - begin); };
  const std::string dtype = entry.at("dtype");
  const std::vector<double> values = dtype == "U8"    ? as(std::uint8_t{})
                                     : dtype == "I8"  ? as(std::int8_t{})
                                     : dtype == "I32" ? as(std::int32_t{})
                                     : dtype == "F32" ? as(float{})
                                     : dtype == "F64" ? as(double{})
                                                      : std::vector<double>();
  if (static_cast<std::int64_t>(values.size()) != shape(name).elements())
    throw std::runtime_error("'" + name + "' is not what its shape says");
  return values;
}

Tensor Fixture::tensor(const std::string& name, double unit) const {
  const std::vector<double> elements = values(name);
  Tensor tensor(shape(name));
  for (std::size_t i = 0; i < elements.size(); ++i)
    tensor.set(static_cast<std::int64_t>(i), elements[i] * unit);
  return tensor;
}

Sequential make_model(const Fixture& fixture, const json& spec, const std::string& backend) {
  const Shape input_shape = to_shape(spec.at("input_shape"));
  Sequential model;
  model.set_backend(make_backend(backend));
  if (input_shape.rank() > 1) model.add(Flatten({.input_shape = input_shape}));
  for (const json& layer : spec.at("layers"))
    model.add(Dense({.units = layer.at("units"),
                     .activation = activation_from_string(layer.at("activation").get<std::string>()),
                     .use_bias = layer.at("use_bias"),
                     .input_shape = model.size() == 0 ? input_shape : Shape()}));
  const std::string name = spec.at("name");
  std::vector<Tensor> weights;
  for (const json& unit : spec.at("weight_units"))
    weights.push_back(fixture.tensor(name + "/weights/" + std::to_string(weights.size()), unit));
  model.set_weights(weights);
  model.compile({.loss = make_loss(spec.at("loss").get<std::string>()),
                 .optimizer = to_optimizer(spec),
                 .metrics = spec.at("loss") == "sparse_categorical_crossentropy"
                                ? std::vector<Handle<Metric>>{Accuracy()}
                                : std::vector<Handle<Metric>>()});
  return model;
}

Dataset make_dataset(const Fixture& fixture, const json& spec) {
  const std::string name = spec.at("name");
  if (spec.at("images").get<bool>()) {
    const Shape shape = fixture.shape(name + "/x");
    return Dataset(ImageSet{.height = static_cast<int>(shape[1]),
                            .width = static_cast<int>(shape[2]),
                            .pixels = to_bytes(fixture.values(name + "/x")),
                            .labels = to_bytes(fixture.values(name + "/labels"))});
  }
  const double unit = spec.at("input_unit");
  Tensor x = fixture.tensor(name + "/x", unit);
  if (fixture.has(name + "/targets")) return Dataset(std::move(x), fixture.tensor(name + "/targets", unit));
  const std::vector<double> labels = fixture.values(name + "/labels");
  return Dataset(std::move(x), std::vector<std::int32_t>(labels.begin(), labels.end()));
}

}  // namespace neurona::test
