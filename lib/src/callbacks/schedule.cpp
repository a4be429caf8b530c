#include "neurona/schedule.hpp"

#include <cmath>
#include <numbers>
#include <string>

#include "neurona/error.hpp"

namespace neurona {

double cosine_decay(double initial, std::int64_t epoch, std::int64_t epochs) {
  if (epochs < 1 || epoch >= epochs) return 0.0;
  return 0.5 * initial * (1.0 + std::cos(std::numbers::pi * static_cast<double>(epoch) / static_cast<double>(epochs)));
}

double step_decay(double initial, std::int64_t epoch, double factor, std::int64_t every) {
  if (every < 1) throw ValueError("step_decay: every = " + std::to_string(every) + " epochs; at least 1.");
  return initial * std::pow(factor, static_cast<double>(epoch / every));
}

double exponential_decay(double initial, std::int64_t epoch, double rate, std::int64_t epochs) {
  if (epochs < 1) throw ValueError("exponential_decay: epochs = " + std::to_string(epochs) + "; at least 1.");
  return initial * std::pow(rate, static_cast<double>(epoch) / static_cast<double>(epochs));
}

}  // namespace neurona
