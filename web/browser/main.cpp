// The page's side of the course: a WebGL2 context through SDL, input from loader.js, frames when it asks for
// them.
#include <GLES3/gl3.h>
#include <SDL.h>
#include <emscripten.h>
#include <emscripten/html5.h>

#include <cmath>
#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "app.hpp"
#include "host/repaint.hpp"
#include "imgui.h"
#include "imgui_impl_opengl3.h"
#include "neurona/backend.hpp"
#include "platform_browser.hpp"

// Dear ImGui's renderer reads the state of OpenGL before each frame, to put it back afterwards. In a page
// every such question waits until the graphics process has drawn the frame before: 50 to 100 ms on software
// OpenGL. Nobody else uses this context, so the initial state is as good an answer.
// clang-format off
EM_JS(void, js_answer_state_locally, (), {
  const gl = GL.currentContext.GLctx;
  const ask = gl.getParameter.bind(gl);
  const numbers = new Map([[0x84E0, 0x84C0], [0x8009, 0x8006], [0x883D, 0x8006], [0x80C8, 0], [0x80C9, 1], [0x80CA, 0], [0x80CB, 1]]);
  const bindings = new Set([0x8B8D, 0x8069, 0x8919, 0x8894, 0x8895, 0x85B5]);
  gl.getParameter = (name) => {
    if (numbers.has(name)) return numbers.get(name);
    if (bindings.has(name)) return null;
    if (name === 0x0BA2 || name === 0x0C10) return new Int32Array([0, 0, gl.drawingBufferWidth, gl.drawingBufferHeight]);
    return ask(name);
  };
  gl.isEnabled = () => false;
})
EM_JS(void, js_cursor, (int kind), { Module.canvas.style.cursor = ["default", "pointer", "crosshair"][kind]; })
// clang-format on

namespace {

using namespace neurona::app;

/// A large fill as a clear of a part of the screen: on software OpenGL a textured, blended pixel costs twenty times as much.
void fill_by_clearing(const ImDrawList*, const ImDrawCmd* command);

/// All that lives as long as the page.
struct Page {
  SDL_Window* window = nullptr;
  SDL_GLContext gl = nullptr;
  BrowserPlatform platform;
  DigitReader digit;
  Input input;
  std::unique_ptr<App> app;
  Repaint repaint{fill_by_clearing};
  int width = 0, height = 0;
  Cursor cursor = Cursor::arrow;
};
Page* page = nullptr;

/// False before main() is through, and for ever where it could not get what it needs.
bool running() { return page && page->app; }

void fill_by_clearing(const ImDrawList*, const ImDrawCmd* command) {
  const auto& [area, color] = *static_cast<const Repaint::Fill*>(command->UserCallbackData);
  const ImDrawData& data = *ImGui::GetDrawData();
  const int height = int(data.DisplaySize.y * data.FramebufferScale.y);
  const ImVec4 c = ImGui::ColorConvertU32ToFloat4(color);
  glScissor(area.x0, height - area.y1, area.x1 - area.x0, area.y1 - area.y0);
  glClearColor(c.x, c.y, c.z, 1);
  glClear(GL_COLOR_BUFFER_BIT);
}

/// A result for JavaScript; it frees the text.
char* reply(const nlohmann::json& json) {
  const std::string text = json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  char* out = static_cast<char*>(std::malloc(text.size() + 1));
  std::copy(text.begin(), text.end(), out);
  out[text.size()] = 0;
  return out;
}

std::vector<PadStroke> read_strokes(const nlohmann::json& json) {
  const auto fail = [](const std::string& what) {
    throw std::runtime_error("draw: " + what +
                             " Expected a list of strokes, each a list of [x, y] with numbers from 0 to 1.");
  };
  if (!json.is_array() || json.empty()) fail("received no strokes.");
  std::vector<PadStroke> out;
  for (std::size_t s = 0; s < json.size(); ++s) {
    const std::string where = "stroke " + std::to_string(s);
    if (!json[s].is_array() || json[s].empty()) fail(where + " is not a list of points.");
    if (json[s].size() > 100000) fail(where + " has more than 100000 points.");
    PadStroke stroke;
    for (const auto& point : json[s]) {
      if (!point.is_array() || point.size() < 2 || !point[0].is_number() || !point[1].is_number())
        fail(where + " holds a point that is not [x, y].");
      const float x = point[0].get<float>(), y = point[1].get<float>();
      if (!std::isfinite(x) || !std::isfinite(y) || x < -1 || x > 2 || y < -1 || y > 2)
        fail(where + " leaves the pad.");
      stroke.push_back({x, y});
    }
    out.push_back(std::move(stroke));
  }
  return out;
}

nlohmann::json call(const std::string& method, const nlohmann::json& a) {
  if (!running()) throw std::runtime_error(method + ": the course did not start.");
  App& app = *page->app;
  if (method == "state") return nlohmann::json::parse(app.state_json());
  if (method == "go") {
    if (!a.at(0).is_string())
      throw std::runtime_error("go: the lesson's id is a string, such as 'draw' or 'train'.");
    if (!a.at(1).is_null() && !a.at(1).is_number_integer())
      throw std::runtime_error("go: the step is a whole number from 1.");
    const int step = a.at(1).is_null() ? 1 : a.at(1).get<int>();
    if (!app.go(a.at(0).get<std::string>(), step - 1))
      throw std::runtime_error("go: no lesson is called '" + a.at(0).get<std::string>() + "'.");
    return nullptr;
  }
  if (method == "set") {
    if (!a.at(0).is_string()) throw std::runtime_error("set: the name is a string.");
    const std::string value = a.at(1).is_string() ? a.at(1).get<std::string>() : a.at(1).dump();
    const std::string error = app.set_value(a.at(0).get<std::string>(), value);
    if (!error.empty()) throw std::runtime_error(error);
    return nullptr;
  }
  if (method == "draw") return nlohmann::json::parse(app.draw_strokes(read_strokes(a.at(0))));
  if (method == "activate") return app.activate_control(a.at(0).get<std::string>()), nullptr;
  if (method == "focus") return app.focus_control(a.at(0).get<std::string>()), nullptr;
  if (method == "url") return app.url_changed(), nullptr;
  throw std::runtime_error("no such call: " + method);
}

}  // namespace

extern "C" {

/// kind: 0 move, 1 down, 2 up, 3 cancel, 4 leave; source: 0 mouse, 1 touch, 2 pen. CSS pixels.
EMSCRIPTEN_KEEPALIVE void neurona_pointer(int kind, float x, float y, int source) {
  if (!running()) return;
  page->input.pointer.push_back({PointerEvent::Kind(kind), {x, y}, PointerSource(source)});
}

/// `key` counts as Key does. Returns 1 when Tab goes past the controls: it is the browser's turn.
EMSCRIPTEN_KEEPALIVE int neurona_key(int key, int shift) {
  if (!running()) return 0;
  page->input.keys.push_back({Key(key), shift != 0});
  if (Key(key) != Key::tab) return 0;
  int steps = 0;  // with those that wait for the next frame
  for (const KeyEvent& event : page->input.keys)
    if (event.key == Key::tab) steps += event.shift ? -1 : 1;
  return page->app->tab_leaves(steps) ? 1 : 0;
}

/// CSS pixels, as a page scrolls.
EMSCRIPTEN_KEEPALIVE void neurona_wheel(float x, float y) {
  if (!running()) return;
  page->input.wheel.x += x, page->input.wheel.y += y;
}

/// Whether main() got everything it needs; without graphics it does not.
EMSCRIPTEN_KEEPALIVE int neurona_started() { return running() ? 1 : 0; }

/// Works for about `budget_ms`. Returns 1 when there is more to do, plus 2 when a frame is wanted.
EMSCRIPTEN_KEEPALIVE int neurona_work(double budget_ms) {
  if (!running()) return 0;
  const bool more = page->app->work(budget_ms);
  return (more ? 1 : 0) | (page->app->wants_frame() || page->input.any() ? 2 : 0);
}

/// One frame into a canvas of width x height CSS pixels.
EMSCRIPTEN_KEEPALIVE void neurona_frame(float width, float height, float density) {
  if (!running() || width < 1 || height < 1) return;
  const int pixel_width = int(std::lround(width * density)),
            pixel_height = int(std::lround(height * density));
  if (pixel_width != page->width || pixel_height != page->height) {
    emscripten_set_canvas_element_size("#canvas", pixel_width, pixel_height);
    page->width = pixel_width, page->height = pixel_height;
  }
  fit_window(page->input, width, height, density);
  page->input.time = page->platform.now_seconds();
  ImGui::GetIO().DeltaTime = 1.f / 60;
  ImGui_ImplOpenGL3_NewFrame();
  ImGui::NewFrame();
  page->app->frame(page->input);
  if (page->app->cursor() != page->cursor) js_cursor(int(page->cursor = page->app->cursor()));
  ImGui::Render();
  ImGui_ImplOpenGL3_RenderDrawData(&page->repaint.changes(*ImGui::GetDrawData(), page->app->background()));
}

EMSCRIPTEN_KEEPALIVE char* neurona_call(const char* method, const char* arguments) {
  try {
    return reply({{"value", call(method, nlohmann::json::parse(arguments))}});
  } catch (const std::exception& error) {
    return reply({{"error", error.what()}});
  }
}
}

int main() {
  if (SDL_Init(SDL_INIT_VIDEO) != 0) return 1;
  SDL_GL_SetAttribute(SDL_GL_CONTEXT_PROFILE_MASK, SDL_GL_CONTEXT_PROFILE_ES);
  SDL_GL_SetAttribute(SDL_GL_CONTEXT_MAJOR_VERSION, 3);
  SDL_GL_SetAttribute(SDL_GL_CONTEXT_MINOR_VERSION, 0);
  SDL_GL_SetAttribute(SDL_GL_DEPTH_SIZE, 0);
  SDL_GL_SetAttribute(SDL_GL_ALPHA_SIZE, 8);  // without, each clear of a part is a triangle in disguise
  page = new Page;  // lives as long as the page does
  neurona::set_num_threads(page->platform.thread_count());
  page->window = SDL_CreateWindow("Neurona", 0, 0, 640, 480, SDL_WINDOW_OPENGL);
  // SDL is here for the context. Its handlers would keep F5, Ctrl+F and the zoom from the browser; loader.js has its own.
  emscripten_html5_remove_all_event_listeners();
  page->gl = page->window ? SDL_GL_CreateContext(page->window) : nullptr;
  if (!page->gl) return 2;
  ImGui::CreateContext();
  ImGui::GetIO().IniFilename = nullptr;
  ImGui_ImplOpenGL3_Init("#version 300 es");
  js_answer_state_locally();
  page->app = std::make_unique<App>(page->platform, page->digit, make_lessons());
  page->app->set_solid_fill(Repaint::mark_fill);
  return 0;
}
