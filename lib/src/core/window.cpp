#include "neurona/window.hpp"

#include "core/names.hpp"

namespace neurona {

namespace {

constexpr std::pair<Padding, std::string_view> kNames[] = {{Padding::valid, "valid"}, {Padding::same, "same"}};

}  // namespace

std::string_view to_string(Padding padding) { return detail::name_of(kNames, padding); }

Padding padding_from_string(std::string_view name) { return detail::value_of(kNames, name, "padding"); }

}  // namespace neurona
