#include "core/names.hpp"
#include "neurona/loss.hpp"

namespace neurona {

namespace {

using Factory = Handle<Loss> (*)();

constexpr std::pair<Factory, std::string_view> kLosses[] = {
    {[]() -> Handle<Loss> { return SparseCategoricalCrossentropy(); }, "sparse_categorical_crossentropy"},
    {[]() -> Handle<Loss> { return CategoricalCrossentropy(); }, "categorical_crossentropy"},
    {[]() -> Handle<Loss> { return BinaryCrossentropy(); }, "binary_crossentropy"},
    {[]() -> Handle<Loss> { return MeanSquaredError(); }, "mean_squared_error"},
    {[]() -> Handle<Loss> { return MeanAbsoluteError(); }, "mean_absolute_error"},
};

}  // namespace

void Loss::explain_gradient(Terms& terms, Element, bool, const Targets&) const {
  terms.combine(Combine::given);
}

Handle<Loss> make_loss(std::string_view name) { return detail::value_of(kLosses, name, "loss")(); }

std::vector<std::string> loss_names() {
  std::vector<std::string> names;
  for (const auto& [factory, name] : kLosses) names.emplace_back(name);
  return names;
}

}  // namespace neurona
