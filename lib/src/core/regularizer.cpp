#include "neurona/regularizer.hpp"

#include <cmath>
#include <string>

#include "neurona/error.hpp"

namespace neurona {

void check_regularizer(const Regularizer& regularizer, std::string_view label, std::string_view option) {
  for (const auto& [name, factor] : {std::pair{"l1", regularizer.l1}, {"l2", regularizer.l2}})
    if (!std::isfinite(factor) || factor < 0.0)
      throw ValueError(std::string(label) + ": " + std::string(option) + " has " + name + " = " +
                       std::to_string(factor) + "; it must be finite and 0 or more.");
}

}  // namespace neurona
