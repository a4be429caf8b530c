#pragma once

#include <span>
#include <string>
#include <string_view>

#include "../ui.hpp"

namespace neurona::app {

inline constexpr float kCardPadding = 17;
/// A surface of the course: rounded, 1 px line, soft shadow. Returns the padded inside.
Rect card(Ui& ui, Rect rect, float padding = kCardPadding);
/// A card with its title in small semibold and a reading at the right in mono; returns the room below them.
/// On a narrow card the reading is shortened, then dropped, before the title is.
Rect card(Ui& ui, Rect rect, std::string_view title, std::string_view reading = {});
/// Height that a titled card adds to its content.
float card_chrome_height();

enum class ButtonKind {
  plain,    ///< panel with a line
  primary,  ///< accent ground: at most one on a screen
  ghost,    ///< no ground until hovered
};
/// Small pictures drawn with lines, crisp at every density.
enum class Icon {
  none,
  left,
  right,
  play,
  pause,
  step,
  undo,
  erase,
  sun,
  moon,
  automatic,
  menu,
  close,
  check,
  target,
  reset,
  pencil,
  retry
};
void draw_icon(Ui& ui, Icon icon, ImVec2 center, float size, ImU32 color);

struct ButtonOptions {
  ButtonKind kind = ButtonKind::plain;
  Icon icon = Icon::none;        ///< before the label; alone when the label is empty
  Icon icon_after = Icon::none;  ///< after the label
  bool enabled = true;
  std::string_view spoken = {};  ///< for screen readers when the label is empty
};
/// Width the button needs for its label.
float button_width(Ui& ui, std::string_view label, const ButtonOptions& options = {});
/// True when pressed. `name` is the control's public name.
bool button(Ui& ui, std::string_view name, Rect rect, std::string_view label,
            const ButtonOptions& options = {});

/// What a screen reader says of a toggle: "on", "off", in the language of the page.
std::string spoken_state(Ui& ui, bool on);

/// A pill that is on or off; true when pressed (the caller flips its value).
float pill_width(Ui& ui, std::string_view label);
bool pill(Ui& ui, std::string_view name, Rect rect, std::string_view label, bool on);

/// Exactly one of several; returns true when `value` changed. Wraps into rows when `rect` is too narrow.
/// Arrow keys move, as in a radio group. segmented_height tells the height for a width.
float segmented_height(Ui& ui, float width, std::span<const std::string_view> choices);
float segmented_width(Ui& ui, std::span<const std::string_view> choices);
bool segmented(Ui& ui, std::string_view name, Rect rect, std::span<const std::string_view> choices,
               int& value, bool enabled = true);

struct SliderOptions {
  double minimum = 0, maximum = 1;
  bool logarithmic = false;
  bool integer = false;
  double step =
      0;  ///< what an arrow key moves; 0: 1 for integers, a hundredth of the range, a twentieth of a decade
  std::span<const double> ticks = {};  ///< small marks on the track (epochs)
  double warning = 0;  ///< an orange mark when inside the range (a limit); NaN or outside: none
  bool has_warning = false;
  bool enabled = true;
  std::string_view spoken = {};  ///< label for screen readers
  std::string value_text = {};   ///< value for screen readers
  bool lit = false;              ///< something that stands for the same is pointed at
};
/// A bare track with a round thumb, vertically centred in `rect`; true when the value changed.
/// Arrow keys step, Page keys step ten, Home and End go to the ends; a touch drags horizontally.
bool slider(Ui& ui, std::string_view name, Rect rect, double& value, const SliderOptions& options);
/// Label, track and reading in one row; when the row is narrow the label goes above the track.
float labelled_slider_height(float width);
bool labelled_slider(Ui& ui, std::string_view name, Rect rect, std::string_view label,
                     std::string_view reading, double& value, const SliderOptions& options);

/// - value +, for integers such as a seed; true when changed. Its controls are NAME-less and NAME-more. Width 120 or more.
bool stepper(Ui& ui, std::string_view name, Rect rect, std::string_view label, long long& value, long long minimum,
             long long maximum);

/// A thin progress line, share in 0..1; negative: unknown, a travelling piece (still under reduced motion).
void progress_line(Ui& ui, Rect rect, float share);

}  // namespace neurona::app
