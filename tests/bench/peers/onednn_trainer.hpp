// The networks that are trained, with plain SGD.
#pragma once

#include <numeric>
#include <optional>

#include "onednn_primitives.hpp"

namespace peer {

struct Tensor {
  explicit Tensor(const memory::desc& desc) : value(allocate(desc)), gradient(allocate(desc)) {}
  memory value, gradient;
};

// parameter -= learning rate * gradient
inline void descend(float* parameter, const float* gradient, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) parameter[i] -= kLearningRate * gradient[i];
}

// gradient *= activation'(z), told from y = activation(z)
inline void multiply_by_derivative(Activation activation, const float* y, float* gradient, std::int64_t count) {
  constexpr float kSaturation = kSeluScale * kSeluAlpha;
  if (activation == Activation::relu)
    for (std::int64_t i = 0; i < count; ++i) gradient[i] = y[i] > 0 ? gradient[i] : 0;
  if (activation == Activation::sigmoid)
    for (std::int64_t i = 0; i < count; ++i) gradient[i] *= y[i] * (1 - y[i]);
  if (activation == Activation::selu)
    for (std::int64_t i = 0; i < count; ++i) gradient[i] *= y[i] > 0 ? kSeluScale : y[i] + kSaturation;
}

// Images of bytes in an order that changes from epoch to epoch, as in training on MNIST.
class TrainingSet {
 public:
  TrainingSet() : bytes_(kImages * kPixels), order_(kImages) {
    std::generate(bytes_.begin(), bytes_.end(), [&] { return static_cast<std::uint8_t>(random_()); });
    std::iota(order_.begin(), order_.end(), 0);
  }

  // The next batch: images (N,784) from 0 to 1, labels (N).
  void gather(float* images, std::vector<std::int64_t>& labels) {
    if (next_ + kBatchSize > kImages) next_ = 0;
    if (next_ == 0) std::shuffle(order_.begin(), order_.end(), random_);
    for (std::int64_t n = 0; n < kBatchSize; ++n, images += kPixels) {
      const std::int64_t image = order_[static_cast<std::size_t>(next_ + n)];
      const std::uint8_t* bytes = bytes_.data() + image * kPixels;
      for (std::int64_t i = 0; i < kPixels; ++i) images[i] = static_cast<float>(bytes[i]) * (1.0f / 255);
      labels[static_cast<std::size_t>(n)] = image % kClasses;
    }
    next_ += kBatchSize;
  }

 private:
  static constexpr std::int64_t kImages = 2000, kPixels = 784;  // as many as Neurona's benchmark trains on
  std::mt19937 random_{1};
  std::vector<std::uint8_t> bytes_;
  std::vector<std::int64_t> order_;
  std::int64_t next_ = 0;
};

class Trainer {
 public:
  Trainer(const std::string& network, const Style& style, Source& source) : style_(style), source_(source) {
    Tensor x(floats({kBatchSize, 784}, tag::ab));
    images_ = x.value;
    if (network == "cnn") x = convolution_and_pooling(x);
    if (network == "mlp") {
      x = dense(x, 100, Activation::sigmoid, false);
    } else {
      x = dense(batch_normalization(x), 200, Activation::selu, true);
      x = dense(batch_normalization(x), 100, Activation::selu, true);
      x = batch_normalization(x);
    }
    softmax_and_loss(dense(x, kClasses, Activation::none, true));
    const memory images = source.next({kBatchSize, 784}, tag::ab, 1);
    std::copy_n(data(images), size(images), data(images_));
    const memory labels = source.next({kBatchSize}, tag::a, 1);
    for (std::int64_t n = 0; n < kBatchSize; ++n) labels_.push_back(static_cast<std::int64_t>(data(labels)[n]));
    if (source.is_random()) set_.emplace();
  }

  void step() {
    if (set_) set_->gather(data(images_), labels_);
    for (const auto& run : forward_) run();
    for (auto run = backward_.rbegin(); run != backward_.rend(); ++run) (*run)();
  }

  // Before the last step's update.
  double loss() const {
    double sum = 0;
    for (std::int64_t n = 0; n < kBatchSize; ++n)
      sum -= std::log(double(data(probabilities_)[n * kClasses + labels_[n]]));
    return sum / kBatchSize;
  }

 private:
  memory next_rows(std::int64_t rows, std::int64_t columns, float bound) {
    return flattening_ ? flattening_->next_rows(source_, rows, bound)
                       : source_.next({rows, columns}, tag::ab, bound);
  }

  // x (N,I)  kernel (O,I)  ->  y (N,O)
  Tensor dense(const Tensor& x, std::int64_t outputs, Activation activation, bool needs_input_gradient) {
    const std::int64_t inputs = x.value.get_desc().dims()[1];
    const Tensor y(floats({kBatchSize, outputs}, tag::ab));
    const memory::desc x_desc = x.value.get_desc(), y_desc = y.value.get_desc();
    const memory::desc bias_desc = floats({outputs}, tag::a);
    const dnnl::inner_product_forward::primitive_desc forward(
        {prop_kind::forward_training, x_desc, floats({outputs, inputs}, layout_of(style_.kernels)), bias_desc,
         y_desc},
        post_ops(activation), engine());
    const float bound = std::sqrt(3.0f / static_cast<float>(inputs));
    const memory given = next_rows(outputs, inputs, bound);
    flattening_.reset();
    const memory kernel = reordered(view(given, floats({outputs, inputs}, tag::ab)), forward.weights_desc());
    const memory bias = source_.next({outputs}, tag::a, 0);
    owned_.push_back(given);
    forward_.push_back(call(dnnl::inner_product_forward(forward), {{DNNL_ARG_SRC, x.value},
                                                                   {DNNL_ARG_WEIGHTS, kernel},
                                                                   {DNNL_ARG_BIAS, bias},
                                                                   {DNNL_ARG_DST, y.value}}));

    std::function<void()> differentiate_input = [] {};
    if (needs_input_gradient) {
      const dnnl::inner_product_backward_data::primitive_desc backward({x_desc, kernel.get_desc(), y_desc},
                                                                       engine(), forward);
      differentiate_input = call(
          dnnl::inner_product_backward_data(backward),
          {{DNNL_ARG_DIFF_DST, y.gradient}, {DNNL_ARG_WEIGHTS, kernel}, {DNNL_ARG_DIFF_SRC, x.gradient}});
    }
    const auto update = style_.kernels == Kernels::blocked ? update_from_gradient(x, y, kernel, bias, forward)
                                                           : update_in_place(x, y, kernel, bias);
    backward_.push_back([=] {
      multiply_by_derivative(activation, data(y.value), data(y.gradient), size(y.value));
      differentiate_input();
      update();
    });
    return y;
  }

  std::function<void()> update_from_gradient(const Tensor& x, const Tensor& y, const memory& kernel,
                                             const memory& bias,
                                             const dnnl::inner_product_forward::primitive_desc& forward) {
    const dnnl::inner_product_backward_weights::primitive_desc backward(
        {x.value.get_desc(), kernel.get_desc(), bias.get_desc(), y.value.get_desc()}, engine(), forward);
    const memory kernel_gradient = allocate(kernel.get_desc()), bias_gradient = allocate(bias.get_desc());
    const auto differentiate =
        call(dnnl::inner_product_backward_weights(backward), {{DNNL_ARG_SRC, x.value},
                                                              {DNNL_ARG_DIFF_DST, y.gradient},
                                                              {DNNL_ARG_DIFF_WEIGHTS, kernel_gradient},
                                                              {DNNL_ARG_DIFF_BIAS, bias_gradient}});
    return [=] {
      differentiate();
      descend(data(kernel), data(kernel_gradient), size(kernel));
      descend(data(bias), data(bias_gradient), size(bias));
    };
  }

  std::function<void()> update_in_place(const Tensor& x, const Tensor& y, const memory& kernel,
                                        const memory& bias) {
    const std::int64_t inputs = x.value.get_desc().dims()[1], outputs = size(bias);
    // (O,I): the gradient, transposed, times x;  (I,O): x, transposed, times the gradient
    const bool outputs_first = style_.kernels == Kernels::outputs_first;
    const memory left = outputs_first ? y.gradient : x.value, right = outputs_first ? x.value : y.gradient;
    const std::int64_t rows = outputs_first ? outputs : inputs, columns = outputs_first ? inputs : outputs;
    return [=] {
      for (std::int64_t n = 0; n < kBatchSize; ++n)
        descend(data(bias), data(y.gradient) + n * outputs, outputs);
      if (dnnl::sgemm('T', 'N', rows, columns, kBatchSize, -kLearningRate, data(left), rows, data(right),
                      columns, 1, data(kernel), columns) != dnnl::status::success)
        throw std::runtime_error("a matrix product failed");
    };
  }

  // x (N,C)  ->  y (N,C), with the batch's statistics
  Tensor batch_normalization(const Tensor& x) {
    const std::int64_t channels = x.value.get_desc().dims()[1];
    const Tensor y(x.value.get_desc());
    // oneDNN is slow on (N,C), but fast on one image that has N pixels: the same numbers in the same places.
    const memory::desc pixels = floats({1, channels, kBatchSize, 1}, tag::nhwc);
    const auto flags = dnnl::normalization_flags::use_scale_shift;
    const dnnl::batch_normalization_forward::primitive_desc forward(
        {prop_kind::forward_training, pixels, kEpsilon, flags}, engine());
    const dnnl::batch_normalization_backward::primitive_desc backward(
        {prop_kind::backward, pixels, pixels, kEpsilon, flags}, engine(), forward);
    const memory scale_and_shift = allocate(forward.weights_desc()),
                 gradient = allocate(forward.weights_desc());
    for (std::int64_t i : {0, 1}) {
      const memory given = next_rows(1, channels, 1);
      std::copy_n(data(given), channels, data(scale_and_shift) + i * channels);
    }
    const memory mean = allocate(forward.mean_desc()), variance = allocate(forward.variance_desc());
    const memory moving_mean = allocate(forward.mean_desc()),
                 moving_variance = allocate(forward.variance_desc());
    const auto normalize =
        call(dnnl::batch_normalization_forward(forward), {{DNNL_ARG_SRC, view(x.value, pixels)},
                                                          {DNNL_ARG_DST, view(y.value, pixels)},
                                                          {DNNL_ARG_SCALE_SHIFT, scale_and_shift},
                                                          {DNNL_ARG_MEAN, mean},
                                                          {DNNL_ARG_VARIANCE, variance}});
    forward_.push_back([=] {
      normalize();
      for (const auto& [moving, batch] :
           {std::pair(data(moving_mean), data(mean)), {data(moving_variance), data(variance)}})
        for (std::int64_t i = 0; i < channels; ++i)
          moving[i] = kMomentum * moving[i] + (1 - kMomentum) * batch[i];
    });
    const auto differentiate =
        call(dnnl::batch_normalization_backward(backward), {{DNNL_ARG_SRC, view(x.value, pixels)},
                                                            {DNNL_ARG_MEAN, mean},
                                                            {DNNL_ARG_VARIANCE, variance},
                                                            {DNNL_ARG_DIFF_DST, view(y.gradient, pixels)},
                                                            {DNNL_ARG_SCALE_SHIFT, scale_and_shift},
                                                            {DNNL_ARG_DIFF_SRC, view(x.gradient, pixels)},
                                                            {DNNL_ARG_DIFF_SCALE_SHIFT, gradient}});
    backward_.push_back([=] {
      differentiate();
      descend(data(scale_and_shift), data(gradient), 2 * channels);
    });
    owned_.insert(owned_.end(), {x.value, x.gradient, y.value, y.gradient});
    return y;
  }

  // x (N,28*28)  kernel (64,1,3,3)  ->  y (N,64*13*13), ordered as the images lie in memory
  Tensor convolution_and_pooling(const Tensor& x) {
    const dims image{kBatchSize, 1, 28, 28}, kernel_shape{64, 1, 3, 3}, convolved{kBatchSize, 64, 26, 26};
    const dims pooled{kBatchSize, 64, 13, 13}, none{0, 0}, one{1, 1}, two{2, 2};
    const memory::desc bias_desc = floats({64}, tag::a);
    const memory::desc image_desc = floats(image, style_.images == tag::nhwc ? tag::nhwc : tag::nchw);
    const dnnl::convolution_forward::primitive_desc forward(
        {prop_kind::forward_training, algorithm::convolution_direct, image_desc,
         floats(kernel_shape, tag::any), bias_desc, floats(convolved, style_.images), one, none, none},
        post_ops(Activation::relu), engine());
    const memory kernel = reordered(source_.next(kernel_shape, tag::oihw, 0.5f), forward.weights_desc());
    const memory bias = source_.next({64}, tag::a, 0);
    const Tensor y(forward.dst_desc());
    const memory images = view(x.value, image_desc);
    forward_.push_back(call(dnnl::convolution_forward(forward), {{DNNL_ARG_SRC, images},
                                                                 {DNNL_ARG_WEIGHTS, kernel},
                                                                 {DNNL_ARG_BIAS, bias},
                                                                 {DNNL_ARG_DST, y.value}}));

    const dnnl::pooling_forward::primitive_desc pool(
        {prop_kind::forward_training, algorithm::pooling_max, y.value.get_desc(), floats(pooled, style_.images),
         two, two, none, none},
        engine());
    const Tensor z(pool.dst_desc());
    const memory places = allocate(pool.workspace_desc());
    forward_.push_back(
        call(dnnl::pooling_forward(pool),
             {{DNNL_ARG_SRC, y.value}, {DNNL_ARG_DST, z.value}, {DNNL_ARG_WORKSPACE, places}}));

    const dnnl::convolution_backward_weights::primitive_desc backward(
        {algorithm::convolution_direct, image_desc, floats(kernel_shape, tag::any), bias_desc,
         y.gradient.get_desc(), one, none, none},
        engine(), forward);
    const memory kernel_gradient = allocate(backward.diff_weights_desc()), bias_gradient = allocate(bias_desc);
    const auto differentiate =
        call(dnnl::convolution_backward_weights(backward), {{DNNL_ARG_SRC, images},
                                                            {DNNL_ARG_DIFF_DST, y.gradient},
                                                            {DNNL_ARG_DIFF_WEIGHTS, kernel_gradient},
                                                            {DNNL_ARG_DIFF_BIAS, bias_gradient}});
    const dnnl::pooling_backward::primitive_desc unpool(
        {algorithm::pooling_max, y.gradient.get_desc(), z.gradient.get_desc(), two, two, none, none},
        engine(), pool);
    const auto differentiate_pool = call(
        dnnl::pooling_backward(unpool),
        {{DNNL_ARG_DIFF_DST, z.gradient}, {DNNL_ARG_DIFF_SRC, y.gradient}, {DNNL_ARG_WORKSPACE, places}});
    backward_.push_back([=] {
      // A pooled value that is positive is the ReLU of a positive one, and the other pixels get no gradient:
      // ReLU's derivative needs a quarter of the work here.
      multiply_by_derivative(Activation::relu, data(z.value), data(z.gradient), size(z.value));
      differentiate_pool();
      differentiate();
      descend(data(kernel), data(reordered(kernel_gradient, kernel.get_desc())), size(kernel));
      descend(data(bias), data(bias_gradient), size(bias));
    });
    owned_.insert(owned_.end(), {x.value, z.value, z.gradient});

    flattening_.emplace(z.value);
    Tensor flat = z;
    flat.value = view(z.value, floats({kBatchSize, flattening_->features()}, tag::ab));
    flat.gradient = view(z.gradient, floats({kBatchSize, flattening_->features()}, tag::ab));
    return flat;
  }

  void softmax_and_loss(const Tensor& logits) {
    probabilities_ = allocate(logits.value.get_desc());
    const dnnl::softmax_forward::primitive_desc softmax(
        {prop_kind::forward_training, logits.value.get_desc(), 1}, engine());
    forward_.push_back(
        call(dnnl::softmax_forward(softmax), {{DNNL_ARG_SRC, logits.value}, {DNNL_ARG_DST, probabilities_}}));
    backward_.push_back([this, logits] {
      float* gradient = data(logits.gradient);
      for (std::int64_t i = 0; i < kBatchSize * kClasses; ++i)
        gradient[i] = data(probabilities_)[i] / kBatchSize;
      for (std::int64_t n = 0; n < kBatchSize; ++n) gradient[n * kClasses + labels_[n]] -= 1.0f / kBatchSize;
    });
  }

  Style style_;
  Source& source_;                        // only the constructor uses it
  std::optional<Flattening> flattening_;  // from the images to the first dense layer
  memory images_, probabilities_;
  std::vector<std::int64_t> labels_;
  std::optional<TrainingSet> set_;  // null where the images come from a file: they stay the same
  std::vector<memory> owned_;  // buffers that calls see through views
  std::vector<std::function<void()>> forward_, backward_;
};

}  // namespace peer
