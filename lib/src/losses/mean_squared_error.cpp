#include "losses/loss_terms.hpp"
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

void MeanSquaredError::explain_gradient(Terms& terms, Element at, bool, const Targets& targets) const {
  terms.add({terms.output(at), detail::share_of_elements(terms, 2.0, "2 / values")});
  terms.add(
      {detail::target_factor(terms, targets, at), detail::share_of_elements(terms, -2.0, "-2 / values")});
}

}  // namespace neurona
