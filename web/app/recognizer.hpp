#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "neurona/explain.hpp"

namespace neurona::app {

/// One layer's output for one image.
struct LayerActivation {
  std::string name;        ///< "dense_1"
  std::string kind;        ///< "Dense", "Flatten" ...
  std::string activation;  ///< "relu", "softmax", "" ...
  std::vector<float> values;  ///< of an image: (H, W, C), row by row
  int height = 0, width = 0, channels = 0;  ///< of an image; 0: the values stand in a row
  bool is_image() const { return channels > 0; }
};

/// How one unit came about: the largest products and the sum, for the hover.
struct UnitExplanation {
  struct Product {
    int input;
    float weight, value;
  };
  std::vector<Product> products;  ///< by decreasing |weight * value|
  float bias = 0, z = 0, a = 0;
  int inputs = 0;
  std::string activation;
};

/// How one feature map came about, for the hover.
struct MapExplanation {
  int height = 0, width = 0;  ///< of the map; 0: there is no such map
  int row = 0, column = 0;    ///< where its largest value is
  float largest = 0;
  /// The layer of the convolution whose filter of the map's number made it, at or before the map's own layer; -1: none.
  int convolution = -1;
  int kernel_height = 0, kernel_width = 0, channels = 0;  ///< of the filter
  /// Products that each value of the convolution sums.
  int products() const { return kernel_height * kernel_width * channels; }
};

struct Prediction {
  int label = -1;  ///< -1: nothing predicted
  std::array<float, 10> probabilities{};
  std::vector<LayerActivation> layers;
  double milliseconds = 0;
};

/// Reads digits. The page's seam to the network; the library's model stands behind it.
class Recognizer {
 public:
  virtual ~Recognizer() = default;
  virtual std::string name() const = 0;
  virtual long long parameters() const = 0;
  /// Multiplications, each with its sum, that one reading costs.
  virtual long long multiply_adds() const = 0;
  /// image: 28x28 grey values as prepared (0 = ground, 255 = ink). `layers` false leaves Prediction::layers
  /// empty.
  virtual Prediction predict(std::span<const std::uint8_t, 784> image, bool layers = true) = 0;
  /// The numbers behind unit `unit` of the Dense layer `layer` of the last prediction with layers; no inputs for other
  /// layers.
  virtual UnitExplanation explain(int layer, int unit, int most = 3) const = 0;
  /// The numbers behind map `map` of the image layer `layer` of the last prediction with layers.
  virtual MapExplanation explain_map(int layer, int map) const = 0;
  /// Runs the network on an image and keeps every number of the pass, to tell where each comes from. Null where it cannot.
  virtual const Explainer* explain_pass(std::span<const std::uint8_t, 784> /*image*/) { return nullptr; }
};

/// Loads a network in safetensors format; throws neurona::Error naming what is wrong.
std::unique_ptr<Recognizer> load_recognizer(std::span<const std::byte> bytes);

}  // namespace neurona::app
