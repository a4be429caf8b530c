#include "neurona/layer.hpp"

#include "neurona/error.hpp"
#include "neurona/layers.hpp"

namespace neurona {

void Layer::build(std::span<const Shape>, DType, Rng&) {}

std::int64_t Layer::count_params() const {
  std::int64_t count = 0;
  for (const Parameter& parameter : parameters_) count += parameter.value.elements();
  return count;
}

std::string Layer::label() const { return std::string(type()) + (name_.empty() ? "" : " '" + name_ + "'"); }

namespace {

struct Entry {
  std::string_view type;
  std::unique_ptr<Layer> (*from_config)(const Config&);
};

constexpr Entry kLayers[] = {
#define NEURONA_LAYER(Type) {#Type, Type::from_config},
#include "layers/layers.def"
#undef NEURONA_LAYER
};

}  // namespace

std::unique_ptr<Layer> make_layer(std::string_view type, const Config& config) {
  std::string known;
  for (const Entry& entry : kLayers) {
    if (entry.type == type) return entry.from_config(config);
    known += (known.empty() ? "" : ", ") + std::string(entry.type);
  }
  throw ValueError("Unknown layer '" + std::string(type) + "'. Known: " + known + ".");
}

std::vector<std::string> layer_types() {
  std::vector<std::string> types;
  for (const Entry& entry : kLayers) types.emplace_back(entry.type);
  return types;
}

}  // namespace neurona
