// The networks that predict for one image.
#pragma once

#include <optional>

#include "onednn_primitives.hpp"

namespace peer {

// The batch normalizations were folded into the layers around them before their parameters came here.
class Predictor {
 public:
  Predictor(const std::string& network, const Style& style, Source& source) : style_(style), source_(source) {
    const dims shape = network == "resnet50" ? dims{1, 3, 224, 224} : dims{1, 1, 28, 28};
    const memory images = allocate(floats(shape, style.images == tag::nhwc ? tag::nhwc : tag::nchw));
    memory logits;
    if (network == "resnet50") {
      logits = resnet50(images);
    } else if (network == "mlp") {
      logits = dense(dense(flatten(images), 100, Activation::sigmoid), kClasses, Activation::none);
    } else {
      memory x = flatten(max_pooling(convolution(images, 64, 3, 1, 0, Activation::relu), 2, 2, 0));
      x = dense(dense(x, 200, Activation::selu), 100, Activation::selu);
      logits = dense(x, kClasses, Activation::none);
    }
    softmax(logits);
    const memory given = reordered(source.next(shape, tag::nchw, 1), images.get_desc());
    std::copy_n(data(given), size(given), data(images));
  }

  void step() {
    for (const auto& run : runs_) run();
  }

  const memory& probabilities() const { return probabilities_; }

 private:
  memory resnet50(const memory& images) {
    memory x = max_pooling(convolution(images, 64, 7, 2, 3, Activation::relu), 3, 2, 1);
    struct Stage {
      std::int64_t filters, blocks, stride;
    };
    for (const auto& [filters, blocks, first_stride] :
         {Stage{64, 3, 1}, {128, 4, 2}, {256, 6, 2}, {512, 3, 2}})
      for (std::int64_t i = 0; i < blocks; ++i) {
        const std::int64_t stride = i == 0 ? first_stride : 1;
        const memory shortcut = i == 0 ? convolution(x, 4 * filters, 1, stride, 0, Activation::none) : x;
        memory y = convolution(x, filters, 1, stride, 0, Activation::relu);
        y = convolution(y, filters, 3, 1, 1, Activation::relu);
        x = convolution(y, 4 * filters, 1, 1, 0, Activation::relu, &shortcut);
      }
    return dense(flatten(average_pooling(x)), 1000, Activation::none);
  }

  // x (1,C,H,W)  kernel (F,C,K,K)  ->  y (1,F,OH,OW). With `sum` the result is added to that memory, and lies
  // there.
  memory convolution(memory x, std::int64_t filters, std::int64_t kernel_size, std::int64_t stride,
                     std::int64_t padding, Activation activation, const memory* sum = nullptr) {
    const dims shape = x.get_desc().dims();
    const auto extent = [&](std::int64_t input) { return (input + 2 * padding - kernel_size) / stride + 1; };
    const dims kernel_shape{filters, shape[1], kernel_size, kernel_size};
    const memory::desc y_desc =
        sum ? sum->get_desc() : floats({1, filters, extent(shape[2]), extent(shape[3])}, style_.images);
    const dims strides{stride, stride}, paddings{padding, padding};
    const memory::desc x_desc = style_.images == tag::any ? floats(shape, tag::any) : x.get_desc();
    const algorithm kind =
        style_.winograd && kernel_size == 3 ? algorithm::convolution_winograd : algorithm::convolution_auto;
    const dnnl::convolution_forward::primitive_desc forward(
        {prop_kind::forward_inference, kind, x_desc, floats(kernel_shape, tag::any),
         floats({filters}, tag::a), y_desc, strides, paddings, paddings},
        post_ops(activation, sum != nullptr), engine());
    const float bound = std::sqrt(3.0f / static_cast<float>(shape[1] * kernel_size * kernel_size));
    const memory kernel = reordered(source_.next(kernel_shape, tag::oihw, bound), forward.weights_desc());
    const memory bias = source_.next({filters}, tag::a, 0.1f);
    const memory y = sum ? *sum : allocate(forward.dst_desc());
    runs_.push_back(
        call(dnnl::convolution_forward(forward), {{DNNL_ARG_SRC, in_layout(x, forward.src_desc())},
                                                  {DNNL_ARG_WEIGHTS, kernel},
                                                  {DNNL_ARG_BIAS, bias},
                                                  {DNNL_ARG_DST, y}}));
    return y;
  }

  memory max_pooling(const memory& x, std::int64_t window, std::int64_t stride, std::int64_t padding) {
    return pooling(algorithm::pooling_max, x, window, stride, padding);
  }

  memory average_pooling(const memory& x) {
    return pooling(algorithm::pooling_avg, x, x.get_desc().dims()[2], 1, 0);
  }

  memory pooling(algorithm kind, const memory& x, std::int64_t window, std::int64_t stride,
                 std::int64_t padding) {
    const dims shape = x.get_desc().dims();
    const auto extent = [&](std::int64_t input) { return (input + 2 * padding - window) / stride + 1; };
    const dims strides{stride, stride}, windows{window, window}, paddings{padding, padding};
    const dnnl::pooling_forward::primitive_desc forward(
        {prop_kind::forward_inference, kind, x.get_desc(),
         floats({1, shape[1], extent(shape[2]), extent(shape[3])}, tag::any), strides, windows, paddings,
         paddings},
        engine());
    const memory y = allocate(forward.dst_desc());
    runs_.push_back(call(dnnl::pooling_forward(forward), {{DNNL_ARG_SRC, x}, {DNNL_ARG_DST, y}}));
    return y;
  }

  memory flatten(const memory& x) {
    flattening_.emplace(x);
    owned_.push_back(x);
    return view(x, floats({1, flattening_->features()}, tag::ab));
  }

  // x (1,I)  kernel (O,I)  ->  y (1,O)
  memory dense(const memory& x, std::int64_t outputs, Activation activation) {
    const std::int64_t inputs = x.get_desc().dims()[1];
    // Only the kernel behind Flatten is large enough for the plain layouts to be worth a try.
    const tag layout = flattening_ ? layout_of(style_.kernels) : tag::any;
    const dnnl::inner_product_forward::primitive_desc forward(
        {prop_kind::forward_inference, x.get_desc(), floats({outputs, inputs}, layout),
         floats({outputs}, tag::a), floats({1, outputs}, tag::ab)},
        post_ops(activation), engine());
    const float bound = std::sqrt(3.0f / static_cast<float>(inputs));
    const memory given = flattening_ ? flattening_->next_rows(source_, outputs, bound)
                                     : source_.next({outputs, inputs}, tag::ab, bound);
    flattening_.reset();
    const memory kernel = reordered(view(given, floats({outputs, inputs}, tag::ab)), forward.weights_desc());
    const memory bias = source_.next({outputs}, tag::a, 0.1f);
    const memory y = allocate(forward.dst_desc());
    owned_.push_back(given);
    runs_.push_back(
        call(dnnl::inner_product_forward(forward),
             {{DNNL_ARG_SRC, x}, {DNNL_ARG_WEIGHTS, kernel}, {DNNL_ARG_BIAS, bias}, {DNNL_ARG_DST, y}}));
    return y;
  }

  void softmax(const memory& logits) {
    probabilities_ = allocate(logits.get_desc());
    const dnnl::softmax_forward::primitive_desc forward({prop_kind::forward_inference, logits.get_desc(), 1},
                                                        engine());
    runs_.push_back(
        call(dnnl::softmax_forward(forward), {{DNNL_ARG_SRC, logits}, {DNNL_ARG_DST, probabilities_}}));
  }

  memory in_layout(const memory& x, const memory::desc& desc) {
    if (x.get_desc() == desc) return x;
    const memory y = allocate(desc);
    runs_.push_back(call(dnnl::reorder(x, y), {{DNNL_ARG_FROM, x}, {DNNL_ARG_TO, y}}));
    return y;
  }

  Style style_;
  Source& source_;                        // only the constructor uses it
  std::optional<Flattening> flattening_;  // from Flatten to the dense layer behind it
  memory probabilities_;
  std::vector<memory> owned_;  // buffers that calls see through views
  std::vector<std::function<void()>> runs_;
};

}  // namespace peer
