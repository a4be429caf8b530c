#include "input.hpp"

#include <algorithm>

namespace neurona::app {
namespace {

// Up to here more room is used by the stage; beyond, everything grows.
constexpr float kRoomyWidth = 1800, kRoomyHeight = 900, kMostZoom = 1.8f;

}  // namespace

void fit_window(Input& input, float width, float height, float density) {
  input.zoom = std::clamp(std::min(width / kRoomyWidth, height / kRoomyHeight), 1.f, kMostZoom);
  input.density = density * input.zoom;
  // Renderers cut off fractions of a device pixel: a rounding error must not cost a whole one.
  const float rest = input.zoom > 1 ? 0.01f : 0.f;
  input.width = (width * density + rest) / input.density;
  input.height = (height * density + rest) / input.density;
  ImGuiIO& io = ImGui::GetIO();
  io.DisplaySize = {input.width, input.height};
  io.DisplayFramebufferScale = {input.density, input.density};
}

}  // namespace neurona::app
