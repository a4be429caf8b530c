// Painting only what has changed.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "imgui.h"

namespace neurona::app {

/// Pixels of the framebuffer, y down: [x0, x1) x [y0, y1).
struct PixelArea {
  int x0 = 0, y0 = 0, x1 = 0, y1 = 0;

  bool empty() const { return x1 <= x0 || y1 <= y0; }
  std::int64_t size() const { return empty() ? 0 : std::int64_t(x1 - x0) * (y1 - y0); }
  bool overlaps(const PixelArea& o) const { return x0 < o.x1 && o.x0 < x1 && y0 < o.y1 && o.y0 < y1; }
  PixelArea clipped(const PixelArea& other) const;
  PixelArea with(const PixelArea& other) const;
};

/// Compares a frame with the one before and paints only the areas that differ, into a framebuffer that keeps
/// its pixels. On software OpenGL a whole frame of the course takes 20 to 40 ms, of which a page that trains
/// changes a tenth.
///
/// The screen is divided into tiles; each has a hash of the triangles and fills that touch it, in their
/// order. Areas of differing tiles are painted as a whole, so the pixels are those that painting everything
/// gives.
class Repaint {
 public:
  /// What the host's callback for fills finds in UserCallbackData: opaque pixels to set.
  struct Fill {
    PixelArea area;
    ImU32 color;
  };
  /// For Ui::set_solid_fill: marks the interface's fills, which `changes` translates. Never called.
  static void mark_fill(const ImDrawList*, const ImDrawCmd*) {}

  explicit Repaint(ImDrawCallback fill) : fill_(fill) {}

  /// What brings the last frame to `data`, for a renderer of ImGui's draw data; the result lives until the
  /// next call. `ground` is the colour below everything.
  ImDrawData& changes(const ImDrawData& data, ImU32 ground);
  /// The areas of the last changes(): they do not overlap. Empty when nothing differs.
  std::span<const PixelArea> areas() const { return areas_; }

 private:
  void hash(const ImDrawData& data, ImU32 ground);
  void hash(const ImDrawList& list);
  void touch(const PixelArea& area, std::uint64_t hash);
  void find_areas();
  void paint(const ImDrawList& list, ImDrawList& out, bool lowest, ImU32 ground);
  std::uint64_t version(const ImTextureRef& texture) const;

  ImDrawCallback fill_;
  ImVec2 scale_;
  PixelArea screen_;
  int columns_ = 0, rows_ = 0;
  std::vector<std::uint64_t> tiles_, last_tiles_;
  std::map<int, std::uint64_t> texture_versions_;  // by UniqueID
  std::vector<PixelArea> areas_;
  std::vector<std::uint64_t> vertex_hashes_;
  std::vector<int> vertex_places_;
  std::vector<Fill> fills_;
  std::vector<std::unique_ptr<ImDrawList>> lists_;
  ImDrawData out_;
};

}  // namespace neurona::app
