// Fused convolutions and what they must equal: their parts, one after the other, on `reference`.
#pragma once

#include <cstdint>
#include <string>

#include "backend/backend.hpp"
#include "layers/image_window.hpp"
#include "neurona/backend.hpp"

namespace neurona::test {

struct FusedCase {
  Shape x;  // (N,H,W,C)
  Extent2D size, strides;
  Padding padding;
  std::int64_t filters, groups;
  Extent2D pool;

  std::string describe() const {
    return x.to_string() + ", window " + std::to_string(size.height) + "x" + std::to_string(size.width) + ", strides " +
           std::to_string(strides.height) + ", filters " + std::to_string(filters) + ", groups " + std::to_string(groups) +
           ", pool " + std::to_string(pool.height) + "x" + std::to_string(pool.width);
  }
};

// A convolution and its pooling, placed on images.
struct Placed {
  explicit Placed(const FusedCase& c)
      : window(detail::window_over(c.x, c.size, c.strides, c.padding)),
        positions(detail::window_positions("test", c.x.without_leading(), c.size, c.strides, c.padding)),
        kernel{c.size.height, c.size.width, c.x[3] / c.groups, c.filters},
        z{c.x[0], positions.height, positions.width, c.filters},
        y{c.x[0], positions.height / c.pool.height, positions.width / c.pool.width, c.filters},
        pool{.size = c.pool, .strides = c.pool} {}
  FusedConv2D operation(const FusedCase& c) const {
    return {.window = window, .positions = positions, .groups = c.groups, .pool = c.pool};
  }
  Window2D window;
  Extent2D positions;
  Shape kernel, z, y;
  Window2D pool;
};

// (x * kernel) * scale + bias + addend, then ReLU, value by value from the reference's convolution.
inline Tensor composed(const FusedConv2D& of, const Tensor& x, const Tensor& kernel, const Shape& shape) {
  Tensor z(shape);
  make_backend("reference")->conv2d_forward(of.window, of.groups, x.view(), kernel.view(), {}, Activation::linear, z.view());
  const std::int64_t F = shape.back();
  for (std::int64_t i = 0; i < z.elements(); ++i) {
    double value = static_cast<double>(z.values()[static_cast<std::size_t>(i)]);
    if (of.scale) value *= static_cast<double>(of.scale.as<float>()[i % F]);
    if (of.bias) value += static_cast<double>(of.bias.as<float>()[i % F]);
    if (of.addend) value += static_cast<double>(of.addend.as<float>()[i]);
    z.values()[static_cast<std::size_t>(i)] = static_cast<float>(of.relu && value < 0.0 ? 0.0 : value);
  }
  return z;
}

}  // namespace neurona::test
