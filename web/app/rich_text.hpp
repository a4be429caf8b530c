#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "ui.hpp"

namespace neurona::app {

/// Running text with inline marks: *emphasis*, **strong**, `code`, [glossary word](term) and $formula$.
/// A blank line begins a paragraph, a line that begins with "- " an item. Wrapped by measured width.
struct RichTextOptions {
  TextStyle style{};        ///< size and colour of plain text; style.color 0 = the theme's ink
  float leading = 1.58f;    ///< line height in units of the size
  ImU32 strong_color = 0;   ///< of **strong** words; 0 = as the rest
  float paragraph_gap = 9;  ///< pixels between paragraphs
  int most_lines = 0;       ///< the first lines only; 0: all
  /// The explanation of a glossary term (already translated); shown as tooltip. Empty text: no underline.
  std::function<std::string(std::string_view term)> glossary = {};
  std::string_view name = "text";  ///< prefix of the names of its glossary regions
};

/// Whether the text has more lines than `most_lines`.
bool exceeds_lines(Ui& ui, std::string_view text, float width, const RichTextOptions& options);
/// Height that `text` takes when set in `width`.
float measure_rich_text(Ui& ui, std::string_view text, float width, const RichTextOptions& options = {});
/// Draws the text with its top left corner at `position`; returns the height used.
float rich_text(Ui& ui, ImVec2 position, float width, std::string_view text,
                const RichTextOptions& options = {});
/// The text without its marks, for screen readers.
std::string plain_text(std::string_view text);

}  // namespace neurona::app
