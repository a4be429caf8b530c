// The course in a window of its own: the same App as the page, with the processor's full speed.
#include <SDL.h>
#include <SDL_opengl.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "app.hpp"
#include "host/sdl_input.hpp"
#include "imgui.h"
#include "imgui_impl_opengl3.h"
#include "neurona/data/mnist.hpp"
#include "platform_desktop.hpp"

namespace {

using namespace neurona::app;

constexpr double kWorkMs = 10;  // of training between two frames
constexpr int kAtRest = 30;     // frames without work after which nothing more is to come

struct Options {
  int width = 1440, height = 900;
  float density = 0;       // 0: the display's
  std::string fragment;    // as in the page's URL
  std::string screenshot;  // writes this file (PPM) once the picture rests, then quits
  bool draw_a_four = false;
  std::vector<std::string> set;  // NAME=VALUE for the door, one after the other
  DesktopPlatform::Folders folders;
};

/// Where the shipped networks lie: beside the program, in the source tree above build/native, or installed.
std::vector<std::filesystem::path> asset_folders() {
  std::vector<std::filesystem::path> folders;
  if (char* base = SDL_GetBasePath()) {
    for (const char* place : {"assets", "../../assets", "../share/neurona"}) folders.push_back(std::filesystem::path(base) / place);
    SDL_free(base);
  }
  return folders;
}

void add_options(CLI::App& app, Options& o) {
  app.add_option("--open", o.fragment, "Where to begin, as in the page's address: lesson=train&step=2&lang=es");
  app.add_option("--assets", o.folders.assets, "Folder with models/ (more than one may be given)")->check(CLI::ExistingDirectory);
  app.add_option("--mnist", o.folders.mnist, "Folder with MNIST's four files (default: MNIST_DIR, else where 'neurona data mnist' puts them)")
      ->envname("MNIST_DIR")
      ->check(CLI::ExistingDirectory);
  app.add_option("--width", o.width, "Of the window, in points")->check(CLI::Range(320, 8192))->capture_default_str();
  app.add_option("--height", o.height, "Of the window, in points")->check(CLI::Range(320, 8192))->capture_default_str();
  app.add_option("--density", o.density, "Pixels a point (default: the display's)")->check(CLI::Range(0.5, 4.0));
  app.add_option("--screenshot", o.screenshot, "Write the window to this PPM file once it is drawn, then end");
  app.add_option("--set", o.set, "NAME=VALUE as for window.neurona.set; each waits until the work of the one before is done (training=epoch)");
  app.add_flag("--draw", o.draw_a_four, "Draw a 4 on the pad first (for screenshots)");
}

void save_ppm(const std::string& path, int width, int height) {
  std::vector<unsigned char> pixels(std::size_t(width) * std::size_t(height) * 4);
  glReadPixels(0, 0, width, height, GL_RGBA, GL_UNSIGNED_BYTE, pixels.data());
  std::FILE* file = std::fopen(path.c_str(), "wb");
  if (!file) return;
  std::fprintf(file, "P6\n%d %d\n255\n", width, height);
  for (int y = height - 1; y >= 0; --y)
    for (int x = 0; x < width; ++x)
      std::fwrite(&pixels[(std::size_t(y) * std::size_t(width) + std::size_t(x)) * 4], 1, 3, file);
  std::fclose(file);
}

int run(const Options& o) {
  if (SDL_Init(SDL_INIT_VIDEO) != 0) {
    std::fprintf(stderr, "error: no display: %s\n  Run the course in a browser instead: ./run demo\n",
                 SDL_GetError());
    return 1;
  }
  SDL_GL_SetAttribute(SDL_GL_CONTEXT_PROFILE_MASK, SDL_GL_CONTEXT_PROFILE_CORE);
  SDL_GL_SetAttribute(SDL_GL_CONTEXT_MAJOR_VERSION, 3);
  SDL_GL_SetAttribute(SDL_GL_CONTEXT_MINOR_VERSION, 3);
  SDL_GL_SetAttribute(SDL_GL_MULTISAMPLESAMPLES, 0);
  SDL_Window* window =
      SDL_CreateWindow("Neurona", SDL_WINDOWPOS_CENTERED, SDL_WINDOWPOS_CENTERED, o.width, o.height,
                       SDL_WINDOW_OPENGL | SDL_WINDOW_RESIZABLE | SDL_WINDOW_ALLOW_HIGHDPI);
  SDL_GLContext gl = window ? SDL_GL_CreateContext(window) : nullptr;
  if (!gl) {
    std::fprintf(stderr, "error: no OpenGL 3.3 window: %s\n", SDL_GetError());
    return 1;
  }
  SDL_GL_SetSwapInterval(1);
  ImGui::CreateContext();
  ImGui::GetIO().IniFilename = nullptr;
  ImGui_ImplOpenGL3_Init("#version 330");
  {
    DesktopPlatform platform(o.folders, o.fragment);
    DigitReader digit;
    App app(platform, digit, make_lessons());
    Input input;
    SDL_Cursor* cursors[] = {SDL_CreateSystemCursor(SDL_SYSTEM_CURSOR_ARROW),
                             SDL_CreateSystemCursor(SDL_SYSTEM_CURSOR_HAND),
                             SDL_CreateSystemCursor(SDL_SYSTEM_CURSOR_CROSSHAIR)};
    bool quit = false;
    int rested = 0;
    std::size_t done = 0;  // of o.set
    for (int frame = 0; !quit; ++frame) {
      SDL_Event event;
      const bool working = app.work(kWorkMs);
      rested = working ? 0 : rested + 1;
      if (done < o.set.size() && rested > kAtRest) {
        rested = 0;
        const std::string& item = o.set[done++];
        const std::size_t equals = std::min(item.find('='), item.size());
        if (const std::string error = app.set_value(item.substr(0, equals), item.substr(std::min(equals + 1, item.size()))); !error.empty())
          throw std::runtime_error(error);
      }
      if (!working && !app.wants_frame() && input.pointer.empty() && o.screenshot.empty() && done == o.set.size())
        SDL_WaitEventTimeout(nullptr, 500);
      while (SDL_PollEvent(&event)) {
        if (event.type == SDL_QUIT) quit = true;
        if (take_sdl_event(event, input)) app.request_frames();
      }
      if (working && !app.wants_frame() && input.pointer.empty() && o.screenshot.empty()) continue;
      int width, height, pixel_width, pixel_height;
      SDL_GetWindowSize(window, &width, &height);
      SDL_GL_GetDrawableSize(window, &pixel_width, &pixel_height);
      const float density = o.density > 0 ? o.density : float(pixel_width) / float(std::max(1, width));
      fit_window(input, float(pixel_width) / density, float(pixel_height) / density, density);
      input.time = platform.now_seconds();
      ImGui::GetIO().DeltaTime = 1.f / 60;
      if (o.draw_a_four && frame == 3)
        (void)app.draw_strokes(
            {{{.62f, .2f}, {.5f, .4f}, {.33f, .58f}, {.37f, .6f}, {.5f, .6f}, {.72f, .58f}},
             {{.6f, .42f}, {.58f, .6f}, {.54f, .82f}}});
      ImGui_ImplOpenGL3_NewFrame();
      ImGui::NewFrame();
      app.frame(input);
      SDL_SetCursor(cursors[int(app.cursor())]);
      ImGui::Render();
      glViewport(0, 0, pixel_width, pixel_height);
      const ImVec4 ground = ImGui::ColorConvertU32ToFloat4(app.background());
      glClearColor(ground.x, ground.y, ground.z, 1);
      glClear(GL_COLOR_BUFFER_BIT);
      ImGui_ImplOpenGL3_RenderDrawData(ImGui::GetDrawData());
      if (!o.screenshot.empty() && frame >= 60 && rested > kAtRest && done == o.set.size()) {
        save_ppm(o.screenshot, pixel_width, pixel_height);
        quit = true;
      }
      SDL_GL_SwapWindow(window);
    }
  }
  ImGui_ImplOpenGL3_Shutdown();
  ImGui::DestroyContext();
  SDL_GL_DeleteContext(gl);
  SDL_DestroyWindow(window);
  SDL_Quit();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("The course of Neurona in a window", "neurona-desktop");
  add_options(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (options.folders.assets.empty()) options.folders.assets = asset_folders();
  if (options.folders.mnist.empty()) options.folders.mnist = neurona::data::mnist_cache_folder();
  try {
    return run(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 1;
  }
}
