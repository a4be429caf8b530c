// The activation that ends a layer. Most are fused into the operation before; those that differentiate by their input
// (differentiates_by_input) keep it on the tape.
#pragma once

#include "backend/backend.hpp"
#include "neurona/layer.hpp"

namespace neurona::detail {

/// Bytes of tape for outputs of this shape (of one sample).
inline std::int64_t epilogue_bytes(Activation activation, const Shape& output, std::int64_t batch, DType dtype) {
  if (!differentiates_by_input(activation)) return 0;
  return output.elements() * batch * static_cast<std::int64_t>(size_of(dtype));
}

inline bool keeps_input(Activation activation, std::span<const std::byte> tape) {
  return differentiates_by_input(activation) && !tape.empty();
}

/// What the operation itself is to apply.
inline Activation fused_activation(Activation activation, const ForwardPass& pass) {
  return pass.logits || keeps_input(activation, pass.tape) ? Activation::linear : activation;
}

/// Behind the operation: what was not fused.
inline void finish_activation(Activation activation, const ForwardPass& pass) {
  if (pass.logits || !keeps_input(activation, pass.tape)) return;
  copy(pass.output, {pass.tape.data(), pass.output.shape, pass.output.dtype});
  pass.backend.activation_forward(activation, pass.output, pass.output);
}

/// Turns dLoss/dOutput, in place, into dLoss/dz, z being what the activation was applied to.
inline void undo_activation(Activation activation, const BackwardPass& pass) {
  if (pass.logits) return;
  const ConstTensorView kept = keeps_input(activation, pass.tape)
                                   ? ConstTensorView(pass.tape.data(), pass.output.shape, pass.output.dtype)
                                   : pass.output;
  pass.backend.activation_backward(activation, kept, pass.output_gradient, pass.output_gradient);
}

}  // namespace neurona::detail
