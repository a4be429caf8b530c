#pragma once

#include <string_view>

namespace neurona::detail {

/// What can be known of a pattern for format_pattern before there are logs. Errors: ValueError.
void check_pattern(std::string_view pattern);

}  // namespace neurona::detail
