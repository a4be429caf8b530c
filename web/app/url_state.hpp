#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace neurona::app {

/// Name and value, in order: "lesson=train&step=2&lang=es".
using UrlState = std::vector<std::pair<std::string, std::string>>;

/// Reads a fragment (with or without '#'); percent-decodes; ignores what is malformed.
UrlState parse_fragment(std::string_view fragment);
/// Writes it, percent-encoding what needs it.
std::string format_fragment(const UrlState& state);
/// The value of that name, or "".
std::string_view value_of(const UrlState& state, std::string_view name);

}  // namespace neurona::app
