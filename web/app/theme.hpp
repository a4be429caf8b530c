#pragma once

#include "imgui.h"

namespace neurona::app {

/// The colours of the course: one meaning per colour, everywhere.
/// accent = what is active, chosen, the training curve, the winner; positive (blue) and negative (orange) =
/// signed values, orange also = held out (validation); grey = the rest.
struct Theme {
  bool dark = false;
  ImU32 background, panel, line;
  ImU32 ink, soft, faint;  ///< faint is for lines and marks; text is soft at least
  ImU32 accent, positive, negative;
  ImU32 negative_text;  ///< negative, dark enough for text
  ImU32 accent_soft;  ///< accent as a tint of the background: the active row, a callout
  ImU32 track;        ///< the empty part of a bar or slider
  ImU32 rest;         ///< a bar that did not win
  ImU32 on_accent;    ///< text on an accent surface
  ImU32 code;         ///< the ground of a code panel
  ImU32 hover;        ///< a control under the pointer
  float shadow;       ///< strength of a card's shadow, 0 to 1
};

/// The two palettes of the course.
const Theme& light_theme();
const Theme& dark_theme();

/// Linear blend of two opaque or translucent colours; t = 0 gives a, 1 gives b.
ImU32 mix(ImU32 a, ImU32 b, float t);
/// The colour with its alpha multiplied by `alpha` (0 to 1).
ImU32 fade(ImU32 colour, float alpha);
/// A colour of the course for text of that colour: 4.5:1 on every ground.
ImU32 text_color(const Theme& theme, ImU32 colour);
/// Contrast of two opaque colours as WCAG 2 defines it, 1 to 21.
float contrast(ImU32 a, ImU32 b);
/// Ink or paper, whichever is easier to read on that ground.
ImU32 ink_on(const Theme& theme, ImU32 ground);
/// The diverging scale of the course: v in -1..1 from negative (orange) over the panel to positive (blue).
ImU32 diverging(const Theme& theme, float v);
/// The scale of ink on paper: v in 0..1 from the panel's ground to ink.
ImU32 ink_scale(const Theme& theme, float v);

}  // namespace neurona::app
