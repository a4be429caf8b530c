#include "fonts.hpp"

#include <cstdint>

#include "embedded_fonts.hpp"

namespace neurona::app {

namespace {

/// (ascent - descent) / units per em from the font's hhea and head tables; 1 when they are not there.
float em_factor(std::span<const unsigned char> font) {
  const auto u16 = [&](std::size_t at) { return at + 2 <= font.size() ? font[at] << 8 | font[at + 1] : 0; };
  const auto u32 = [&](std::size_t at) { return std::size_t(u16(at)) << 16 | std::size_t(u16(at + 2)); };
  float units = 0, extent = 0;
  for (int i = 0; i < u16(4); ++i) {
    const std::size_t record = 12 + 16 * std::size_t(i), offset = u32(record + 8);
    if (u32(record) == 0x68656164) units = float(u16(offset + 18));  // 'head'
    if (u32(record) == 0x68686561)                                   // 'hhea'
      extent = float(std::int16_t(u16(offset + 4)) - std::int16_t(u16(offset + 6)));
  }
  return units > 0 && extent > 0 ? extent / units : 1.f;
}

}  // namespace

Fonts load_fonts() {
  Fonts fonts;
  ImFontAtlas* atlas = ImGui::GetIO().Fonts;
  const auto files = embedded_fonts();
  for (int i = 0; i < kFaceCount; ++i) {
    ImFontConfig config;
    config.FontDataOwnedByAtlas = false;  // the bytes live in the program's image
    config.PixelSnapH = false;
    const auto bytes = files[std::size_t(i)];
    fonts.em[std::size_t(i)] = em_factor(bytes);
    // ImGui's interface takes a mutable pointer but only reads when it does not own the data.
    fonts.faces[std::size_t(i)] = atlas->AddFontFromMemoryTTF(const_cast<unsigned char*>(bytes.data()),
                                                              int(bytes.size()), 16.f, &config);
  }
  // Inter lacks a few mathematical signs; they come from the mathematical face.
  const auto math = files[std::size_t(Face::math)];
  for (const Face face : {Face::text, Face::strong, Face::italic}) {
    ImFontConfig merge;
    merge.FontDataOwnedByAtlas = false;
    merge.MergeMode = true;
    merge.DstFont = fonts[face];
    atlas->AddFontFromMemoryTTF(const_cast<unsigned char*>(math.data()), int(math.size()), 16.f, &merge);
  }
  return fonts;
}

void set_font_density(Fonts& fonts, float density) {
  for (ImFont* face : fonts.faces) face->CurrentRasterizerDensity = density;
}

}  // namespace neurona::app
