// Looking up enumerators by their Keras names.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "neurona/error.hpp"

namespace neurona::detail {

template <class Enum, std::size_t Count>
std::string_view name_of(const std::pair<Enum, std::string_view> (&table)[Count], Enum value) {
  for (const auto& [entry, name] : table)
    if (entry == value) return name;
  return "?";
}

/// Errors: ValueError "Unknown activation 'rellu'. Known: linear, sigmoid, ...".
template <class Enum, std::size_t Count>
Enum value_of(const std::pair<Enum, std::string_view> (&table)[Count], std::string_view name, std::string_view what) {
  std::string known;
  for (const auto& [entry, entry_name] : table) {
    if (entry_name == name) return entry;
    known += (known.empty() ? "" : ", ") + std::string(entry_name);
  }
  throw ValueError("Unknown " + std::string(what) + " '" + std::string(name) + "'. Known: " + known + ".");
}

}  // namespace neurona::detail
