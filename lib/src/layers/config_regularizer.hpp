// Regularisers inside a layer's Config: "kernel_regularizer_l1", "kernel_regularizer_l2", there when not 0.
#pragma once

#include <string>

#include "neurona/config.hpp"
#include "neurona/regularizer.hpp"

namespace neurona::detail {

/// `option` is "kernel_regularizer" or the like.
inline void put_regularizer(Config& config, const std::string& option, const Regularizer& regularizer) {
  if (regularizer.l1 != 0.0) config.set(option + "_l1", regularizer.l1);
  if (regularizer.l2 != 0.0) config.set(option + "_l2", regularizer.l2);
}

inline Regularizer get_regularizer(const Config& config, const std::string& option) {
  const auto factor = [&](const std::string& key) { return config.has(key) ? config.number(key) : 0.0; };
  return {factor(option + "_l1"), factor(option + "_l2")};
}

}  // namespace neurona::detail
