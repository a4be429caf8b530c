// What a pass left of one layer, for those who explain its numbers.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "neurona/activation.hpp"
#include "neurona/tensor.hpp"
#include "neurona/terms.hpp"

namespace neurona {

struct ExplainedLayer {
  std::int64_t number = 0;                     // in the model
  Activation activation = Activation::linear;  // the layer's final one
  // (N, ...). Of a layer whose activation is linear `sum` is `output`, and so with their gradients. Gradients
  // have no data where there was no backward pass.
  std::vector<ConstTensorView> inputs;
  std::vector<Place> input_places;  // of their first elements
  ConstTensorView output, sum, output_gradient, sum_gradient;
  std::vector<ConstTensorView> parameters, parameter_gradients;
  std::span<const std::byte> tape;
  bool training = false;
  std::uint64_t seed = 0;
};

inline double number_at(ConstTensorView view, std::int64_t i) {
  return view.dtype == DType::float64 ? view.as<double>()[i] : static_cast<double>(view.as<float>()[i]);
}

/// view (N, ...)
inline double number_at(ConstTensorView view, Element at) {
  return number_at(view, at.sample * (view.elements() / view.shape[0]) + at.index);
}

/// d(activation)/dz from its result y, or from z where differentiates_by_input. Not of softmax.
double activation_slope(Activation activation, double kept);

}  // namespace neurona
