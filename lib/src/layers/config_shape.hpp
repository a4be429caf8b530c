// Shapes inside a layer's Config.
#pragma once

#include <vector>

#include "neurona/config.hpp"
#include "neurona/shape.hpp"

namespace neurona::detail {

inline void put_input_shape(Config& config, const Shape& shape) {
  if (shape.rank() > 0) config.set("input_shape", std::vector<std::int64_t>(shape.begin(), shape.end()));
}

inline Shape get_input_shape(const Config& config) {
  Shape shape;
  if (config.has("input_shape"))
    for (std::int64_t extent : config.integers("input_shape")) shape = shape.with_trailing(extent);
  return shape;
}

}  // namespace neurona::detail
