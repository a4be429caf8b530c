#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "canvas.hpp"
#include "input.hpp"
#include "language.hpp"
#include "motion.hpp"
#include "regions.hpp"
#include "scrolling.hpp"
#include "tooltip.hpp"

namespace neurona::app {

/// What widgets are written on: the canvas they draw on, the regions they listen to, scrolling, motion, the
/// tooltip. Widgets are free functions over it.
///
/// A frame is `begin_frame(input)`, widgets, `end_frame()`. Input is tested against the regions of the frame
/// before, topmost last, so nothing has to be declared in advance.
class Ui : public Canvas {
 public:
  Ui() = default;
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
  Language language() const { return language_; }
  double time() const { return time_; }
  ImVec2 pointer() const { return pointer_; }
  bool touch() const { return source_ == PointerSource::touch; }
  /// Whether the learner's last input was a key, not the pointer.
  bool by_key() const { return last_was_key_; }
  /// The pointer's path in this frame, oldest first: every sample, for drawing smooth strokes.
  const std::vector<ImVec2>& trail() const { return trail_; }
  bool reduced_motion() const { return reduced_motion_; }
  /// Takes a key that no focused control has used (Escape, undo ...): true once per press. What lies below an
  /// open menu gets none.
  bool take_key(Key key);
  /// The pointer's shape for what lies under it.
  Cursor cursor() const;

  // --- names ---
  /// Names are looked up, and must be unique, inside the scopes that are open: lesson, step, widget. A public
  /// scope is a part of the control's public name ("a/play"), those of lesson and step are not.
  void open_scope(std::string_view name, bool is_public);
  void close_scope();
  /// Ids and public names that were used twice in the frame that was drawn last.
  const std::vector<std::string>& names_used_twice() const { return twice_; }

  // --- regions ---
  /// Declares an interactive rectangle. `name` is the control's public name too.
  Interaction region(std::string_view name, Rect rect, const RegionOptions& options = {});
  /// Whether so many presses of Tab (negative: Shift+Tab) end at no control: past the last, or before the first.
  bool tab_leaves(int steps) const;
  /// Same as a press of the region of that name by the learner (DOM mirror, tests); from the next frame.
  void activate(std::string_view name);
  void focus(std::string_view name);
  /// The cell that the learner points at in a region of rows x columns cells: under the pointer, or with the
  /// keyboard the one that arrows, Home and End reached. -1: none.
  /// @param touch  what region() gave for it, with a role that uses arrows
  int cell(std::string_view name, const Interaction& touch, Rect rect, int rows, int columns, int count);
  /// The controls of the frame that was drawn last, in tab order.
  const std::vector<ControlInfo>& controls() const { return controls_; }

  // --- things that light each other ---
  /// While one shows that the learner points at it, all that stand for the same thing may light up: a symbol of
  /// a formula, its slider, its place in a picture.
  void light(std::string_view thing);
  /// Whether anything lit it in the frame before.
  bool lit(std::string_view thing) const { return lit_.contains(thing); }

  // --- scrolling, overlays ---
  /// Starts a vertically scrolling area and returns the content's origin and width as a rectangle of
  /// unlimited height, already shifted by the scroll position. Finish with end_scroll(bottom of the content).
  Rect begin_scroll(std::string_view name, Rect view);
  void end_scroll(float content_bottom);
  /// Scrolls an area back to its top (a new step).
  void reset_scroll(std::string_view name) { scrolling_.reset(name); }
  /// Draws above everything else until end_overlay. A modal one (a menu) takes all input, too.
  void begin_overlay(bool modal = true);
  void end_overlay();

  // --- motion ---
  /// The value of `key` on its way to `target`: ease-out over `ms`; at once under reduced motion or the first
  /// time.
  float animate(std::string_view key, float target, float ms = 180) {
    return motion_.animate(id_of(key), target, ms);
  }

  // --- tooltip ---
  /// Shows the tooltip beside `anchor` in this frame. `key` is its owner's name: a click on the anchor pins it
  /// until Escape, another click, or another pin.
  void tooltip(std::string_view key, Rect anchor, Tooltip content);
  /// Pins the tooltip of that key, so that it is shown while its owner still offers it (see `pinned`).
  void pin(std::string_view key);
  /// True when the learner pinned this tooltip: the owner should call tooltip() again for it.
  bool pinned(std::string_view key) const { return !pinned_.empty() && pinned_ == id_of(key); }

 private:
  std::string id_of(std::string_view name) const { return scope_ + std::string(name); }
  void take_pointer(Input& input);
  void press();
  void drag(ImVec2 before);
  void release();
  void cancel();
  void take_keys(Input& input);
  void take_wheel(Input& input);
  void take_arrows(Interaction& out);
  void move_focus(bool backwards);
  void scroll(Scrolling::Area& area, float dy);
  void scroll_by_key(float dy);
  std::string scroll_at(ImVec2 p, float dy) const;
  void reveal(const Region& region);

  Language language_ = Language::en;
  bool reduced_motion_ = false;
  double time_ = 0;
  float dt_ = 0;
  int layer_ = 0;
  bool overlay_open_ = false, overlay_now_ = false;
  int frames_wanted_ = 3;

  Regions regions_;
  Scrolling scrolling_;
  Motion motion_;
  std::vector<ControlInfo> controls_, controls_now_;
  std::vector<std::string> twice_, twice_now_;

  // Ids of the regions that input is about.
  std::string hot_, active_, focus_, clicked_, pressed_, released_, activated_;
  bool cancelled_ = false;  // the press that ended in this frame
  bool focus_by_key_ = false, last_was_key_ = false;
  std::map<std::string, int, std::less<>> cells_;
  ImVec2 pointer_{-1, -1}, press_position_{0, 0};
  bool pointer_down_ = false, pointer_inside_ = false, is_scrolling_ = false, dragging_ = false;
  PointerSource source_ = PointerSource::mouse;
  std::vector<ImVec2> trail_;
  std::vector<KeyEvent> keys_;
  std::string touch_scroll_;

  struct Scope {
    std::size_t id_length, name_length;
  };
  std::vector<Scope> scopes_;
  std::string scope_, public_scope_;  // "train/fit/a/", "a/"

  std::set<std::string, std::less<>> lit_, lit_now_;

  struct Shown {
    std::string key;
    Rect anchor;
    Tooltip content;
  };
  std::unique_ptr<Shown> shown_;
  std::string pinned_;
};

/// Opens a scope of names for as long as it lives.
class Scope {
 public:
  Scope(Ui& ui, std::string_view name, bool is_public = true) : ui_(ui) { ui_.open_scope(name, is_public); }
  ~Scope() { ui_.close_scope(); }
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

 private:
  Ui& ui_;
};

}  // namespace neurona::app
