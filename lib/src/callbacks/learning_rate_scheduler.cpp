#include <cmath>
#include <numbers>

#include "neurona/callback.hpp"
#include "neurona/model.hpp"

namespace neurona {

void LearningRateScheduler::on_epoch_begin(TrainingContext& context, std::int64_t epoch) {
  Optimizer& optimizer = *context.model.compile_options().optimizer;
  optimizer.set_learning_rate(schedule_(epoch, optimizer.learning_rate()));
}

double cosine_decay(double initial, std::int64_t epoch, std::int64_t epochs) {
  if (epochs < 1 || epoch >= epochs) return 0.0;
  return 0.5 * initial * (1.0 + std::cos(std::numbers::pi * static_cast<double>(epoch) / static_cast<double>(epochs)));
}

}  // namespace neurona
