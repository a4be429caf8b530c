// What both directions need of oneDNN: memory, calls, layouts, and the styles in which a network can be built.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <functional>
#include <oneapi/dnnl/dnnl.hpp>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace peer {

using dnnl::algorithm;
using dnnl::memory;
using dnnl::prop_kind;
using dims = memory::dims;
using tag = memory::format_tag;

inline constexpr std::int64_t kBatchSize = 32;
inline constexpr std::int64_t kClasses = 10;
inline constexpr float kLearningRate = 0.05f;
inline constexpr float kEpsilon = 1e-3f;
inline constexpr float kMomentum = 0.99f;
inline constexpr float kSeluScale = 1.0507009873554805f;
inline constexpr float kSeluAlpha = 1.6732632423543772f;

inline const dnnl::engine& engine() {
  static const dnnl::engine instance(dnnl::engine::kind::cpu, 0);
  return instance;
}

inline dnnl::stream& stream() {
  static dnnl::stream instance(engine());
  return instance;
}

inline memory::desc floats(const dims& shape, tag layout) { return {shape, memory::data_type::f32, layout}; }

inline float* data(const memory& m) { return static_cast<float*>(m.get_data_handle()); }

inline std::int64_t size(const memory& m) {
  return static_cast<std::int64_t>(m.get_desc().get_size() / sizeof(float));
}

inline memory allocate(const memory::desc& desc) {
  memory m(desc, engine());
  std::fill_n(static_cast<char*>(m.get_data_handle()), desc.get_size(), char(0));
  return m;
}

// The same floats under another description.
inline memory view(const memory& m, const memory::desc& desc) { return {desc, engine(), m.get_data_handle()}; }

inline memory reordered(memory m, const memory::desc& desc) {
  if (m.get_desc() == desc) return m;
  memory result = allocate(desc);
  dnnl::reorder(m, result).execute(stream(), m, result);
  return result;
}

// Calls a primitive with arguments that are laid out once: dnnl::primitive::execute would build the list each
// time.
inline std::function<void()> call(const dnnl::primitive& primitive,
                           const std::vector<std::pair<int, memory>>& arguments) {
  std::vector<dnnl_exec_arg_t> list;
  for (const auto& [id, m] : arguments) list.push_back({id, m.get()});
  return [primitive, arguments, list] {  // `arguments` keep the memory alive
    const int count = static_cast<int>(list.size());
    if (dnnl_primitive_execute(primitive.get(), stream().get(), count, list.data()) != dnnl_success)
      throw std::runtime_error("a primitive failed");
  };
}

enum class Activation { none, relu, sigmoid, selu };

inline dnnl::primitive_attr post_ops(Activation activation, bool sum = false) {
  dnnl::post_ops ops;
  if (sum) ops.append_sum();
  if (activation == Activation::relu) ops.append_eltwise(1, algorithm::eltwise_relu, 0, 0);
  if (activation == Activation::sigmoid) ops.append_eltwise(1, algorithm::eltwise_logistic, 0, 0);
  if (activation == Activation::selu) {
    ops.append_eltwise(1, algorithm::eltwise_elu, kSeluAlpha, 0);
    ops.append_eltwise(1, algorithm::eltwise_linear, kSeluScale, 0);
  }
  dnnl::primitive_attr attributes;
  attributes.set_post_ops(ops);
  return attributes;
}

// Where parameters and data come from: a file of raw floats in PyTorch's order and layout, or chance.
class Source {
 public:
  Source() = default;
  explicit Source(const std::string& path) : file_(path, std::ios::binary) {
    if (!file_) throw std::runtime_error("cannot read " + path);
  }

  // `bound`: random values lie between -bound and bound.
  memory next(const dims& shape, tag layout, float bound) {
    memory m = allocate(floats(shape, layout));
    float* values = data(m);
    if (file_.is_open()) {
      file_.read(reinterpret_cast<char*>(values), static_cast<std::streamsize>(m.get_desc().get_size()));
      if (!file_) throw std::runtime_error("the file of parameters is too short");
    } else {
      std::uniform_real_distribution<float> uniform(-bound, bound);
      std::generate_n(values, size(m), [&] { return uniform(random_); });
    }
    return m;
  }

  bool is_random() const { return !file_.is_open(); }

 private:
  std::ifstream file_;
  std::mt19937 random_{1};
};

// How the kernels (O,I) of dense layers lie in memory. `blocked` is what oneDNN itself prefers, the same
// layout in all three passes. With the plain ones the gradient need not exist: its product subtracts itself
// from the kernel.
enum class Kernels { blocked, outputs_first, inputs_first };

struct Style {
  std::string label;
  Kernels kernels = Kernels::blocked;
  tag images = tag::any;  // oneDNN's choice
  bool winograd = false;  // for 3x3 convolutions
};

inline const std::vector<Style> kDenseStyles = {
    {"blocked kernels", Kernels::blocked},
    {"kernels (O,I)", Kernels::outputs_first},
    {"kernels (I,O)", Kernels::inputs_first},
};

inline const std::vector<Style> kConvolutionStyles = {
    {"blocked kernels", Kernels::blocked},
    {"kernels (O,I)", Kernels::outputs_first},
    {"kernels (I,O)", Kernels::inputs_first},
    {"kernels (O,I), images NHWC", Kernels::outputs_first, tag::nhwc},
    {"kernels (I,O), images NHWC", Kernels::inputs_first, tag::nhwc},
};

inline const std::vector<Style> kResNetStyles = {
    {"images as oneDNN likes"},
    {.label = "images NHWC", .images = tag::nhwc},
    {.label = "images nChw8c", .images = tag::nChw8c},
    {.label = "images nChw16c, Winograd", .images = tag::nChw16c, .winograd = true},
};

inline tag layout_of(Kernels kernels) {
  return kernels == Kernels::blocked ? tag::any : kernels == Kernels::outputs_first ? tag::ab : tag::ba;
}

// The parameters of a layer behind Flatten are ordered by (C,H,W) in the source, here by how the images lie
// in memory.
class Flattening {
 public:
  explicit Flattening(const memory& images) : shape_(images.get_desc().dims()) {
    using Layouts = std::pair<tag, tag>;  // of images, of rows of parameters
    for (const auto& [of_images, of_rows] :
         {Layouts{tag::nchw, tag::abcd}, Layouts{tag::nhwc, tag::acdb}, Layouts{tag::nChw8c, tag::aBcd8b},
          Layouts{tag::nChw16c, tag::aBcd16b}})
      if (images.get_desc() == floats(shape_, of_images)) layout_ = of_rows;
    if (layout_ == tag::undef) throw std::runtime_error("images in an unforeseen layout");
  }

  std::int64_t features() const { return shape_[1] * shape_[2] * shape_[3]; }

  memory next_rows(Source& source, std::int64_t rows, float bound) const {
    const dims shape{rows, shape_[1], shape_[2], shape_[3]};
    return reordered(source.next(shape, tag::abcd, bound), floats(shape, layout_));
  }

 private:
  dims shape_;
  tag layout_ = tag::undef;
};

}  // namespace peer
