// A small part of Python's str.format: what names of checkpoint files need.
#include <algorithm>
#include <cctype>
#include <cstdio>
#include <variant>

#include "callbacks/format_pattern.hpp"
#include "core/number_text.hpp"
#include "neurona/callback.hpp"
#include "neurona/error.hpp"

namespace neurona {

namespace {

using Value = std::variant<std::int64_t, double>;

struct Format {
  bool zeros = false;  // fill with zeros
  int width = 0;
  int digits = -1;  // behind the point
  char type = 0;    // 'd', 'f', 'e', or 0: as short as it can be read back
};

ValueError unreadable(std::string_view pattern, const std::string& what) {
  return ValueError("'" + std::string(pattern) + "' cannot be read as a pattern: " + what +
                    ".\n  Write {name} or {name:format} with a format such as 02d or .4f, and {{ or }} for a bracket.");
}

// One or two decimal digits from the front of `text`, or -1.
int take_number(std::string_view& text) {
  int number = -1;
  for (int count = 0; count < 2 && !text.empty() && std::isdigit(static_cast<unsigned char>(text.front())); ++count) {
    number = std::max(number, 0) * 10 + (text.front() - '0');
    text.remove_prefix(1);
  }
  return number;
}

Format read_format(std::string_view text, std::string_view pattern) {
  const std::string whole(text);
  Format format;
  if (text.starts_with('0')) {
    format.zeros = true;
    text.remove_prefix(1);
  }
  format.width = std::max(take_number(text), 0);
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    format.digits = take_number(text);
    if (format.digits < 0) throw unreadable(pattern, "the format '" + whole + "' has no number behind its point");
  }
  if (text == "d" || text == "f" || text == "e")
    format.type = text.front();
  else if (!text.empty() || format.digits >= 0)
    throw unreadable(pattern, "the format '" + whole + "' does not end in d, f or e");
  if (format.type == 'd' && format.digits >= 0)
    throw unreadable(pattern, "the format '" + whole + "' has digits behind the point of a whole number");
  return format;
}

std::string write(const Value& value, const Format& format, std::string_view pattern) {
  const auto* whole = std::get_if<std::int64_t>(&value);
  std::string text;
  if (format.type == 'f' || format.type == 'e') {
    char buffer[512];  // the largest double has 309 digits before its point, and at most 99 are asked for behind it
    const double number = whole != nullptr ? static_cast<double>(*whole) : std::get<double>(value);
    std::snprintf(buffer, sizeof buffer, format.type == 'f' ? "%.*f" : "%.*e", format.digits < 0 ? 6 : format.digits,
                  number);
    text = buffer;
  } else if (whole != nullptr) {
    text = std::to_string(*whole);
  } else if (format.type == 'd') {
    throw unreadable(pattern, "d is for whole numbers, of which there is only epoch");
  } else {
    text = detail::shortest_text(std::get<double>(value));
  }
  const auto missing =
      static_cast<std::size_t>(format.width) - std::min(static_cast<std::size_t>(format.width), text.size());
  const std::size_t sign = format.zeros && text.starts_with('-') ? 1 : 0;
  return text.insert(sign, missing, format.zeros ? '0' : ' ');
}

// `value_of(name)` gives a Value.
template <class ValueOf>
std::string expand(std::string_view pattern, ValueOf value_of) {
  std::string text;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c != '{' && c != '}') {
      text += c;
    } else if (i + 1 < pattern.size() && pattern[i + 1] == c) {
      text += c;
      ++i;
    } else if (c == '}') {
      throw unreadable(pattern, "a } without its {");
    } else {
      const std::size_t end = pattern.find('}', i);
      if (end == std::string_view::npos) throw unreadable(pattern, "a { without its }");
      const std::string_view inside = pattern.substr(i + 1, end - i - 1);
      const std::size_t colon = std::min(inside.find(':'), inside.size());
      const std::string_view name = inside.substr(0, colon);
      if (name.empty()) throw unreadable(pattern, "brackets without a name");
      text += write(value_of(name), read_format(inside.substr(std::min(colon + 1, inside.size())), pattern), pattern);
      i = end;
    }
  }
  return text;
}

}  // namespace

std::string format_pattern(std::string_view pattern, std::int64_t epoch, const Logs& logs) {
  return expand(pattern, [&](std::string_view name) -> Value {
    if (name == "epoch") return epoch;
    if (const std::optional<double> value = find_log(logs, name)) return *value;
    std::string known = "epoch";
    for (const auto& [key, unused] : logs) known += ", " + key;
    throw ValueError("'" + std::string(pattern) + "' names '" + std::string(name) +
                     "', which this run does not have. It has: " + known + ".");
  });
}

void detail::check_pattern(std::string_view pattern) {
  expand(pattern, [](std::string_view name) -> Value { return name == "epoch" ? Value(std::int64_t{1}) : Value(1.0); });
}

}  // namespace neurona
