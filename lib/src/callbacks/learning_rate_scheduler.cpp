#include "neurona/callback.hpp"
#include "neurona/model.hpp"

namespace neurona {

void LearningRateScheduler::on_epoch_begin(TrainingContext& context, std::int64_t epoch) {
  Optimizer& optimizer = *context.model.compile_options().optimizer;
  optimizer.set_learning_rate(schedule_(epoch, optimizer.learning_rate()));
}

}  // namespace neurona
