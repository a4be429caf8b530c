#include "backend/backend.hpp"
#include "layers/image_window.hpp"
#include "layers/window_terms.hpp"
#include "neurona/layers.hpp"

namespace neurona {

void AveragePooling2D::forward(const ForwardPass& pass) const {
  const Window2D window = detail::pooling_window(pass.inputs[0].shape, options_);
  pass.backend.pool2d_forward(Pooling::average, window, pass.inputs[0], pass.output);
}

void AveragePooling2D::backward(const BackwardPass& pass) const {
  if (!pass.input_gradients[0]) return;
  const Window2D window = detail::pooling_window(pass.inputs[0].shape, options_);
  pass.backend.pool2d_backward(Pooling::average, window, pass.inputs[0], pass.output, pass.output_gradient,
                               pass.input_gradients[0]);
}

namespace {

// 1 / the number of the window's pixels that lie inside the image.
Factor share(const Window2D& window, const Shape& images, const detail::ImageIndex& position) {
  std::int64_t count = 0;
  detail::for_taps(window, images, position, [&](std::int64_t, std::int64_t) { ++count; });
  return Terms::constant(1.0 / static_cast<double>(count), "1 / pixels of the window");
}

}  // namespace

void AveragePooling2D::explain_sum(Terms& terms, Element at) const {
  const Shape x = terms.input_shape();
  const detail::ImageIndex to(terms.output_shape(), at.index);
  const Window2D window = detail::pooling_window(x, options_);
  const Factor each = share(window, x, to);
  terms.combine(Combine::mean);
  detail::for_taps(window, x, to, [&](std::int64_t, std::int64_t pixel) {
    terms.add({each, terms.input({at.sample, pixel * x[3] + to.c})});
  });
}

void AveragePooling2D::explain_input_gradient(Terms& terms, Element at, std::size_t) const {
  const Shape x = terms.input_shape(), y = terms.output_shape();
  const detail::ImageIndex from(x, at.index);
  const Window2D window = detail::pooling_window(x, options_);
  detail::for_positions(window, y, from, [&](std::int64_t, std::int64_t position) {
    const Element to{at.sample, position * y[3] + from.c};
    terms.add({terms.sum_gradient(to), share(window, x, detail::ImageIndex(y, to.index))});
  });
}

std::unique_ptr<Layer> AveragePooling2D::from_config(const Config& config) {
  return std::make_unique<AveragePooling2D>(options_from(config));
}

}  // namespace neurona
