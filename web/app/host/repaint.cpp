#include "repaint.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "ui.hpp"

namespace neurona::app {
namespace {

constexpr int kTile = 32;  // pixels
// Areas are merged while there are more, or while a merged one paints so few pixels too many.
constexpr std::size_t kMostAreas = 8;
constexpr std::int64_t kWorthMerging = 4096;

std::uint64_t mixed(std::uint64_t hash, std::uint64_t word) {
  return std::rotl((hash ^ word) * 0x9e3779b97f4a7c15u, 29) * 0xbf58476d1ce4e5b9u;
}

std::uint64_t hash_of(const ImDrawVert& vertex) {
  static_assert(sizeof vertex == 20);
  std::uint64_t words[2];
  std::memcpy(words, &vertex, sizeof words);
  return mixed(mixed(vertex.col, words[0]), words[1]);
}

std::uint64_t hash_of(const PixelArea& a) {
  return mixed(mixed(0, std::uint64_t(std::uint32_t(a.x0)) << 32 | std::uint32_t(a.y0)),
               std::uint64_t(std::uint32_t(a.x1)) << 32 | std::uint32_t(a.y1));
}

/// The scissor that ImGui's renderer makes of a clip rectangle.
PixelArea scissor(const ImVec4& clip, ImVec2 scale, const PixelArea& screen) {
  const float x0 = clip.x * scale.x, y0 = clip.y * scale.y, x1 = clip.z * scale.x, y1 = clip.w * scale.y;
  if (x1 <= x0 || y1 <= y0) return {};
  const int left = int(x0), bottom = int(float(screen.y1) - y1);
  return PixelArea{left, screen.y1 - bottom - int(y1 - y0), left + int(x1 - x0), screen.y1 - bottom}.clipped(
      screen);
}

/// A clip rectangle of which that renderer makes exactly this scissor, whatever the scale: its roundings stay
/// a quarter of a pixel away from the next number.
ImVec4 clip_of(const PixelArea& area, ImVec2 scale) {
  return {(float(area.x0) + 0.25f) / scale.x, (float(area.y0) - 0.5f) / scale.y,
          (float(area.x1) + 0.5f) / scale.x, (float(area.y1) - 0.25f) / scale.y};
}

/// The pixels wholly inside.
PixelArea inside(const Rect& rect, ImVec2 scale) {
  return {int(std::ceil(rect.x * scale.x)), int(std::ceil(rect.y * scale.y)),
          int(std::floor(rect.right() * scale.x)), int(std::floor(rect.bottom() * scale.y))};
}

struct Triangle {
  const ImDrawVert &a, &b, &c;

  /// Every pixel that it may touch.
  PixelArea bounds(ImVec2 scale) const {
    return {int(std::floor(std::min({a.pos.x, b.pos.x, c.pos.x}) * scale.x)),
            int(std::floor(std::min({a.pos.y, b.pos.y, c.pos.y}) * scale.y)),
            int(std::floor(std::max({a.pos.x, b.pos.x, c.pos.x}) * scale.x)) + 1,
            int(std::floor(std::max({a.pos.y, b.pos.y, c.pos.y}) * scale.y)) + 1};
  }
};

}  // namespace

PixelArea PixelArea::clipped(const PixelArea& o) const {
  return {std::max(x0, o.x0), std::max(y0, o.y0), std::min(x1, o.x1), std::min(y1, o.y1)};
}

PixelArea PixelArea::with(const PixelArea& o) const {
  return {std::min(x0, o.x0), std::min(y0, o.y0), std::max(x1, o.x1), std::max(y1, o.y1)};
}

ImDrawData& Repaint::changes(const ImDrawData& data, ImU32 ground) {
  hash(data, ground);
  find_areas();
  out_.Clear();
  out_.Valid = true;
  out_.DisplayPos = data.DisplayPos, out_.DisplaySize = data.DisplaySize,
  out_.FramebufferScale = data.FramebufferScale;
  out_.OwnerViewport = data.OwnerViewport, out_.Textures = data.Textures;
  while (lists_.size() < std::size_t(data.CmdLists.Size))
    lists_.push_back(std::make_unique<ImDrawList>(nullptr));
  std::size_t fills = areas_.size();  // commands point into it: it must not grow
  for (const ImDrawList* list : data.CmdLists) fills += std::size_t(list->CmdBuffer.Size) * areas_.size();
  fills_.clear();
  fills_.reserve(fills);
  for (int i = 0; i < data.CmdLists.Size && !areas_.empty(); ++i) {
    ImDrawList& out = *lists_[std::size_t(i)];
    paint(*data.CmdLists[i], out, i == 0, ground);
    out_.CmdLists.push_back(&out);
    out_.CmdListsCount += 1;
    out_.TotalVtxCount += out.VtxBuffer.Size, out_.TotalIdxCount += out.IdxBuffer.Size;
  }
  return out_;
}

void Repaint::hash(const ImDrawData& data, ImU32 ground) {
  const ImVec2 scale = data.FramebufferScale;
  const PixelArea screen{0, 0, int(data.DisplaySize.x * scale.x), int(data.DisplaySize.y * scale.y)};
  const bool same_screen =
      screen.x1 == screen_.x1 && screen.y1 == screen_.y1 && scale.x == scale_.x && scale.y == scale_.y;
  screen_ = screen, scale_ = scale;
  columns_ = (screen.x1 + kTile - 1) / kTile, rows_ = (screen.y1 + kTile - 1) / kTile;
  tiles_.swap(last_tiles_);
  tiles_.assign(std::size_t(columns_) * std::size_t(rows_), mixed(0, ground));
  if (!same_screen) last_tiles_.clear();
  if (data.Textures)
    for (const ImTextureData* texture : *data.Textures)
      if (texture->Status == ImTextureStatus_WantCreate || texture->Status == ImTextureStatus_WantUpdates)
        ++texture_versions_[texture->UniqueID];
  for (const ImDrawList* list : data.CmdLists) hash(*list);
}

void Repaint::hash(const ImDrawList& list) {
  vertex_hashes_.resize(std::size_t(list.VtxBuffer.Size));
  std::transform(list.VtxBuffer.begin(), list.VtxBuffer.end(), vertex_hashes_.begin(),
                 [](const ImDrawVert& v) { return hash_of(v); });
  for (const ImDrawCmd& command : list.CmdBuffer) {
    if (command.UserCallback == mark_fill) {
      const auto& fill = *static_cast<const SolidFill*>(command.UserCallbackData);
      const PixelArea area = inside(fill.rect, scale_);
      touch(area.clipped(screen_), mixed(hash_of(area), fill.color));
    }
    if (command.UserCallback) continue;
    const PixelArea clip = scissor(command.ClipRect, scale_, screen_);
    if (clip.empty()) continue;
    const std::uint64_t common = mixed(hash_of(clip), version(command.TexRef));
    const ImDrawIdx* index = list.IdxBuffer.Data + command.IdxOffset;
    for (unsigned i = 0; i < command.ElemCount; i += 3) {
      const unsigned a = command.VtxOffset + index[i], b = command.VtxOffset + index[i + 1],
                     c = command.VtxOffset + index[i + 2];
      const Triangle triangle{list.VtxBuffer.Data[a], list.VtxBuffer.Data[b], list.VtxBuffer.Data[c]};
      touch(triangle.bounds(scale_).clipped(clip),
            mixed(mixed(mixed(common, vertex_hashes_[a]), vertex_hashes_[b]), vertex_hashes_[c]));
    }
  }
}

void Repaint::touch(const PixelArea& area, std::uint64_t hash) {
  if (area.empty()) return;
  for (int y = area.y0 / kTile; y <= (area.y1 - 1) / kTile; ++y)
    for (int x = area.x0 / kTile; x <= (area.x1 - 1) / kTile; ++x) {
      std::uint64_t& tile = tiles_[std::size_t(y) * std::size_t(columns_) + std::size_t(x)];
      tile = mixed(tile, hash);
    }
}

/// Differing tiles as a few rectangles that do not overlap.
void Repaint::find_areas() {
  areas_.clear();
  if (last_tiles_.size() != tiles_.size()) {
    if (!screen_.empty()) areas_.push_back(screen_);
    return;
  }
  for (int y = 0; y < rows_; ++y)
    for (int x = 0; x < columns_; ++x) {
      const std::size_t row = std::size_t(y) * std::size_t(columns_);
      const int from = x;
      while (x < columns_ && tiles_[row + std::size_t(x)] != last_tiles_[row + std::size_t(x)]) ++x;
      if (x == from) continue;
      const PixelArea run = PixelArea{from * kTile, y * kTile, x * kTile, (y + 1) * kTile}.clipped(screen_);
      const auto above = std::ranges::find_if(
          areas_, [&](const PixelArea& a) { return a.y1 == run.y0 && a.x0 == run.x0 && a.x1 == run.x1; });
      if (above != areas_.end())
        above->y1 = run.y1;
      else
        areas_.push_back(run);
    }
  for (;;) {
    std::int64_t least = INT64_MAX;
    std::size_t one = 0, other = 0;
    for (std::size_t i = 0; i < areas_.size(); ++i)
      for (std::size_t k = i + 1; k < areas_.size(); ++k) {
        const std::int64_t more = areas_[i].with(areas_[k]).size() - areas_[i].size() - areas_[k].size();
        if (more < least) least = more, one = i, other = k;
      }
    if (least == INT64_MAX || (least > kWorthMerging && areas_.size() <= kMostAreas)) return;
    PixelArea merged = areas_[one].with(areas_[other]);
    areas_.erase(areas_.begin() + std::ptrdiff_t(other));
    areas_.erase(areas_.begin() + std::ptrdiff_t(one));
    // What it covers now, it takes in: pixels painted twice would be blended twice.
    for (std::size_t i = 0; i < areas_.size();) {
      if (!areas_[i].overlaps(merged)) {
        ++i;
        continue;
      }
      merged = merged.with(areas_[i]);
      areas_.erase(areas_.begin() + std::ptrdiff_t(i));
      i = 0;
    }
    areas_.push_back(merged);
  }
}

void Repaint::paint(const ImDrawList& list, ImDrawList& out, bool lowest, ImU32 ground) {
  out.CmdBuffer.resize(0), out.IdxBuffer.resize(0), out.VtxBuffer.resize(0);
  vertex_places_.assign(std::size_t(list.VtxBuffer.Size), -1);
  const auto place = [&](unsigned vertex) {
    int& at = vertex_places_[vertex];
    if (at < 0) {
      at = out.VtxBuffer.Size;
      out.VtxBuffer.push_back(list.VtxBuffer.Data[vertex]);
    }
    return static_cast<ImDrawIdx>(at);
  };
  const auto fill = [&](const PixelArea& area, ImU32 color) {
    if (area.empty()) return;
    fills_.push_back({area, color});
    ImDrawCmd command;
    command.UserCallback = fill_;
    command.UserCallbackData = &fills_.back();
    out.CmdBuffer.push_back(command);
  };
  for (const PixelArea& area : areas_) {
    if (lowest) fill(area, ground);
    for (const ImDrawCmd& source : list.CmdBuffer) {
      if (source.UserCallback == mark_fill) {
        const auto& wanted = *static_cast<const SolidFill*>(source.UserCallbackData);
        fill(inside(wanted.rect, scale_).clipped(area), wanted.color);
      }
      if (source.UserCallback) continue;
      const PixelArea clip = scissor(source.ClipRect, scale_, screen_).clipped(area);
      if (clip.empty()) continue;
      ImDrawCmd command;
      command.ClipRect = clip_of(clip, scale_);
      command.TexRef = source.TexRef;
      command.IdxOffset = unsigned(out.IdxBuffer.Size);
      const ImDrawIdx* index = list.IdxBuffer.Data + source.IdxOffset;
      for (unsigned i = 0; i < source.ElemCount; i += 3) {
        const unsigned a = source.VtxOffset + index[i], b = source.VtxOffset + index[i + 1],
                       c = source.VtxOffset + index[i + 2];
        const Triangle triangle{list.VtxBuffer.Data[a], list.VtxBuffer.Data[b], list.VtxBuffer.Data[c]};
        if (!triangle.bounds(scale_).overlaps(clip)) continue;
        for (const unsigned vertex : {a, b, c}) out.IdxBuffer.push_back(place(vertex));
      }
      command.ElemCount = unsigned(out.IdxBuffer.Size) - command.IdxOffset;
      if (command.ElemCount > 0) out.CmdBuffer.push_back(command);
    }
  }
}

/// Tells a texture from others, and from itself before its pixels changed.
std::uint64_t Repaint::version(const ImTextureRef& texture) const {
  if (!texture._TexData) return std::uint64_t(texture._TexID);
  const auto found = texture_versions_.find(texture._TexData->UniqueID);
  return mixed(std::uint64_t(texture._TexData->UniqueID),
               found == texture_versions_.end() ? 0 : found->second);
}

}  // namespace neurona::app
