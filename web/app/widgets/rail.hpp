#pragma once

#include <span>
#include <string_view>

#include "../ui.hpp"

namespace neurona::app {

struct RailItem {
  std::string_view id, name;
  int number = 0;  ///< 0: the pencil
  bool coming = false;
  int steps = 0, seen = 0, passed = 0;  ///< how many there are, were seen, had their check passed
};

enum class ThemeChoice { automatic, light, dark };

struct RailState {
  std::span<const RailItem> items;
  int current = 0;
  ThemeChoice theme = ThemeChoice::automatic;
  std::string_view threads;                        ///< "2 hilos"
  std::string_view coming;                         ///< "pronto"
  std::string_view spoken_language, spoken_theme;  ///< labels for screen readers
  bool folded = false;                             ///< icons only
};

struct RailAction {
  int go = -1;
  bool language = false, theme = false;
};

/// The lessons at the left, language, theme and threads below.
RailAction rail(Ui& ui, Rect rect, const RailState& state);
/// A lesson in the menu of a phone; returns whether it was chosen.
bool menu_row(Ui& ui, Rect row, const RailState& state, std::size_t index);
/// The mark and the name.
void brand(Ui& ui, ImVec2 position, bool with_name);
/// "ES · EN" and the theme's sign; used by rail and top bar. Returns the width.
float language_and_theme_width(Ui& ui, float height);
float language_and_theme(Ui& ui, ImVec2 right_top, float height, const RailState& state, RailAction& action);

}  // namespace neurona::app
