#include "neurona/activation.hpp"

#include "core/names.hpp"

namespace neurona {

namespace {

constexpr std::pair<Activation, std::string_view> kNames[] = {
    {Activation::linear, "linear"},   {Activation::sigmoid, "sigmoid"}, {Activation::tanh, "tanh"},
    {Activation::relu, "relu"},       {Activation::elu, "elu"},         {Activation::leaky_relu, "leaky_relu"},
    {Activation::selu, "selu"},       {Activation::gelu, "gelu"},       {Activation::swish, "swish"},
    {Activation::softmax, "softmax"},
};

}  // namespace

std::string_view to_string(Activation activation) { return detail::name_of(kNames, activation); }

Activation activation_from_string(std::string_view name) { return detail::value_of(kNames, name, "activation"); }

}  // namespace neurona
