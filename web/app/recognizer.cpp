#include "recognizer.hpp"

#include <algorithm>
#include <cmath>

#include "neurona/error.hpp"
#include "neurona/formats.hpp"
#include "neurona/job.hpp"
#include "neurona/layers.hpp"

namespace neurona::app {
namespace {

class ModelRecognizer : public Recognizer {
 public:
  explicit ModelRecognizer(Model model) : model_(std::move(model)), input_(batch_shape(model_)) {}

  bool ready() const override { return true; }
  std::string name() const override { return model_.name(); }
  long long parameters() const override { return model_.count_params(); }
  long long multiply_adds() const override {
    long long sum = 0;
    for (const LayerCost& cost : model_.costs()) sum += cost.multiply_adds;
    return sum;
  }

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
    int kernel_height = 0, kernel_width = 0, kernel_channels = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
      LayerActivation layer;
      layer.name = all[i].layer, layer.kind = all[i].type;
      const Layer& of_model = model_.layer(std::int64_t(i));
      if (const auto* dense = dynamic_cast<const Dense*>(&of_model)) layer.activation = to_string(dense->activation());
      const std::span<const float> values = all[i].output.values();
      layer.values.assign(values.begin(), values.end());
      if (layer.kind == "Conv2D") {
        const Shape& kernel = of_model.parameters()[0].value.shape();
        kernel_height = int(kernel[0]), kernel_width = int(kernel[1]), kernel_channels = int(kernel[2]);
      }
      if (const Shape shape = model_.layer_output_shape(std::int64_t(i)); shape.rank() == 3) {
        layer.height = int(shape[0]), layer.width = int(shape[1]), layer.channels = int(shape[2]);
        layer.kernel_height = kernel_height, layer.kernel_width = kernel_width, layer.kernel_channels = kernel_channels;
      }
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
    const std::vector<float>& below = layer == 0 ? last_input_ : last_.layers[std::size_t(layer - 1)].values;
    auto& self =
        const_cast<Model&>(model_);  // parameters() hands out mutable ones only; nothing is changed
    const std::string prefix = last_.layers[std::size_t(layer)].name + "/";
    const Parameter *kernel = nullptr, *bias = nullptr;
    for (const auto& [name, parameter] : self.named_parameters()) {
      if (name == prefix + "kernel") kernel = parameter;
      if (name == prefix + "bias") bias = parameter;
    }
    if (!kernel) return out;
    const std::span<const float> w = kernel->value.values();
    const std::size_t units = std::size_t(dense->units());
    double z = 0;
    for (std::size_t k = 0; k < below.size(); ++k) {
      const float weight = w[k * units + std::size_t(unit)];
      z += double(weight) * double(below[k]);
      out.products.push_back({int(k), weight, below[k]});
    }
    out.inputs = int(below.size());
    if (bias) out.bias = bias->value.values()[std::size_t(unit)];
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
  Tensor input_;
  Prediction last_;
  std::vector<float> last_input_;
};

}  // namespace

std::unique_ptr<Recognizer> load_recognizer(std::span<const std::byte> bytes) {
  return std::make_unique<ModelRecognizer>(from_safetensors(bytes));
}

}  // namespace neurona::app
