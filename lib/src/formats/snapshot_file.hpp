// A run's snapshot in a container.
#pragma once

#include "formats/container.hpp"
#include "neurona/train.hpp"

namespace neurona::detail {

/// Errors: ValueError for an empty snapshot; what the sink throws.
void write_snapshot(const Snapshot& snapshot, const Sink& sink);
/// Errors: FormatError.
Snapshot read_snapshot(const Container& file);

}  // namespace neurona::detail
