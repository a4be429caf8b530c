#include <cmath>

#include "backend/backend.hpp"
#include "layers/image_window.hpp"
#include "layers/window_terms.hpp"
#include "neurona/layers.hpp"

namespace neurona {

void MaxPooling2D::forward(const ForwardPass& pass) const {
  const Window2D window = detail::pooling_window(pass.inputs[0].shape, options_);
  pass.backend.pool2d_forward(Pooling::max, window, pass.inputs[0], pass.output);
}

void MaxPooling2D::backward(const BackwardPass& pass) const {
  if (!pass.input_gradients[0]) return;
  const Window2D window = detail::pooling_window(pass.inputs[0].shape, options_);
  pass.backend.pool2d_backward(Pooling::max, window, pass.inputs[0], pass.output, pass.output_gradient,
                               pass.input_gradients[0]);
}

void MaxPooling2D::explain_sum(Terms& terms, Element at) const {
  const Shape x = terms.input_shape();
  const detail::ImageIndex to(terms.output_shape(), at.index);
  terms.combine(Combine::maximum);
  detail::for_taps(detail::pooling_window(x, options_), x, to, [&](std::int64_t, std::int64_t pixel) {
    terms.add({terms.input({at.sample, pixel * x[3] + to.c})});
  });
}

// The gradients of the windows that the value is the maximum of.
void MaxPooling2D::explain_input_gradient(Terms& terms, Element at, std::size_t) const {
  const Shape x = terms.input_shape(), y = terms.output_shape();
  const detail::ImageIndex from(x, at.index);
  const Window2D window = detail::pooling_window(x, options_);
  detail::for_positions(window, y, from, [&](std::int64_t, std::int64_t position) {
    const Element to{at.sample, position * y[3] + from.c};
    const double largest = terms.output(to).value;
    std::int64_t winner = -1;
    detail::for_taps(window, x, detail::ImageIndex(y, to.index), [&](std::int64_t, std::int64_t pixel) {
      const double value = terms.input({at.sample, pixel * x[3] + from.c}).value;
      if (winner < 0 && (value == largest || std::isnan(value))) winner = pixel * x[3] + from.c;
    });
    if (winner == at.index) terms.add({terms.sum_gradient(to)});
  });
}

std::unique_ptr<Layer> MaxPooling2D::from_config(const Config& config) {
  return std::make_unique<MaxPooling2D>(options_from(config));
}

}  // namespace neurona
