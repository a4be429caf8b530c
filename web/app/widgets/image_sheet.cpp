#include <array>
#include <cmath>
#include <cstring>

#include "heat_map.hpp"
#include "imgui_internal.h"

namespace neurona::app {
namespace {

/// Textures outlive their sheets by the frames the renderer needs to let go of them.
std::vector<std::unique_ptr<ImTextureData>>& retired() {
  static std::vector<std::unique_ptr<ImTextureData>> textures;
  return textures;
}

void retire(std::unique_ptr<ImTextureData> texture) {
  if (!texture || !ImGui::GetCurrentContext()) return;
  texture->DestroyPixels();
  // The renderer destroys what has this status and was unused for a frame.
  texture->UnusedFrames = 1;
  texture->SetStatus(texture->TexID == ImTextureID_Invalid ? ImTextureStatus_Destroyed : ImTextureStatus_WantDestroy);
  retired().push_back(std::move(texture));
}

/// Frees what the renderer has let go of. Only within a frame: at its end ImGui lists anew the textures that there are.
void free_retired() {
  std::erase_if(retired(), [](const std::unique_ptr<ImTextureData>& texture) {
    if (texture->Status != ImTextureStatus_Destroyed) return false;
    ImGui::UnregisterUserTexture(texture.get());
    return true;
  });
}

}  // namespace

ImageSheet::ImageSheet() = default;
ImageSheet::~ImageSheet() { retire(std::move(texture_)); }

void ImageSheet::put(std::span<const ImU32> pixels, int count, int height, int width) {
  // Each pixel becomes a block, so that linear sampling keeps squares square; a border of one repeats the
  // edge.
  const int scale = width * height <= 32 * 32 && count <= 64 ? 3 : count <= 256 ? 2 : 1;
  const int cell_w = width * scale + 2, cell_h = height * scale + 2;
  const int columns =
      std::clamp(int(std::ceil(std::sqrt(double(count) * cell_h / cell_w))), 1, std::max(1, 4096 / cell_w));
  const int rows = (count + columns - 1) / columns;
  const int w = columns * cell_w, h = rows * cell_h;
  if (!texture_ || texture_->Width != w || texture_->Height != h) {
    retire(std::move(texture_));
    free_retired();
    texture_ = std::make_unique<ImTextureData>();
    texture_->Create(ImTextureFormat_RGBA32, w, h);
    ImGui::RegisterUserTexture(texture_.get());
    texture_->SetStatus(ImTextureStatus_WantCreate);
  }
  count_ = count, height_ = height, width_ = width, columns_ = columns, scale_ = scale;
  auto* out = reinterpret_cast<ImU32*>(texture_->Pixels);
  for (int i = 0; i < count; ++i) {
    const ImU32* image = pixels.data() + std::ptrdiff_t(i) * width * height;
    ImU32* origin = out + std::ptrdiff_t(i / columns) * cell_h * w + std::ptrdiff_t(i % columns) * cell_w;
    for (int y = 0; y < cell_h; ++y) {
      const int sy = std::clamp((y - 1) / scale, 0, height - 1);
      for (int x = 0; x < cell_w; ++x)
        origin[std::ptrdiff_t(y) * w + x] = image[sy * width + std::clamp((x - 1) / scale, 0, width - 1)];
    }
  }
  texture_->UsedRect = {0, 0, static_cast<unsigned short>(w), static_cast<unsigned short>(h)};
  if (texture_->Status == ImTextureStatus_OK || texture_->Status == ImTextureStatus_WantUpdates) {
    texture_->UpdateRect = texture_->UsedRect;
    texture_->Updates.resize(1);
    texture_->Updates[0] = texture_->UsedRect;
    texture_->SetStatus(ImTextureStatus_WantUpdates);
  }
}

void ImageSheet::update(const Theme& theme, std::span<const float> values, int count, int height, int width,
                        Scale scale) {
  std::vector<ImU32> pixels(std::size_t(count) * std::size_t(height) * std::size_t(width), theme.panel);
  for (std::size_t i = 0; i < std::min(pixels.size(), values.size()); ++i)
    pixels[i] = scale_color(theme, scale, values[i]);
  put(pixels, count, height, width);
}

void ImageSheet::update(const Theme& theme, std::span<const std::uint8_t> values, int count, int height,
                        int width) {
  std::array<ImU32, 256> table;
  for (std::size_t i = 0; i < table.size(); ++i) table[i] = ink_scale(theme, float(i) / 255);
  std::vector<ImU32> pixels(std::size_t(count) * std::size_t(height) * std::size_t(width), theme.panel);
  for (std::size_t i = 0; i < std::min(pixels.size(), values.size()); ++i) pixels[i] = table[values[i]];
  put(pixels, count, height, width);
}

void ImageSheet::draw(Ui& ui, int index, Rect rect, float radius, ImU32 tint) const {
  if (!texture_ || index < 0 || index >= count_) return;
  const float cell_w = float(width_ * scale_ + 2), cell_h = float(height_ * scale_ + 2);
  const float x = float(index % columns_) * cell_w + 1, y = float(index / columns_) * cell_h + 1;
  const float w = float(texture_->Width), h = float(texture_->Height);
  ui.draw()->AddImageRounded(texture_->GetTexRef(), rect.min(), rect.max(), {x / w, y / h},
                             {(x + cell_w - 2) / w, (y + cell_h - 2) / h}, tint, radius);
}

}  // namespace neurona::app
