#include "train/penalties.hpp"

#include <utility>

#include "backend/backend.hpp"

namespace neurona {

double penalty(Backend& backend, std::span<Parameter* const> parameters) {
  double sum = 0.0;
  for (const Parameter* parameter : parameters)
    if (parameter->trainable && parameter->regularizer)
      sum += backend.penalty(parameter->regularizer, parameter->value.view(), {});
  return sum;
}

void add_penalty_gradients(Backend& backend, std::span<Parameter* const> parameters,
                           std::span<const TensorView> gradients) {
  for (std::size_t i = 0; i < parameters.size(); ++i)
    if (parameters[i]->trainable && parameters[i]->regularizer && gradients[i])
      backend.penalty(parameters[i]->regularizer, std::as_const(parameters[i]->value).view(), gradients[i]);
}

}  // namespace neurona
