#pragma once

#include <map>
#include <string_view>
#include <vector>

#include "../lesson.hpp"
#include "../recognizer.hpp"
#include "../widgets/heat_map.hpp"

namespace neurona::app {

/// The prepared image and what the layers make of it, side by side: feature maps as small images, units as cells, each
/// with its numbers on hover. Shows the first block of convolutions, what every pooling leaves, and the Dense layers; as
/// many of the maps as have room, in two lines where it is narrow.
class LayerStrip {
 public:
  /// The height it would like at that width.
  static float height(const Prediction& network, float width);
  void draw(const StepContext& c, Rect rect);

 private:
  struct Column;
  void draw_line(const StepContext& c, Rect rect, std::vector<Column> columns);
  void draw_maps(const StepContext& c, const Column& column, Rect rect);
  void draw_units(const StepContext& c, const Column& column, Rect rect);
  const ImageSheet& sheet_of(const StepContext& c, int layer);

  struct Sheet {
    ImageSheet images;
    int serial = -1;  // of the prediction it shows
    bool dark = false;
  };
  std::map<int, Sheet> sheets_;  // by layer
  std::vector<float> scratch_;
};

/// The tooltip of one unit: z as the sum of its products, and what the activation makes of it.
void unit_tooltip(const StepContext& c, std::string_view key, Rect anchor, int layer, int unit);

}  // namespace neurona::app
