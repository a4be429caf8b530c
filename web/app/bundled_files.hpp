#pragma once

#include <string_view>

namespace neurona::app {

/// What a page would fetch, as a part of the program, for hosts without a server: the bytes of "lessons/train.json",
/// "fonts/math.ttf"; "" for another path.
std::string_view bundled_file(std::string_view path);

}  // namespace neurona::app
