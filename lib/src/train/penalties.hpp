// What a model's regularisers add to its loss.
#pragma once

#include <span>

#include "neurona/layer.hpp"

namespace neurona {

/// Sum of the penalties of those parameters that are trainable and have a regulariser, as Keras counts them.
double penalty(Backend& backend, std::span<Parameter* const> parameters);
/// Adds each penalty's gradient to the parameter's own. Entries of `gradients` without data are passed over.
void add_penalty_gradients(Backend& backend, std::span<Parameter* const> parameters,
                           std::span<const TensorView> gradients);

}  // namespace neurona
