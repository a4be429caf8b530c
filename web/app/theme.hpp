#pragma once

#include "imgui.h"

namespace neurona::app {

/// The colours of the course: one meaning per colour, everywhere.
/// accent = what is active, chosen, the training curve, the winner; positive (blue) and negative (orange) =
/// signed values, orange also = held out (validation); grey = the rest.
struct Theme {
  bool dark = false;
  ImU32 background, panel, line;
  ImU32 ink, soft, faint;
  ImU32 accent, positive, negative;
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
/// The diverging scale of the course: v in -1..1 from negative (orange) over the panel to positive (blue).
ImU32 diverging(const Theme& theme, float v);
/// The scale of ink on paper: v in 0..1 from the panel's ground to ink.
ImU32 ink_scale(const Theme& theme, float v);

}  // namespace neurona::app
