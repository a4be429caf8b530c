// Numbers as text and back, whatever the program's locale.
#pragma once

#include <charconv>
#include <locale>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>

namespace neurona::detail {

/// The shortest text that is read back as the same number: "0.1", "1e-07", "nan".
inline std::string shortest_text(double value) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

/// Nothing unless the whole text is one number. (std::from_chars for double is missing in older libc++.)
inline std::optional<double> number_from(std::string_view text) {
  std::istringstream stream{std::string(text)};
  stream.imbue(std::locale::classic());
  double value = 0.0;
  if (!(stream >> std::noskipws >> value) || stream.peek() != std::istringstream::traits_type::eof())
    return std::nullopt;
  return value;
}

}  // namespace neurona::detail
