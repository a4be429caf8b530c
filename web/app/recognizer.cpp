#include "recognizer.hpp"

#include <algorithm>
#include <cmath>

#include "neurona/error.hpp"
#include "neurona/formats.hpp"
#include "neurona/job.hpp"
#include "neurona/layers.hpp"

namespace neurona::app {
namespace {

/// The values of a parameter of that layer; empty when it has none of that name.
std::span<const float> values_of(const Layer& layer, std::string_view parameter) {
  for (const Parameter& p : layer.parameters())
    if (p.name == parameter) return p.value.values();
  return {};
}

/// What the layer does last, or all it does: "relu", "softmax" ...; "" for layers without an activation of their own.
std::string activation_of(const Layer& layer) {
  if (const auto* dense = dynamic_cast<const Dense*>(&layer)) return std::string(to_string(dense->activation()));
  if (dynamic_cast<const Conv2D*>(&layer) || dynamic_cast<const ActivationLayer*>(&layer))
    return std::string(to_string(layer.final_activation()));
  return {};
}

class ModelRecognizer : public Recognizer {
 public:
  explicit ModelRecognizer(Model model) : model_(std::move(model)), input_(batch_shape(model_)) {
    for (const LayerCost& cost : model_.costs()) multiply_adds_ += cost.multiply_adds;
  }

  std::string name() const override { return model_.name(); }
  long long parameters() const override { return model_.count_params(); }
  long long multiply_adds() const override { return multiply_adds_; }

  Prediction predict(std::span<const std::uint8_t, 784> image, bool layers) override {
    const std::span<float> x = input_.values();
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = float(image[i]) / 255.f;
    Prediction out;
    const double start = now_ms();
    std::vector<neurona::LayerActivation> all;
    Tensor probabilities;
    if (layers)
      all = model_.activations(input_);
    else
      probabilities = model_.predict(input_);
    out.milliseconds = now_ms() - start;
    const std::span<const float> last = layers ? all.back().output.values() : probabilities.values();
    for (std::size_t i = 0; i < std::min<std::size_t>(10, last.size()); ++i) out.probabilities[i] = last[i];
    out.label =
        int(std::max_element(out.probabilities.begin(), out.probabilities.end()) - out.probabilities.begin());
    if (!layers) return out;
    for (std::size_t i = 0; i < all.size(); ++i) {
      LayerActivation layer;
      layer.name = all[i].layer, layer.kind = all[i].type;
      layer.activation = activation_of(model_.layer(std::int64_t(i)));
      if (const Shape& shape = all[i].output.shape(); shape.rank() == 3)
        layer.height = int(shape[0]), layer.width = int(shape[1]), layer.channels = int(shape[2]);
      const std::span<const float> values = all[i].output.values();
      layer.values.assign(values.begin(), values.end());
      out.layers.push_back(std::move(layer));
    }
    last_ = out;
    last_input_.assign(x.begin(), x.end());
    return out;
  }

  UnitExplanation explain(int layer, int unit, int most) const override {
    UnitExplanation out;
    if (layer < 0 || layer >= int(last_.layers.size())) return out;
    const auto* dense = dynamic_cast<const Dense*>(&model_.layer(layer));
    if (!dense || unit < 0 || unit >= int(dense->units())) return out;
    // Flatten and Dropout hand on the values of the layer before, in their order.
    const std::vector<float>& below = layer == 0 ? last_input_ : last_.layers[std::size_t(layer - 1)].values;
    const std::span<const float> kernel = values_of(*dense, "kernel"), bias = values_of(*dense, "bias");
    const std::size_t units = std::size_t(dense->units());
    if (kernel.size() != below.size() * units) return out;
    double z = 0;
    for (std::size_t k = 0; k < below.size(); ++k) {
      const float weight = kernel[k * units + std::size_t(unit)];
      z += double(weight) * double(below[k]);
      out.products.push_back({int(k), weight, below[k]});
    }
    out.inputs = int(below.size());
    if (!bias.empty()) out.bias = bias[std::size_t(unit)];
    out.z = float(z) + out.bias;
    out.a = last_.layers[std::size_t(layer)].values[std::size_t(unit)];
    out.activation = to_string(dense->activation());
    const auto larger = [](const UnitExplanation::Product& a, const UnitExplanation::Product& b) {
      return std::fabs(a.weight * a.value) > std::fabs(b.weight * b.value);
    };
    const std::size_t keep = std::min<std::size_t>(std::size_t(most), out.products.size());
    std::partial_sort(out.products.begin(), out.products.begin() + std::ptrdiff_t(keep), out.products.end(),
                      larger);
    out.products.resize(keep);
    return out;
  }

  const Explainer* explain_pass(std::span<const std::uint8_t, 784> image) override {
    if (!explainer_) explainer_ = std::make_unique<Explainer>(model_);
    const std::span<float> x = input_.values();
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = float(image[i]) / 255.f;
    explainer_->forward(input_);
    return explainer_.get();
  }

  MapExplanation explain_map(int layer, int map) const override {
    MapExplanation out;
    if (layer < 0 || layer >= int(last_.layers.size())) return out;
    const LayerActivation& shown = last_.layers[std::size_t(layer)];
    if (map < 0 || map >= shown.channels) return out;
    out.height = shown.height, out.width = shown.width;
    const std::size_t channels = std::size_t(shown.channels);
    for (int i = 0; i < shown.height * shown.width; ++i) {
      const float value = shown.values[std::size_t(i) * channels + std::size_t(map)];
      if (i == 0 || value > out.largest) out.largest = value, out.row = i / shown.width, out.column = i % shown.width;
    }
    // Pooling, activation and batch normalisation keep a filter's answer to itself.
    out.convolution = layer;
    const Conv2D* convolution = nullptr;
    while (out.convolution >= 0 && !(convolution = dynamic_cast<const Conv2D*>(&model_.layer(out.convolution)))) --out.convolution;
    if (!convolution) return out;
    const Shape& kernel = convolution->parameters()[0].value.shape();  // (KH, KW, C, F)
    out.kernel_height = int(kernel[0]), out.kernel_width = int(kernel[1]), out.channels = int(kernel[2]);
    return out;
  }

 private:
  static Shape batch_shape(const Model& model) {
    const Shape sample = model.input_shape();
    if (sample.elements() != 784 || model.output_shape().elements() != 10)
      throw FormatError("This network reads " + std::to_string(sample.elements()) + " values and gives " +
                        std::to_string(model.output_shape().elements()) +
                        "; the pad needs 784 (28x28 grey values) and 10. Choose a network of digits.");
    return sample.with_leading(1);
  }

  Model model_;
  long long multiply_adds_ = 0;
  Tensor input_;
  Prediction last_;
  std::vector<float> last_input_;
  std::unique_ptr<Explainer> explainer_;  // once it is asked for
};

}  // namespace

std::unique_ptr<Recognizer> load_recognizer(std::span<const std::byte> bytes) {
  return std::make_unique<ModelRecognizer>(from_safetensors(bytes));
}

}  // namespace neurona::app
