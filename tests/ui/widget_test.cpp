// Widgets alone, without the course around them.
#include <doctest/doctest.h>

#include <array>
#include <functional>
#include <set>

#include "formula.hpp"
#include "session.hpp"
#include "widgets/controls.hpp"
#include "widgets/confusion_matrix.hpp"
#include "widgets/heat_map.hpp"
#include "widgets/plot.hpp"

using namespace neurona::app;

namespace {

struct Bench {
  ImGuiContext* context = ImGui::CreateContext();
  Input input;
  std::unique_ptr<Ui> ui;
  Bench() {
    ImGui::GetIO().IniFilename = nullptr;
    ImGui::GetIO().BackendFlags |= ImGuiBackendFlags_RendererHasTextures;
    ui = std::make_unique<Ui>();
    input.width = 800, input.height = 600;
  }
  ~Bench() {
    ui.reset();
    for (ImTextureData* texture : ImGui::GetPlatformIO().Textures) texture->SetStatus(ImTextureStatus_Destroyed);
    ImGui::DestroyContext(context);
  }
  void frame(const std::function<void(Ui&)>& widgets) {
    input.time += 1.0 / 60;
    ImGui::GetIO().DisplaySize = {input.width, input.height};
    ImGui::GetIO().DeltaTime = 1.f / 60;
    ImGui::NewFrame();
    ui->begin_frame(input, light_theme(), Language::en, true);
    widgets(*ui);
    ui->end_frame();
    ImGui::Render();
    serve_textures();
  }
  void keys(std::initializer_list<Key> list, const std::function<void(Ui&)>& widgets) {
    for (const Key key : list) {
      input.keys.push_back({key, false});
      frame(widgets);
    }
  }
};

}  // namespace

TEST_CASE("The keyboard reaches the cells of a confusion matrix, and Enter chooses one") {
  Bench b;
  std::array<int, 100> counts{};
  ConfusionHit hit, chosen;
  const auto matrix = [&](Ui& ui) {
    hit = confusion_matrix(ui, "confusion", {100, 100, 400, 400}, counts, 10, {.truth = "truth", .predicted = "network"});
    if (hit.clicked) chosen = hit;
  };
  b.frame(matrix);
  CHECK(hit.truth == -1);
  b.keys({Key::tab, Key::down, Key::right, Key::right}, matrix);
  CHECK(hit.truth == 1);
  CHECK(hit.predicted == 2);
  b.keys({Key::enter}, matrix);
  CHECK(chosen.truth == 1);
  CHECK(chosen.predicted == 2);
  b.keys({Key::end, Key::up, Key::up}, matrix);
  CHECK(hit.truth == 0);
  CHECK(hit.predicted == 9);
  b.input.pointer.push_back({PointerEvent::Kind::move, {300, 300}, PointerSource::mouse});
  b.frame(matrix);
  CHECK(hit.truth > 2);  // the pointer takes over
}

TEST_CASE("The keyboard reaches the cells of a heat map and no cell beyond its last value") {
  Bench b;
  const std::array<float, 7> values{};
  int cell = -1;
  const auto map = [&](Ui& ui) { cell = heat_map(ui, "map", {100, 100, 300, 300}, values, 3, 3); };
  b.frame(map);
  b.keys({Key::tab, Key::right, Key::down}, map);
  CHECK(cell == 4);
  b.keys({Key::down}, map);
  CHECK(cell == 4);  // 7 would be below, and is not there
  b.keys({Key::left, Key::down}, map);
  CHECK(cell == 6);
}

TEST_CASE("The keyboard walks along a plot, and its reading follows") {
  Bench b;
  const std::array<float, 2> x{0, 1}, y{0, 1};
  const std::array<PlotSeries, 1> series = {PlotSeries{.name = "loss", .x = x, .y = y}};
  const auto curve = [&](Ui& ui) { plot(ui, "loss", {100, 100, 400, 300}, series, {}); };
  const auto tooltips = [] { return ImGui::GetForegroundDrawList()->VtxBuffer.Size; };
  b.frame(curve);
  CHECK(tooltips() == 0);
  b.keys({Key::tab, Key::right}, curve);
  CHECK(tooltips() > 0);
}

TEST_CASE("Image sheets of many sizes leave no textures behind") {
  Bench b;
  ImageSheet sheet;
  std::size_t most = 0;
  for (int count = 1; count <= 40; ++count) {
    const std::vector<std::uint8_t> pixels(std::size_t(count) * 784);
    b.frame([&](Ui& ui) {
      sheet.update(ui.theme(), pixels, count, 28, 28);
      sheet.draw(ui, 0, {10, 10, 50, 50});
    });
    std::size_t own = 0;
    for (const ImTextureData* texture : ImGui::GetPlatformIO().Textures) own += texture->Format == ImTextureFormat_RGBA32 && texture->Width != 512;
    most = std::max(most, own);
  }
  CHECK(ImGui::GetPlatformIO().Textures.size() < 8);
  CHECK(most < 6);
}

TEST_CASE("Text of both themes can be read: 4.5 to 1 on every ground") {
  constexpr float kLeast = 4.5f;
  for (const Theme& t : {light_theme(), dark_theme()}) {
    CAPTURE(t.dark);
    for (const ImU32 ground : {t.background, t.panel, t.code, t.hover, t.accent_soft, t.track})
      for (const ImU32 text : {t.ink, t.soft, t.accent, t.negative_text}) CHECK(contrast(text, ground) >= kLeast);
    for (const ImU32 ground : {t.background, t.panel, t.code}) CHECK(contrast(t.positive, ground) >= kLeast);
    CHECK(contrast(t.on_accent, t.accent) >= kLeast);
    for (int i = -20; i <= 20; ++i) {
      const ImU32 ground = diverging(t, float(i) / 20);
      CHECK(contrast(ink_on(t, ground), ground) > 3);  // numbers in coloured cells: the better of two inks
    }
  }
}

TEST_CASE("No text is drawn in a colour that is for lines") {
  for (const char* theme : {"light", "dark"})
    for (const char* lesson : {"draw", "train", "neuron"})
      for (int step = 0; step < (lesson == std::string("train") ? 7 : 1); ++step) {
        Session s(1440, 900);
        ImGui::GetStyle().AntiAliasedLinesUseTex = false;
        s.set("theme", theme);
        s.app->go(lesson, step);
        s.run(3);
        const Theme& t = theme == std::string("dark") ? dark_theme() : light_theme();
        CAPTURE(theme);
        CAPTURE(lesson);
        CAPTURE(step);
        const ImVec2 white = ImGui::GetDrawListSharedData()->TexUvWhitePixel;
        std::set<ImU32> colors;
        for (const ImDrawList* list : ImGui::GetDrawData()->CmdLists)
          for (const ImDrawVert& vertex : list->VtxBuffer)
            if (vertex.uv.x != white.x || vertex.uv.y != white.y) colors.insert(vertex.col);
        CHECK(colors.size() > 1);
        CHECK(!colors.contains(t.faint));
        if (!t.dark) CHECK(!colors.contains(t.negative));
      }
}

TEST_CASE("A symbol of a formula and its slider light each other") {
  Bench b;
  double value = 3;
  bool slider_lit = false, symbol_lit = false;
  const auto both = [&](Ui& ui) {
    const FormulaSize size = measure_formula(ui, "\\live{units}{H}", 40);
    draw_formula(ui, {100, 100 + size.ascent}, "\\live{units}{H}", 40, ui.theme().ink);
    slider_lit = symbol_lit = ui.lit("units");
    slider(ui, "units", {100, 300, 200, 30}, value, {.minimum = 0, .maximum = 10});
  };
  b.frame(both);
  CHECK(!slider_lit);
  b.input.pointer.push_back({PointerEvent::Kind::move, {112, 120}});
  b.frame(both), b.frame(both);
  CHECK(slider_lit);  // pointed at in the formula
  b.input.pointer.push_back({PointerEvent::Kind::move, {400, 500}});
  b.frame(both), b.frame(both);
  CHECK(!slider_lit);
  b.input.pointer.push_back({PointerEvent::Kind::move, {150, 315}});
  b.frame(both), b.frame(both);
  CHECK(symbol_lit);  // pointed at on the slider
}
