#include "layers/convolution_terms.hpp"

#include "layers/window_terms.hpp"

namespace neurona::detail {

ConvolutionTerms::ConvolutionTerms(Terms& terms, const Window2D& window, std::int64_t groups)
    : terms_(terms),
      window_(window),
      x_(terms.input_shape()),
      z_(terms.output_shape()),
      channels_(x_[3] / groups),
      filters_(z_[3]),
      group_(z_[3] / groups) {}

void ConvolutionTerms::sum(Element at, bool use_bias) const {
  const ImageIndex to(z_, at.index);
  const std::int64_t first = to.c / group_ * channels_;  // channel of the group
  for_taps(window_, x_, to, [&](std::int64_t tap, std::int64_t pixel) {
    for (std::int64_t c = 0; c < channels_; ++c)
      terms_.add({terms_.parameter(kKernel, kernel_index(tap, c, to.c)),
                  terms_.input({at.sample, pixel * x_[3] + first + c})});
  });
  if (use_bias) terms_.add({terms_.parameter(kBias, to.c)});
}

void ConvolutionTerms::input_gradient(Element at) const {
  const ImageIndex from(x_, at.index);
  const std::int64_t first = from.c / channels_ * group_;  // filter of the group
  for_positions(window_, z_, from, [&](std::int64_t tap, std::int64_t position) {
    for (std::int64_t f = first; f < first + group_; ++f)
      terms_.add({terms_.sum_gradient({at.sample, position * filters_ + f}),
                  terms_.parameter(kKernel, kernel_index(tap, from.c % channels_, f))});
  });
}

void ConvolutionTerms::kernel_gradient(std::int64_t index) const {
  const std::int64_t f = index % filters_, c = index / filters_ % channels_,
                     wanted = index / filters_ / channels_;
  const std::int64_t channel = f / group_ * channels_ + c;
  const Window2D one_tap{.size = 1,
                         .strides = window_.strides,
                         .top = window_.top - wanted / window_.size.width,
                         .left = window_.left - wanted % window_.size.width};
  for (std::int64_t n = 0; n < z_[0]; ++n)
    for (std::int64_t i = f; i < z_[1] * z_[2] * filters_; i += filters_)
      for_taps(one_tap, x_, ImageIndex(z_, i), [&](std::int64_t, std::int64_t pixel) {
        terms_.add({terms_.sum_gradient({n, i}), terms_.input({n, pixel * x_[3] + channel})});
      });
}

void ConvolutionTerms::bias_gradient(std::int64_t index) const {
  for (std::int64_t n = 0; n < z_[0]; ++n)
    for (std::int64_t i = index; i < z_[1] * z_[2] * filters_; i += filters_)
      terms_.add({terms_.sum_gradient({n, i})});
}

}  // namespace neurona::detail
