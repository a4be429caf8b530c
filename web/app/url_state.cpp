#include "url_state.hpp"

#include <algorithm>

namespace neurona::app {
namespace {

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if ((c | 32) >= 'a' && (c | 32) <= 'f') return (c | 32) - 'a' + 10;
  return -1;
}

std::string decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0) {
      out += char(hex(text[i + 1]) * 16 + hex(text[i + 2]));
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

std::string encode(std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '-' ||
                       c == '_' || c == '.' || c == ',' || c == '~';
    if (plain)
      out += c;
    else
      out += {'%', kHex[(c >> 4) & 15], kHex[c & 15]};
  }
  return out;
}

}  // namespace

UrlState parse_fragment(std::string_view fragment) {
  if (!fragment.empty() && fragment[0] == '#') fragment.remove_prefix(1);
  UrlState state;
  while (!fragment.empty()) {
    const std::size_t end = std::min(fragment.find('&'), fragment.size());
    const std::string_view part = fragment.substr(0, end);
    if (const std::size_t equals = part.find('='); equals != std::string_view::npos && equals > 0)
      state.emplace_back(decode(part.substr(0, equals)), decode(part.substr(equals + 1)));
    fragment.remove_prefix(std::min(fragment.size(), end + 1));
  }
  return state;
}

std::string format_fragment(const UrlState& state) {
  std::string out;
  for (const auto& [name, value] : state) {
    if (!out.empty()) out += '&';
    out += encode(name) + "=" + encode(value);
  }
  return out;
}

std::string_view value_of(const UrlState& state, std::string_view name) {
  for (const auto& [key, value] : state)
    if (key == name) return value;
  return {};
}

}  // namespace neurona::app
