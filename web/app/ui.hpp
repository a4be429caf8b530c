#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "fonts.hpp"
#include "geometry.hpp"
#include "imgui.h"
#include "input.hpp"
#include "language.hpp"
#include "theme.hpp"

namespace neurona::app {

/// The typographic roles of the course; Ui::style turns one into face, size and colour.
enum class Type { body, small, caption, kicker, heading, title, card_title, mono, mono_small, number };

/// How a piece of text is set.
struct TextStyle {
  Face face = Face::text;
  float size = 15.5f;
  ImU32 color = 0;
  float tracking = 0;  ///< extra space between letters, in em
  TextStyle with(ImU32 c) const { return {face, size, c, tracking}; }
  TextStyle with(Face f) const { return {f, size, color, tracking}; }
  TextStyle at(float s) const { return {face, s, color, tracking}; }
};

enum class Role { none, button, toggle, slider, tab, image, link, scroll };

/// What the pointer should look like; the host shows it.
enum class Cursor { arrow, hand, cross };

/// Which drags a region keeps for itself; the others scroll the page under a finger.
enum class Drag { none, horizontal, all };

struct RegionOptions {
  std::string_view label = {};  ///< what a screen reader says; empty: the name
  std::string value = {};       ///< the value it says, for sliders and toggles
  Role role = Role::button;
  Drag drag = Drag::none;
  bool enabled = true;
  bool focusable = true;  ///< reached by Tab
};

/// What the learner does with a region in this frame.
struct Interaction {
  bool hovered = false;          ///< the pointer is over it and over nothing above it
  bool pressed = false;          ///< the press began in this frame
  bool held = false;             ///< pressed here and not yet released
  bool released = false;         ///< a press that began here ended in this frame, wherever
  bool dragging = false;         ///< its press moves something: under a finger only once it goes sideways
  bool clicked = false;          ///< released over it, tapped, or Enter or Space while it has the focus
  bool focused = false;          ///< has the keyboard focus
  bool ring = false;             ///< draw the focus ring: focused, and by keyboard
  bool cancelled = false;        ///< its press became something else, such as a pinch: what it began is taken back
  std::vector<Key> keys;         ///< arrows, Home, End, Page Up and Down while focused, each press and repeat, in order
  int arrow_x = 0, arrow_y = 0;  ///< the arrows among them since Home or End, summed (y grows downwards)
  bool home = false, end = false;
  ImVec2 pointer{0, 0};  ///< where the pointer is
};

/// One control as the DOM mirror, the tests and window.neurona see it.
struct ControlInfo {
  std::string name, label, value;
  Role role = Role::button;
  Rect rect;
  bool enabled = true, visible = true;
  bool focused = false;  ///< by keyboard
};

/// The one tooltip of the course: name, value, the formula with its numbers, and where it comes from.
/// `value` and `numbers` are set in mono; `text` and `source` may hold inline markup (rich_text.hpp).
struct Tooltip {
  std::string title = {}, value = {}, text = {}, formula = {}, numbers = {}, source = {};
  /// Draws a picture below the title, left of the rest, into a rectangle of `picture_size`; called at the end of the frame.
  std::function<void(Rect)> picture = {};
  ImVec2 picture_size = {0, 0};
};

/// What a host's callback for large fills is given: an opaque rectangle in screen coordinates.
struct SolidFill {
  Rect rect;
  ImU32 color;
};

/// Immediate-mode core: input, focus, scrolling, text, tooltips, animation. Widgets are free functions over
/// it.
///
/// A frame is `begin_frame(input)`, widgets, `end_frame()`. Everything is drawn with ImGui's draw lists;
/// regions are hit-tested against those of the frame before, topmost last, so nothing has to be declared in
/// advance.
class Ui {
 public:
  Ui();
  ~Ui();
  Ui(const Ui&) = delete;
  Ui& operator=(const Ui&) = delete;

  // --- the frame (called by App) ---
  void begin_frame(Input& input, const Theme& theme, Language language, bool reduced_motion);
  void end_frame();
  /// True while something moves or an event was just handled: the host draws on only then.
  bool wants_frame() const { return frames_wanted_ > 0; }
  /// Asks for at least `count` more frames.
  void request_frames(int count = 3) { frames_wanted_ = std::max(frames_wanted_, count); }

  // --- what widgets ask ---
  const Theme& theme() const { return *theme_; }
  Language language() const { return language_; }
  bool reduced_motion() const { return reduced_motion_; }
  double time() const { return time_; }
  float dt() const { return dt_; }
  float density() const { return density_; }
  Rect screen() const { return screen_; }
  Fonts& fonts() { return fonts_; }
  ImDrawList* draw() const { return draw_; }
  ImVec2 pointer() const { return pointer_; }
  bool pointer_down() const { return pointer_down_; }
  bool touch() const { return source_ == PointerSource::touch; }
  /// Whether the learner's last input was a key, not the pointer.
  bool by_key() const { return last_was_key_; }
  /// The pointer's path in this frame, oldest first: every sample, for drawing smooth strokes.
  const std::vector<ImVec2>& trail() const { return trail_; }
  /// Whether a region of this frame is at least partly on screen.
  bool on_screen(std::string_view name) const;
  /// Takes a key that no focused control has used (Escape, undo ...): true once per press.
  bool take_key(Key key);

  /// The pointer's shape for what lies under it.
  Cursor cursor() const;

  // --- regions ---
  /// Declares an interactive rectangle. `name` must be unique in a frame; it is the control's public name
  /// too.
  Interaction region(std::string_view name, Rect rect, const RegionOptions& options = {});
  /// Whether so many presses of Tab (negative: Shift+Tab) end at no control: past the last one, or before the first.
  bool tab_leaves(int steps) const;
  /// Same as a press of the region of that name by the learner (DOM mirror, tests); from the next frame.
  void activate(std::string_view name) {
    activated_ = std::string(name);
    request_frames();
  }
  void focus(std::string_view name);
  /// The cell that the learner points at in a region of rows x columns cells: under the pointer, or with the keyboard
  /// the one that arrows, Home and End reached. -1: none.
  /// @param touch  what region() gave for it, with a role that uses arrows
  int cell(std::string_view name, const Interaction& touch, Rect rect, int rows, int columns, int count);
  /// The controls of the frame that was drawn last, in tab order.
  const std::vector<ControlInfo>& controls() const { return controls_; }

  // --- clipping, scrolling, overlays ---
  void push_clip(Rect rect);
  void pop_clip();
  Rect clip() const { return clips_.back(); }
  /// Starts a vertically scrolling area and returns the content's origin and width as a rectangle of
  /// unlimited height, already shifted by the scroll position. Finish with end_scroll(bottom of the content).
  Rect begin_scroll(std::string_view name, Rect view);
  void end_scroll(float content_bottom);
  /// Scrolls an area back to its top (a new step).
  void reset_scroll(std::string_view name);
  /// Draws and takes input above everything else until end_overlay (menus).
  void begin_overlay();
  void end_overlay();

  // --- text ---
  TextStyle style(Type type) const;
  ImVec2 measure(std::string_view text, const TextStyle& style) const;
  float line_height(const TextStyle& style) const;
  /// Draws one line with its top left corner at `position`; returns its width.
  float text(ImVec2 position, std::string_view text, const TextStyle& style);
  /// Draws one line inside `rect`, vertically centred; align 0 = left, 0.5 = centred, 1 = right. Too long a
  /// text is shortened with an ellipsis, never clipped.
  void text_in(Rect rect, std::string_view text, const TextStyle& style, float align = 0);
  /// Draws one line with its baseline at `baseline`; returns its width. All text goes through here.
  float text_on(ImVec2 baseline, std::string_view text, const TextStyle& style);
  /// Height of capitals: to centre text optically.
  float cap_height(const TextStyle& style) const;
  /// The text, shortened with an ellipsis to fit `width`.
  std::string fit(std::string_view text, const TextStyle& style, float width) const;

  // --- drawing helpers ---
  /// A callback of the host, given a SolidFill, that fills faster than triangles do. On software OpenGL a textured,
  /// blended pixel costs twenty times one of a clear.
  void set_solid_fill(ImDrawCallback callback) { solid_fill_ = callback; }
  void fill(Rect rect, ImU32 color, float radius = 0);
  void stroke(Rect rect, ImU32 color, float radius = 0, float thickness = 1);
  void shadow(Rect rect, float radius);
  void dashed(ImVec2 from, ImVec2 to, ImU32 color, float thickness = 1, float dash = 4, float gap = 4);
  void focus_ring(Rect rect, float radius);

  // --- motion ---
  /// The value of `key` on its way to `target`: ease-out over `ms`; at once under reduced motion or the first
  /// time.
  float animate(std::string_view key, float target, float ms = 180);

  // --- tooltip ---
  /// Shows the tooltip beside `anchor` in this frame. `key` identifies it: a click on the anchor pins it
  /// until Escape, another click, or another pin.
  void tooltip(std::string_view key, Rect anchor, Tooltip content);
  /// Pins the tooltip of that key, so that it is shown while its owner still offers it (see `pinned`).
  void pin(std::string_view key);
  /// True when the learner pinned this tooltip: the owner should call tooltip() again for it.
  bool pinned(std::string_view key) const { return !pinned_.empty() && pinned_ == key; }

 private:
  struct Region {
    std::string name;
    Rect rect, hit;
    Drag drag;
    Role role;
    int layer;
    bool enabled, focusable;
    std::string scroll;  ///< the scrolling area it lies in
  };
  struct Scroll {
    float offset = 0, content = 0, velocity = 0, view = 0;
    Rect rect;
    double touched = 0;
  };
  struct Animation {
    float from = 0, to = 0, value = 0;
    double start = 0;
    double seen = 0;
  };
  const Region* find(std::string_view name) const;
  const Region* top_at(ImVec2 p) const;
  void take_pointer(Input& input);
  void take_keys(Input& input);
  const Region* tab_target(const std::vector<Region>& regions, bool overlay, int steps) const;
  void move_focus(bool backwards);
  void run_scrolls(Input& input);
  void draw_tooltip();
  bool scroll_by(Scroll& scroll, float dy);
  std::string scroll_at(ImVec2 p, float dy) const;
  void reveal(const Region& region);

  Fonts fonts_;
  const Theme* theme_ = nullptr;
  Language language_ = Language::en;
  bool reduced_motion_ = false;
  double time_ = 0;
  float dt_ = 0, density_ = 1;
  Rect screen_;
  ImDrawList* draw_ = nullptr;
  ImDrawCallback solid_fill_ = nullptr;
  int layer_ = 0;
  bool overlay_open_ = false, overlay_now_ = false;
  int frames_wanted_ = 3;

  std::vector<Region> regions_, last_regions_;
  std::vector<ControlInfo> controls_, controls_now_;
  std::string hot_, active_, focus_, clicked_, pressed_, released_, activated_, released_now_;
  bool cancelled_ = false;  // the press that ended in this frame
  bool focus_by_key_ = false, last_was_key_ = false;
  std::map<std::string, int, std::less<>> cells_;
  ImVec2 pointer_{-1, -1}, press_position_{0, 0};
  bool pointer_down_ = false, pointer_inside_ = false, scrolling_ = false, dragging_ = false;
  PointerSource source_ = PointerSource::mouse;
  std::vector<ImVec2> trail_;
  std::vector<KeyEvent> keys_;

  std::vector<Rect> clips_;
  std::vector<std::string> scroll_stack_;
  std::map<std::string, Scroll, std::less<>> scrolls_;
  std::string touch_scroll_;
  std::map<std::string, Animation, std::less<>> animations_;

  struct Shown {
    std::string key;
    Rect anchor;
    Tooltip content;
  };
  std::unique_ptr<Shown> shown_;
  std::string pinned_;
};

}  // namespace neurona::app
