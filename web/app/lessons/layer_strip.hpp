#pragma once

#include <map>
#include <string>
#include <string_view>

#include "../lesson.hpp"
#include "../recognizer.hpp"
#include "../widgets/heat_map.hpp"

namespace neurona::app {

/// The prepared image and the layers' outputs side by side: feature maps as small images, units as cells, each with its
/// numbers on hover.
class LayerStrip {
 public:
  void draw(LessonContext& c, Rect rect);

 private:
  void maps(LessonContext& c, Rect rect, const LayerActivation& layer);
  std::map<std::string, ImageSheet> sheets_;  // by layer
  int changes_ = -1;
  const Theme* theme_ = nullptr;
};

/// The tooltip of one unit: z as the sum of its products, and what the activation makes of it.
void unit_tooltip(LessonContext& c, std::string_view key, Rect anchor, int layer, int unit);

}  // namespace neurona::app
