#pragma once

#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "ui.hpp"

namespace neurona::app {

/// Between cards, in both directions.
inline constexpr float kGap = 14;

/// A part of a page: how much room it needs and how it draws itself. From it alone follow heights, folding on
/// narrow windows, and scrolling. Made anew each frame.
struct Block {
  /// The least height at a width. A block without drawing takes no room, not even a gap.
  std::function<float(float width)> least = {};
  std::function<void(Rect)> draw = {};
  float share = 0;  ///< of the height that a column has left over
  float most = std::numeric_limits<float>::infinity();  ///< height, whatever is left over
  float weight = 1;                                     ///< of a row's width, among its neighbors
  float narrowest = 0, widest = std::numeric_limits<float>::infinity();  ///< in a row
  bool settings = false;  ///< on a phone these stand behind what one looks at

  bool empty() const { return !draw; }
  float least_height(float width) const { return empty() || !least ? 0 : least(width); }

  Block&& sharing(float s) && { return share = s, std::move(*this); }
  Block&& at_most(float height) && { return most = height, std::move(*this); }
  Block&& weighing(float w) && { return weight = w, std::move(*this); }
  Block&& between(float least_width, float most_width) && {
    return narrowest = least_width, widest = most_width, std::move(*this);
  }
  Block&& as_settings() && { return settings = true, std::move(*this); }
};

/// A block of at least `least` pixels' height.
Block block(float least, std::function<void(Rect)> draw);
Block block(std::function<float(float width)> least, std::function<void(Rect)> draw);
/// Room and nothing in it.
Block space(float height);

/// One below the other. What is left over goes to those that share it, up to their `most`.
Block column(std::vector<Block> blocks, float gap = kGap);
struct RowOptions {
  float gap = kGap;
  float fold_below = 0;  ///< narrower rows become columns
};
/// Side by side, as high as the highest needs.
Block row(std::vector<Block> blocks, RowOptions options = {});
/// A card around a block; its title at the left of its head, its reading at the right.
Block card(Ui& ui, std::string title, std::string reading, Block inside);
/// A card without a head.
Block card(Ui& ui, Block inside, float padding = 12);
/// A square as large as the width allows, with `more` pixels of height below it.
Block square(float more, std::function<void(Rect)> draw);

}  // namespace neurona::app
