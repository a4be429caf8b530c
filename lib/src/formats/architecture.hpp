// A network's layers as JSON, and back.
#pragma once

#include <cstdint>

#include "formats/architecture_text.hpp"
#include "formats/container.hpp"
#include "neurona/model.hpp"

namespace neurona::detail {

/// The model that the JSON describes, with initial weights and not compiled. A weight takes a byte of the
/// file or more: what needs more than `room_bytes` is refused before memory is taken for it. Errors:
/// FormatError, ShapeError, ValueError, ReadJson::exception.
Model model_of(const ReadJson& architecture, std::uint64_t room_bytes);

}  // namespace neurona::detail
