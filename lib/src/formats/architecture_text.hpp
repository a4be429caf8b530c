// A network's layers as a text, for those who need not look into it.
#pragma once

#include <string>

#include "neurona/model.hpp"

namespace neurona::detail {

/// JSON of the layers, and of what the network is trained with (nullptr: it is not compiled).
std::string architecture_text(const Model& model, const CompileOptions* compiled);

/// Which layer (or loss, or metric) differs, in words; empty where the two texts describe the same network.
/// Names of models do not count. `first` and `second` name the two: "in the snapshot", "here".
std::string architecture_difference(const std::string& a, const std::string& first, const std::string& b,
                                    const std::string& second);

}  // namespace neurona::detail
