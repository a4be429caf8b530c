#include "losses/mean_over_elements.hpp"
#include "neurona/loss.hpp"

namespace neurona {

void MeanSquaredError::check(const Shape& prediction, const Dataset& data) const {
  detail::check_targets(name(), prediction, data);
}

double MeanSquaredError::evaluate(Backend&, ConstTensorView prediction, bool, const Targets& targets,
                                  TensorView gradient) const {
  return detail::mean_over_elements(prediction, targets, gradient, [](double p, double target) -> detail::ElementLoss {
    const double error = p - target;
    return {error * error, 2.0 * error};
  });
}

}  // namespace neurona
