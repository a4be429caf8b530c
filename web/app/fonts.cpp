#include "fonts.hpp"

#include <cstdint>
#include <utility>

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

void add_face(Fonts& fonts, Face face, std::span<const unsigned char> bytes) {
  ImFontConfig config;
  config.FontDataOwnedByAtlas = false;  // the bytes live longer
  config.PixelSnapH = false;
  // ImGui's interface takes a mutable pointer but only reads when it does not own the data.
  ImFont* font = ImGui::GetIO().Fonts->AddFontFromMemoryTTF(const_cast<unsigned char*>(bytes.data()), int(bytes.size()),
                                                            16.f, &config);
  fonts.faces[std::size_t(face)] = font;
  fonts.em[std::size_t(face)] = em_factor(bytes);
}

}  // namespace

Fonts load_fonts() {
  Fonts fonts;
  const auto files = embedded_fonts();
  for (int i = 0; i < kEmbeddedFaces; ++i) add_face(fonts, Face(i), files[std::size_t(i)]);
  for (const auto& [face, stand_in] : {std::pair(Face::math, Face::text), std::pair(Face::math_italic, Face::italic)}) {
    fonts.faces[std::size_t(face)] = fonts[stand_in];
    fonts.em[std::size_t(face)] = fonts.em[std::size_t(stand_in)];
  }
  return fonts;
}

void add_math_fonts(Fonts& fonts, std::span<const std::byte> math, std::span<const std::byte> math_italic) {
  const auto plain = [](std::span<const std::byte> bytes) {
    return std::span(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  };
  add_face(fonts, Face::math, plain(math));
  add_face(fonts, Face::math_italic, plain(math_italic));
}

void set_font_density(Fonts& fonts, float density) {
  for (ImFont* face : fonts.faces) face->CurrentRasterizerDensity = density;
}

}  // namespace neurona::app
