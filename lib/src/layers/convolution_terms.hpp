// Where the numbers of Conv2D and DepthwiseConv2D come from: both are convolutions in groups.
#pragma once

#include <cstddef>
#include <cstdint>

#include "backend/backend.hpp"
#include "neurona/terms.hpp"

namespace neurona::detail {

/// x (N,H,W,C)  kernel (KH,KW,C/G,F), parameter 0  bias (F), parameter 1, or none  ->  z (N,OH,OW,F)
class ConvolutionTerms {
 public:
  ConvolutionTerms(Terms& terms, const Window2D& window, std::int64_t groups);

  void sum(Element at, bool use_bias) const;
  void input_gradient(Element at) const;
  void kernel_gradient(std::int64_t index) const;
  void bias_gradient(std::int64_t index) const;

 private:
  enum ParameterIndex : std::size_t { kKernel, kBias };
  // Element of the kernel at a tap: channel c of those of the filter's group, filter f.
  std::int64_t kernel_index(std::int64_t tap, std::int64_t c, std::int64_t f) const {
    return (tap * channels_ + c) * filters_ + f;
  }

  Terms& terms_;
  Window2D window_;
  Shape x_, z_;
  std::int64_t channels_;  // that a filter sees
  std::int64_t filters_;   // F
  std::int64_t group_;     // filters of a group
};

}  // namespace neurona::detail
