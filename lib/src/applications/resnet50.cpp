// ResNet-50 v1: keras_applications/resnet_common.py describes the variant (He et al. 2015, "Deep residual
// learning"): the stride sits on the first convolution of a block and on its shortcut, and every convolution
// has a bias.
#include "neurona/applications.hpp"
#include "neurona/layers.hpp"

namespace neurona {

namespace {

constexpr double kEpsilon = 1.001e-5;

struct Stage {
  std::string name;
  std::int64_t filters;
  int blocks;
  std::int64_t stride;
};

class Builder {
 public:
  explicit Builder(Functional& model) : model_(model) {}

  Node convolution(Node x, const std::string& name, std::int64_t filters, std::int64_t size,
                   std::int64_t stride, bool activate) {
    x = model_.add(Conv2D({.filters = filters,
                           .kernel_size = size,
                           .strides = stride,
                           .padding = size == 3 ? Padding::same : Padding::valid,
                           .name = name + "_conv"}),
                   {x});
    x = model_.add(BatchNormalization({.epsilon = kEpsilon, .name = name + "_bn"}), {x});
    return activate ? relu(x, name + "_relu") : x;
  }

  Node relu(Node x, const std::string& name) {
    return model_.add(ActivationLayer({.activation = Activation::relu, .name = name}), {x});
  }

  Node block(Node x, const std::string& name, std::int64_t filters, std::int64_t stride,
             bool convolves_shortcut) {
    const Node shortcut = convolves_shortcut ? convolution(x, name + "_0", 4 * filters, 1, stride, false) : x;
    x = convolution(x, name + "_1", filters, 1, stride, true);
    x = convolution(x, name + "_2", filters, 3, 1, true);
    x = convolution(x, name + "_3", 4 * filters, 1, 1, false);
    x = model_.add(Add({.name = name + "_add"}), {shortcut, x});
    return relu(x, name + "_out");
  }

 private:
  Functional& model_;
};

}  // namespace

Model resnet50(std::uint64_t seed) {
  Functional model({.name = "resnet50", .seed = seed});
  Builder build(model);
  Node x = model.input({224, 224, 3});
  x = model.add(ZeroPadding2D({.top = 3, .bottom = 3, .left = 3, .right = 3, .name = "conv1_pad"}), {x});
  x = build.convolution(x, "conv1", 64, 7, 2, true);
  x = model.add(ZeroPadding2D({.name = "pool1_pad"}), {x});
  x = model.add(MaxPooling2D({.pool_size = 3, .strides = 2, .name = "pool1_pool"}), {x});
  for (const Stage& stage : {Stage{"conv2", 64, 3, 1}, Stage{"conv3", 128, 4, 2}, Stage{"conv4", 256, 6, 2},
                             Stage{"conv5", 512, 3, 2}})
    for (int i = 1; i <= stage.blocks; ++i)
      x = build.block(x, stage.name + "_block" + std::to_string(i), stage.filters, i == 1 ? stage.stride : 1,
                      i == 1);
  x = model.add(GlobalAveragePooling2D({.name = "avg_pool"}), {x});
  model.set_outputs(
      {model.add(Dense({.units = 1000, .activation = Activation::softmax, .name = "probs"}), {x})});
  return model;
}

}  // namespace neurona
