#pragma once

#include <string_view>

namespace neurona::app {

/// The lessons' texts as a part of the program, for hosts without a server: the file that a page would fetch from `path`
/// ("lessons/train.json"), "" for another path.
std::string_view bundled_text(std::string_view path);

}  // namespace neurona::app
