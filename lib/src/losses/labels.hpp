// What every loss of class labels asks of them.
#pragma once

#include <string>
#include <string_view>

#include "neurona/dataset.hpp"
#include "neurona/error.hpp"

namespace neurona::detail {

/// Errors: ValueError for a label that is none of `classes`.
inline void check_labels(std::string_view loss, std::int64_t classes, const Dataset& data) {
  for (std::int64_t i = 0; i < data.size(); ++i)
    if (data.label(i) < 0 || data.label(i) >= classes)
      throw ValueError(std::string(loss) + ": sample " + std::to_string(i) + " has label " + std::to_string(data.label(i)) +
                       "; the network has " + std::to_string(classes) + " classes, so labels go from 0 to " +
                       std::to_string(classes - 1) + ".");
}

}  // namespace neurona::detail
