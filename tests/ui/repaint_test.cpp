// Painting what has changed gives the pixels that painting everything gives, and paints little.
#include "host/repaint.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <random>

#include "session.hpp"

using namespace neurona::app;

namespace {

constexpr ImU32 kGround = 0xff102030;

/// A framebuffer on which each paint leaves its trace: a pixel missed, painted twice or out of order differs
/// for good.
struct Screen {
  int w = 0, h = 0;
  std::vector<std::uint32_t> pixels;

  Screen(int width, int height)
      : w(width), h(height), pixels(std::size_t(width) * std::size_t(height), 0xdead) {}

  void set(const PixelArea& area, ImU32 color) {
    for (int y = std::max(0, area.y0); y < std::min(h, area.y1); ++y)
      for (int x = std::max(0, area.x0); x < std::min(w, area.x1); ++x)
        pixels[std::size_t(y * w + x)] = color;
  }
  void triangles(const ImDrawList& list, const ImDrawCmd& command, ImVec2 scale) {
    // As the renderer computes its scissor, y up.
    const ImVec4& c = command.ClipRect;
    const int left = int(c.x * scale.x), low = int(float(h) - c.w * scale.y);
    const int right = left + int(c.z * scale.x - c.x * scale.x),
              high = low + int(c.w * scale.y - c.y * scale.y);
    for (unsigned i = 0; i < command.ElemCount; i += 3) {
      std::array<ImVec2, 3> p;
      ImU32 color = 0;
      for (unsigned k = 0; k < 3; ++k) {
        const ImDrawVert& v = list.VtxBuffer.Data[list.IdxBuffer.Data[command.IdxOffset + i + k]];
        p[k] = {v.pos.x * scale.x, v.pos.y * scale.y};
        color = v.col;
      }
      for (int y = std::max(0, h - high); y < std::min(h, h - low); ++y)
        for (int x = std::max(0, left); x < std::min(w, right); ++x) {
          const float px = float(x) + 0.5f, py = float(y) + 0.5f;
          int sides = 0;
          for (unsigned k = 0; k < 3; ++k) {
            const ImVec2 a = p[k], b = p[(k + 1) % 3];
            sides += (b.x - a.x) * (py - a.y) - (b.y - a.y) * (px - a.x) > 0 ? 1 : -1;
          }
          if (sides == 3 || sides == -3) {
            std::uint32_t& pixel = pixels[std::size_t(y * w + x)];
            pixel = pixel * 2654435761u + color;
          }
        }
    }
  }
};
Screen* painted = nullptr;

void fill_screen(const ImDrawList*, const ImDrawCmd* command) {
  const auto& fill = *static_cast<const Repaint::Fill*>(command->UserCallbackData);
  painted->set(fill.area, fill.color);
}

/// What the renderer does with the changes.
void render(const ImDrawData& data, Screen& screen) {
  painted = &screen;
  for (const ImDrawList* list : data.CmdLists)
    for (const ImDrawCmd& command : list->CmdBuffer)
      if (command.UserCallback)
        command.UserCallback(list, &command);
      else
        screen.triangles(*list, command, data.FramebufferScale);
}

/// Triangles and fills, one command each, in two lists.
struct Scene {
  struct Thing {
    ImVec4 clip;
    std::array<ImVec2, 3> corners;
    ImU32 color;
    bool fill;
    SolidFill solid;
  };
  std::vector<Thing> things;
  ImVec2 size, scale;
  std::array<std::unique_ptr<ImDrawList>, 2> lists{std::make_unique<ImDrawList>(nullptr),
                                                   std::make_unique<ImDrawList>(nullptr)};
  ImDrawData data;
  ImTextureData texture;
  ImVector<ImTextureData*> textures;
  std::mt19937 random{7};

  Scene(ImVec2 display, float density, int count) : size(display), scale(density, density) {
    textures.push_back(&texture);
    texture.UniqueID = 3;
    texture.Status = ImTextureStatus_OK;
    for (int i = 0; i < count; ++i) things.push_back(thing());
  }
  float at_random(float most) { return most * float(random() % 10007) / 10007.f; }
  Thing thing() {
    const float x = at_random(size.x), y = at_random(size.y), w = at_random(60), h = at_random(60);
    Thing out{{x - at_random(30), y - at_random(30), x + w, y + h},
              {{{x, y}, {x + w, y + at_random(60)}, {x + at_random(60), y + h}}},
              ImU32(random()),
              random() % 6 == 0,
              {{x, y, w, h}, IM_COL32_BLACK}};
    out.solid.color = out.color | IM_COL32_A_MASK;
    return out;
  }
  const ImDrawData& draw() {
    data.Clear();
    data.Valid = true;
    data.DisplaySize = size, data.FramebufferScale = scale;
    data.Textures = &textures;
    for (auto& list : lists) {
      list->CmdBuffer.resize(0), list->VtxBuffer.resize(0), list->IdxBuffer.resize(0);
      data.CmdLists.push_back(list.get());
      data.CmdListsCount += 1;
    }
    for (std::size_t i = 0; i < things.size(); ++i) {
      Thing& thing = things[i];
      ImDrawList& list = *lists[i < things.size() * 2 / 3 ? 0 : 1];
      ImDrawCmd command;
      command.ClipRect = thing.clip;
      if (thing.fill) {
        command.UserCallback = Repaint::mark_fill;
        command.UserCallbackData = &thing.solid;
      } else {
        command.TexRef._TexData = &texture;
        command.IdxOffset = unsigned(list.IdxBuffer.Size), command.ElemCount = 3;
        for (const ImVec2& corner : thing.corners) {
          list.IdxBuffer.push_back(static_cast<ImDrawIdx>(list.VtxBuffer.Size));
          list.VtxBuffer.push_back({corner, {0, 0}, thing.color});
        }
      }
      list.CmdBuffer.push_back(command);
    }
    return data;
  }
  /// Everything, without Repaint.
  Screen whole() {
    Screen screen(int(size.x * scale.x), int(size.y * scale.y));
    screen.set({0, 0, screen.w, screen.h}, kGround);
    for (const ImDrawList* list : draw().CmdLists)
      for (const ImDrawCmd& command : list->CmdBuffer)
        if (command.UserCallback) {
          const auto& [rect, color] = *static_cast<const SolidFill*>(command.UserCallbackData);
          screen.set({int(std::ceil(rect.x * scale.x)), int(std::ceil(rect.y * scale.y)),
                      int(std::floor(rect.right() * scale.x)), int(std::floor(rect.bottom() * scale.y))},
                     color);
        } else {
          screen.triangles(*list, command, scale);
        }
    return screen;
  }
};

std::int64_t total(std::span<const PixelArea> areas) {
  std::int64_t sum = 0;
  for (const PixelArea& area : areas) sum += area.size();
  return sum;
}

}  // namespace

TEST_CASE("Painting what has changed leaves the pixels that painting everything leaves") {
  for (const float density : {1.f, 1.5f, 2.625f}) {
    CAPTURE(density);
    Scene scene({311, 203}, density, 120);
    Repaint repaint(fill_screen);
    Screen screen(int(311 * density), int(203 * density));
    int pixels_off = 0, overlapping = 0;
    std::int64_t most = 0;
    for (int frame = 0; frame < 80; ++frame) {
      for (unsigned n = scene.random() % 4; n > 0; --n) {
        const std::size_t at = scene.random() % scene.things.size();
        switch (scene.random() % 3) {
          case 0:
            scene.things[at] = scene.thing();
            break;
          case 1:
            scene.things[at].color ^= 0x30;
            break;
          default:
            std::swap(scene.things[at], scene.things[scene.random() % scene.things.size()]);
        }
      }
      render(repaint.changes(scene.draw(), kGround), screen);
      const Screen truth = scene.whole();
      for (std::size_t i = 0; i < truth.pixels.size(); ++i) pixels_off += truth.pixels[i] != screen.pixels[i];
      const auto areas = repaint.areas();
      for (std::size_t i = 0; i < areas.size(); ++i)
        for (std::size_t k = i + 1; k < areas.size(); ++k) overlapping += areas[i].overlaps(areas[k]);
      CHECK(areas.size() <= 8);
      if (frame > 0) most = std::max(most, total(areas));
    }
    CHECK(pixels_off == 0);
    CHECK(overlapping == 0);
    CHECK(most > 0);
  }
}

TEST_CASE("Where nothing changes nothing is painted; a small change paints little") {
  Scene scene({1000, 800}, 1, 200);
  Repaint repaint(fill_screen);
  repaint.changes(scene.draw(), kGround);
  CHECK(total(repaint.areas()) == 1000 * 800);
  CHECK(repaint.changes(scene.draw(), kGround).CmdLists.Size == 0);
  CHECK(repaint.areas().empty());

  scene.things[0] = {{0, 0, 1000, 800}, {{{500, 400}, {520, 400}, {500, 420}}}, 0xffffffff, false, {}};
  repaint.changes(scene.draw(), kGround);
  scene.things[0].color = 0xff00ff00;
  const ImDrawData& changes = repaint.changes(scene.draw(), kGround);
  CHECK(total(repaint.areas()) <= 64 * 64);
  CHECK(changes.TotalIdxCount < 200);
}

TEST_CASE("Another ground, size, density or pixels of a texture are changes") {
  Scene scene({400, 300}, 1, 20);
  scene.things[5] = {{0, 0, 400, 300}, {{{10, 10}, {90, 10}, {10, 90}}}, 0xffffffff, false, {}};
  Repaint repaint(fill_screen);
  repaint.changes(scene.draw(), kGround);
  repaint.changes(scene.draw(), kGround + 1);
  CHECK(total(repaint.areas()) == 400 * 300);
  scene.texture.Status = ImTextureStatus_WantUpdates;
  repaint.changes(scene.draw(), kGround + 1);
  CHECK(total(repaint.areas()) >= 80 * 80 / 2);
  scene.texture.Status = ImTextureStatus_OK;
  repaint.changes(scene.draw(), kGround + 1);
  CHECK(repaint.areas().empty());
  scene.size = {401, 300};
  repaint.changes(scene.draw(), kGround + 1);
  CHECK(total(repaint.areas()) == 401 * 300);
  scene.scale = {2, 2};
  repaint.changes(scene.draw(), kGround + 1);
  CHECK(total(repaint.areas()) == 802 * 600);
}

TEST_CASE("A lesson at rest asks for no pixel") {
  Session s(1440, 900);
  s.run(5);
  Repaint repaint(fill_screen);
  repaint.changes(*ImGui::GetDrawData(), s.app->background());
  CHECK(total(repaint.areas()) == 1440 * 900);
  s.run(1);
  repaint.changes(*ImGui::GetDrawData(), s.app->background());
  CHECK(repaint.areas().empty());
}
