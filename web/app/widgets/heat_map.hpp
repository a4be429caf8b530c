#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "../ui.hpp"

struct ImTextureData;

namespace neurona::app {

enum class Scale {
  ink,        ///< 0..1 from paper to ink: images
  diverging,  ///< -1..1 from orange over paper to blue: weights, activations
  units,      ///< the same over a grey ground, so that a unit that says nothing can be seen: feature maps
  accent,     ///< 0..1 from paper to accent: probabilities, counts
};

ImU32 scale_color(const Theme& theme, Scale scale, float v);

struct HeatMapOptions {
  Scale scale = Scale::ink;
  float gap = 0;                ///< between cells; a map of few large cells looks better with 1
  float radius = 4;             ///< corners of the whole map
  bool ground = true;           ///< paint the zero colour behind the map
  int selected = -1;            ///< cell with a frame
  std::string_view label = {};  ///< for screen readers
};

/// Draws rows x columns values as cells filling `rect`; for up to about a thousand cells. Arrows move from cell to cell.
/// @param values  row-major, already scaled to the range of the Scale
/// @return index of the cell that is pointed at (Ui::cell), or -1
int heat_map(Ui& ui, std::string_view name, Rect rect, std::span<const float> values, int rows, int columns,
             const HeatMapOptions& options = {});

/// The same without the region: a picture only.
void paint_cells(Ui& ui, Rect rect, std::span<const float> values, int rows, int columns, const HeatMapOptions& options = {});

/// Rectangle of one cell of such a map (for frames and tooltips).
Rect heat_map_cell(Rect rect, int rows, int columns, int index);

/// The best number of columns for `count` cells in a rectangle of that shape.
int grid_columns(int count, float width, float height);

/// Many small images of equal size in one texture: weights as images, a gallery of digits.
/// Keep it as a member of the lesson; update() only when the values change.
class ImageSheet {
 public:
  ImageSheet();
  ~ImageSheet();
  ImageSheet(const ImageSheet&) = delete;
  ImageSheet& operator=(const ImageSheet&) = delete;

  /// @param values  count x height x width, row-major, scaled to the range of `scale`
  void update(const Theme& theme, std::span<const float> values, int count, int height, int width,
              Scale scale);
  /// The same from grey values 0..255.
  void update(const Theme& theme, std::span<const std::uint8_t> values, int count, int height, int width);
  int count() const { return count_; }
  /// Draws image `index` into `rect`. `crisp` shows square pixels, else it is interpolated.
  void draw(Ui& ui, int index, Rect rect, float radius = 3, ImU32 tint = 0xffffffff) const;

 private:
  void put(std::span<const ImU32> pixels, int count, int height, int width);
  std::unique_ptr<ImTextureData> texture_;
  int count_ = 0, height_ = 0, width_ = 0, columns_ = 0, scale_ = 1;
};

/// Lays out `count` cells of at least `least` px, as many as fit.
struct GalleryLayout {
  int columns = 0, rows = 0, shown = 0;
  float cell = 0, gap = 6;
};
GalleryLayout gallery_layout(float width, float height, int count, float least = 28, float most = 64,
                             float gap = 6);
Rect gallery_cell(Rect area, const GalleryLayout& layout, int index);

/// The image that is pointed at (Ui::cell), -1 for none, and whether it was chosen: clicked, or Enter.
struct GalleryHit {
  int index = -1;
  bool clicked = false;
};
/// Draws the first images of a sheet, as many as the layout shows.
GalleryHit gallery(Ui& ui, std::string_view name, Rect area, const GalleryLayout& layout, const ImageSheet& sheet,
                   float radius, std::string_view label);

}  // namespace neurona::app
