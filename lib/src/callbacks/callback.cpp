#include "neurona/callback.hpp"

namespace neurona {

std::optional<double> find_log(const Logs& logs, std::string_view name) {
  for (const auto& [key, value] : logs)
    if (key == name) return value;
  return std::nullopt;
}

}  // namespace neurona
