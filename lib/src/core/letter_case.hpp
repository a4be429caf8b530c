// Small letters, of ASCII alone and whatever the program's locale.
#pragma once

#include <string>
#include <string_view>

namespace neurona::detail {

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

inline std::string lower(std::string_view text) {
  std::string all;
  for (const char c : text) all += lower(c);
  return all;
}

}  // namespace neurona::detail
