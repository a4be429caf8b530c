// The whole interface without a window: frames are drawn into ImGui's lists and thrown away.
#pragma once

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "app.hpp"
#include "bundled_files.hpp"
#include "imgui.h"
#include "imgui_internal.h"

namespace neurona::app {

struct TestPlatform : Platform {
  std::string fragment;
  int pushed = 0;                                            // entries of the history
  std::vector<std::pair<std::string, std::string>> emitted;  // event, JSON
  std::map<std::string, std::string, std::less<>> stored;
  std::string url_fragment() const override { return fragment; }
  void set_url_fragment(std::string_view text, bool push) override { fragment = text, pushed += push; }
  std::string load(std::string_view key) const override {
    const auto it = stored.find(key);
    return it == stored.end() ? "" : it->second;
  }
  void store(std::string_view key, std::string_view value) override { stored[std::string(key)] = value; }
  std::map<std::string, std::vector<std::byte>, std::less<>> files;  // that can be fetched
  std::vector<std::string> fetched;
  std::string refused;  // fails, though it is there
  std::shared_ptr<Fetch> fetch(std::string_view path) override {
    fetched.emplace_back(path);
    auto out = std::make_shared<Fetch>();
    if (path == refused) {
      out->status = Fetch::Status::failed, out->error = "refused";
      return out;
    }
    if (const std::string_view text = bundled_file(path); !text.empty()) {
      const auto bytes = std::as_bytes(std::span(text));
      out->status = Fetch::Status::done, out->bytes.assign(bytes.begin(), bytes.end());
      return out;
    }
    if (const auto it = files.find(path); it != files.end())
      out->status = Fetch::Status::done, out->bytes = it->second;
    else
      out->status = Fetch::Status::failed, out->error = "no network in tests", out->not_found = true;
    return out;
  }
  void copy_to_clipboard(std::string_view) override {}
  bool reduced_motion() const override { return true; }
  bool prefers_dark() const override { return false; }
  std::string preferred_language() const override { return "es-ES"; }
  int thread_count() const override { return 2; }
  double now_seconds() const override { return 0; }
  void emit(std::string_view event, std::string_view json) override { emitted.emplace_back(event, json); }
  /// What was said last of that event, "" when nothing was.
  std::string last(std::string_view event) const {
    for (auto it = emitted.rbegin(); it != emitted.rend(); ++it)
      if (it->first == event) return it->second;
    return {};
  }
};

/// Always says 3, and that it has one hidden layer.
struct TestRecognizer : Recognizer {
  std::string name() const override { return "test"; }
  long long parameters() const override { return 79510; }
  long long multiply_adds() const override { return 79400; }
  Prediction predict(std::span<const std::uint8_t, 784>, bool) override {
    Prediction p;
    p.label = 3;
    p.probabilities[3] = 1;
    p.layers = {
        {.name = "dense", .kind = "Dense", .activation = "relu", .values = std::vector<float>(100, 0.5f)},
        {.name = "dense_1",
         .kind = "Dense",
         .activation = "softmax",
         .values = std::vector<float>(p.probabilities.begin(), p.probabilities.end())}};
    return p;
  }
  UnitExplanation explain(int, int, int) const override { return {}; }
  MapExplanation explain_map(int, int) const override { return {}; }
};

/// What a renderer does with ImGui's textures at the end of a frame.
inline void serve_textures() {
  for (ImTextureData* texture : ImGui::GetPlatformIO().Textures) {
    if (texture->Status == ImTextureStatus_Destroyed) continue;
    if (texture->Status == ImTextureStatus_WantCreate) texture->SetTexID(ImTextureID(1));
    if (texture->Status == ImTextureStatus_WantDestroy)
      texture->SetTexID(ImTextureID_Invalid), texture->SetStatus(ImTextureStatus_Destroyed);
    else
      texture->SetStatus(ImTextureStatus_OK);
  }
}

struct Session {
  TestPlatform platform;
  DigitReader digit{NetworkFiles{"", ""}};
  Input input;
  float window_width = 0, window_height = 0;
  std::unique_ptr<App> app;

  explicit Session(float width, float height, std::string fragment = {}) {
    platform.fragment = std::move(fragment);
    ImGui::CreateContext();
    ImGui::GetIO().IniFilename = nullptr;
    ImGui::GetIO().BackendFlags |= ImGuiBackendFlags_RendererHasTextures;
    digit.set_recognizer(std::make_unique<TestRecognizer>());
    app = std::make_unique<App>(platform, digit, make_lessons());
    window_width = width, window_height = height;
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
      fit_window(input, window_width, window_height, 1);
      ImGui::GetIO().DeltaTime = 1.f / 60;
      ImGui::NewFrame();
      app->work(5);
      app->frame(input);
      ImGui::Render();
      serve_textures();
    }
  }
  nlohmann::json state() { return nlohmann::json::parse(app->state_json()); }
  /// Works until the embedded digits are there.
  void load_data() {
    for (int i = 0; i < 20000 && state()["data"]["status"] != "ready"; ++i) {
      app->work(50);
      run(1);
    }
  }
  /// Works without drawing until training or evaluation rest.
  void train() {
    while (app->work(50)) {
    }
    run(3);
  }
  void set(std::string_view name, std::string_view value) {
    const std::string error = app->set_value(name, value);
    if (!error.empty()) throw std::runtime_error(error);
    run(2);
  }
  ImVec2 centre(const std::string& name) {
    const auto rect = state()["rects"].at(name);
    return {rect[0].get<float>() + rect[2].get<float>() / 2, rect[1].get<float>() + rect[3].get<float>() / 2};
  }
  void point(PointerEvent::Kind kind, ImVec2 at, PointerSource source = PointerSource::mouse) {
    input.pointer.push_back({kind, at, source});
    run(1);
  }
  void press(Key key) {
    input.keys.push_back({key, false});
    run(2);
  }
  void click(const std::string& name, PointerSource source = PointerSource::mouse) {
    const ImVec2 at = centre(name);
    input.pointer.push_back({PointerEvent::Kind::down, at, source});
    input.pointer.push_back({PointerEvent::Kind::up, at, source});
    run(4);
  }
};

}  // namespace neurona::app
