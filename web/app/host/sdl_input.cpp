#include "sdl_input.hpp"

namespace neurona::app {
namespace {

bool take_key(const SDL_KeyboardEvent& event, Input& input) {
  const bool shift = (event.keysym.mod & KMOD_SHIFT) != 0;
  const bool command = (event.keysym.mod & (KMOD_CTRL | KMOD_GUI)) != 0;
  if ((event.keysym.mod & KMOD_ALT) != 0) return false;
  Key key;
  switch (event.keysym.sym) {
    case SDLK_TAB:
      key = Key::tab;
      break;
    case SDLK_RETURN:
    case SDLK_KP_ENTER:
      key = Key::enter;
      break;
    case SDLK_SPACE:
      key = Key::space;
      break;
    case SDLK_ESCAPE:
      key = Key::escape;
      break;
    case SDLK_LEFT:
      key = Key::left;
      break;
    case SDLK_RIGHT:
      key = Key::right;
      break;
    case SDLK_UP:
      key = Key::up;
      break;
    case SDLK_DOWN:
      key = Key::down;
      break;
    case SDLK_HOME:
      key = Key::home;
      break;
    case SDLK_END:
      key = Key::end;
      break;
    case SDLK_PAGEUP:
      key = Key::page_up;
      break;
    case SDLK_PAGEDOWN:
      key = Key::page_down;
      break;
    case SDLK_BACKSPACE:
    case SDLK_DELETE:
      key = Key::erase;
      break;
    case SDLK_z:
      if (!command) return false;
      key = Key::undo;
      break;
    default:
      return false;
  }
  if (command && key != Key::undo) return false;
  input.keys.push_back({key, shift});
  return true;
}

}  // namespace

bool take_sdl_event(const SDL_Event& event, Input& input) {
  using Kind = PointerEvent::Kind;
  const auto pointer = [&](Kind kind, int x, int y, Uint32 which) {
    const PointerSource source = which == SDL_TOUCH_MOUSEID ? PointerSource::touch : PointerSource::mouse;
    input.pointer.push_back({kind, {float(x), float(y)}, source});
    return true;
  };
  switch (event.type) {
    case SDL_MOUSEMOTION:
      return pointer(Kind::move, event.motion.x, event.motion.y, event.motion.which);
    case SDL_MOUSEBUTTONDOWN:
      return event.button.button == SDL_BUTTON_LEFT &&
             pointer(Kind::down, event.button.x, event.button.y, event.button.which);
    case SDL_MOUSEBUTTONUP:
      return event.button.button == SDL_BUTTON_LEFT &&
             pointer(Kind::up, event.button.x, event.button.y, event.button.which);
    case SDL_MOUSEWHEEL:
      input.wheel.x += event.wheel.preciseX * 60, input.wheel.y -= event.wheel.preciseY * 60;
      return true;
    case SDL_KEYDOWN:
      return take_key(event.key, input);
    case SDL_WINDOWEVENT:
      if (event.window.event == SDL_WINDOWEVENT_LEAVE) return pointer(Kind::leave, 0, 0, 0);
      return true;
    default:
      return false;
  }
}

}  // namespace neurona::app
