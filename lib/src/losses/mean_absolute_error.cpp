#include <cmath>

#include "losses/loss_terms.hpp"
#include "losses/mean_over_elements.hpp"
#include "neurona/loss.hpp"

namespace neurona {

void MeanAbsoluteError::check(const Shape& prediction, const Dataset& data) const {
  detail::check_targets(name(), prediction, data);
}

double MeanAbsoluteError::evaluate(Backend&, ConstTensorView prediction, bool, const Targets& targets,
                                   TensorView gradient) const {
  return detail::mean_over_elements(prediction, targets, gradient, [](double p, double target) -> detail::ElementLoss {
    const double error = p - target;
    return {std::abs(error), error > 0.0 ? 1.0 : error < 0.0 ? -1.0 : 0.0};
  });
}

void MeanAbsoluteError::explain_gradient(Terms& terms, Element at, bool, const Targets& targets) const {
  const double error = terms.output(at).value - detail::target_factor(terms, targets, at).value;
  const double sign = error > 0.0 ? 1.0 : error < 0.0 ? -1.0 : 0.0;
  terms.add({Terms::constant(sign, "sign of prediction - target"),
             detail::share_of_elements(terms, 1.0, "1 / values")});
}

}  // namespace neurona
