// What a file is by its first bytes, for messages.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace neurona::detail {

/// "a PNG image", "a web page (HTML)", "a ZIP archive"; empty when it is none of those that people give for a model or for data by
/// mistake. 512 bytes are enough.
std::string file_kind(std::span<const std::byte> first_bytes);

}  // namespace neurona::detail
