// The whole interface without a window: frames are drawn into ImGui's lists and thrown away.
#include "app.hpp"

#include <doctest/doctest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "imgui.h"
#include "imgui_internal.h"

using namespace neurona::app;

namespace {

struct TestPlatform : Platform {
  std::string fragment;
  std::map<std::string, std::string, std::less<>> stored;
  std::string url_fragment() const override { return fragment; }
  void set_url_fragment(std::string_view text, bool) override { fragment = text; }
  std::string load(std::string_view key) const override {
    const auto it = stored.find(key);
    return it == stored.end() ? "" : it->second;
  }
  void store(std::string_view key, std::string_view value) override { stored[std::string(key)] = value; }
  std::shared_ptr<Fetch> fetch(std::string_view) override {
    auto out = std::make_shared<Fetch>();
    out->status = Fetch::Status::failed, out->error = "no network in tests";
    return out;
  }
  void copy_to_clipboard(std::string_view) override {}
  bool reduced_motion() const override { return true; }
  bool prefers_dark() const override { return false; }
  std::string preferred_language() const override { return "es-ES"; }
  int thread_count() const override { return 2; }
  double now_seconds() const override { return 0; }
  void emit(std::string_view, std::string_view) override {}
};

/// Always says 3, and that it has one hidden layer.
struct TestRecognizer : Recognizer {
  bool ready() const override { return true; }
  std::string name() const override { return "test"; }
  long long parameters() const override { return 79510; }
  Prediction predict(std::span<const std::uint8_t, 784>, bool) override {
    Prediction p;
    p.label = 3;
    p.probabilities[3] = 1;
    p.layers = {
        {"dense", "Dense", "relu", std::vector<float>(100, 0.5f)},
        {"dense_1", "Dense", "softmax", std::vector<float>(p.probabilities.begin(), p.probabilities.end())}};
    return p;
  }
  UnitExplanation explain(int, int, int) const override { return {}; }
};

struct Session {
  TestPlatform platform;
  DigitReader digit{""};
  Input input;
  std::unique_ptr<App> app;

  explicit Session(float width, float height) {
    ImGui::CreateContext();
    ImGui::GetIO().IniFilename = nullptr;
    ImGui::GetIO().BackendFlags |= ImGuiBackendFlags_RendererHasTextures;
    digit.set_recognizer(std::make_unique<TestRecognizer>());
    app = std::make_unique<App>(platform, digit, make_lessons());
    input.width = width, input.height = height;
    run(3);
  }
  ~Session() {
    app.reset();
    for (ImTextureData* texture : ImGui::GetPlatformIO().Textures)
      texture->SetStatus(ImTextureStatus_Destroyed);
    ImGui::DestroyContext();
  }
  void run(int frames) {
    for (int i = 0; i < frames; ++i) {
      input.time += 1.0 / 60;
      ImGui::GetIO().DisplaySize = {input.width, input.height};
      ImGui::GetIO().DeltaTime = 1.f / 60;
      ImGui::NewFrame();
      app->work(5);
      app->frame(input);
      ImGui::Render();
      for (ImTextureData* texture : ImGui::GetPlatformIO().Textures) {
        if (texture->Status == ImTextureStatus_WantCreate) texture->SetTexID(ImTextureID(1));
        if (texture->Status == ImTextureStatus_WantDestroy)
          texture->SetTexID(ImTextureID_Invalid), texture->SetStatus(ImTextureStatus_Destroyed);
        else
          texture->SetStatus(ImTextureStatus_OK);
      }
    }
  }
  nlohmann::json state() { return nlohmann::json::parse(app->state_json()); }
  void press(Key key) {
    input.keys.push_back({key, false});
    run(2);
  }
  void click(const std::string& name, PointerSource source = PointerSource::mouse) {
    const auto rect = state()["rects"].at(name);
    const ImVec2 at{rect[0].get<float>() + rect[2].get<float>() / 2,
                    rect[1].get<float>() + rect[3].get<float>() / 2};
    input.pointer.push_back({PointerEvent::Kind::down, at, source});
    input.pointer.push_back({PointerEvent::Kind::up, at, source});
    run(4);
  }
};

}  // namespace

TEST_CASE("A quick tap on the pad leaves a dot; undo takes it back") {
  Session s(390, 844);
  s.click("pad", PointerSource::touch);
  CHECK(s.state()["strokes"] == 1);
  CHECK(s.state()["prediction"]["label"] == 3);
  s.click("undo", PointerSource::touch);
  CHECK(s.state()["strokes"] == 0);
  CHECK(s.state()["prediction"].is_null());
}

TEST_CASE("Language, theme and steps answer to clicks, and the address follows") {
  Session s(1440, 900);
  CHECK(s.state()["language"] == "es");
  s.click("language");
  CHECK(s.state()["language"] == "en");
  s.click("theme");
  CHECK(s.state()["dark"] == true);
  s.click("next");
  CHECK(s.state()["step"] == 2);
  CHECK(s.platform.fragment == "lesson=draw&step=2&lang=en&theme=dark");
  s.press(Key::left);
  CHECK(s.state()["step"] == 1);
  CHECK(s.app->set_value("theme", "pink") == "theme: received 'pink', expected 'auto', 'light' or 'dark'.");
}

TEST_CASE("Every control can be reached with Tab and pressed with Enter") {
  Session s(1440, 900);
  bool moved = false;
  for (int i = 0; i < 40 && !moved; ++i) {
    s.press(Key::tab);
    s.input.keys.push_back({Key::enter, false});
    s.run(2);
    moved = s.state()["lesson"] == "giants";
  }
  CHECK(moved);
}

TEST_CASE("No control leaves the window or covers another, whatever the window") {
  for (const auto& [width, height] : {std::pair{360.f, 640.f},
                                      {390.f, 844.f},
                                      {700.f, 900.f},
                                      {1024.f, 768.f},
                                      {1100.f, 700.f},
                                      {1440.f, 900.f},
                                      {2560.f, 1440.f}}) {
    Session s(width, height);
    for (const char* language : {"es", "en"}) {
      CHECK(s.app->set_value("language", language) == "");
      for (int step = 0; step < 3; ++step) {
        s.app->go("draw", step);
        s.run(3);
        const nlohmann::json state = s.state(), rects = state["rects"];
        CAPTURE(width);
        CAPTURE(language);
        CAPTURE(step);
        for (auto a = rects.begin(); a != rects.end(); ++a) {
          CAPTURE(a.key());
          CHECK(a.value()[0].get<float>() >= 0);
          CHECK(a.value()[0].get<float>() + a.value()[2].get<float>() <= width + 0.5f);
          // Bars at the top and bottom lie over the scrolling page; within each layer nothing overlaps.
          for (auto b = std::next(a); b != rects.end(); ++b) {
            if (width < 1100) continue;
            const bool apart =
                a.value()[0].get<float>() + a.value()[2].get<float>() <= b.value()[0].get<float>() + 0.5f ||
                b.value()[0].get<float>() + b.value()[2].get<float>() <= a.value()[0].get<float>() + 0.5f ||
                a.value()[1].get<float>() + a.value()[3].get<float>() <= b.value()[1].get<float>() + 0.5f ||
                b.value()[1].get<float>() + b.value()[3].get<float>() <= a.value()[1].get<float>() + 0.5f;
            CAPTURE(b.key());
            CHECK(apart);
          }
        }
      }
    }
  }
}
