#include "backend/backend.hpp"
#include "layers/image_window.hpp"
#include "neurona/layers.hpp"

namespace neurona {

void AveragePooling2D::forward(const ForwardPass& pass) const {
  const Window2D window =
      detail::window_over(pass.inputs[0].shape, options_.pool_size, options_.strides, options_.padding);
  pass.backend.pool2d_forward(Pooling::average, window, pass.inputs[0], pass.output);
}

void AveragePooling2D::backward(const BackwardPass& pass) const {
  if (!pass.input_gradients[0]) return;
  const Window2D window =
      detail::window_over(pass.inputs[0].shape, options_.pool_size, options_.strides, options_.padding);
  pass.backend.pool2d_backward(Pooling::average, window, pass.inputs[0], pass.output, pass.output_gradient,
                               pass.input_gradients[0]);
}

std::unique_ptr<Layer> AveragePooling2D::from_config(const Config& config) {
  return std::make_unique<AveragePooling2D>(options_from(config));
}

}  // namespace neurona
