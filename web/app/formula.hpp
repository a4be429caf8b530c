#pragma once

#include <string>
#include <string_view>

#include "ui.hpp"

namespace neurona::app {

/// A small part of TeX: letters in italics, ^ and _ with {groups}, \frac{}{}, \sqrt{}, \sum and \prod with
/// limits, \hat \bar \vec, Greek, \cdot \times \leftarrow \to \nabla \partial \approx \le \ge \in \infty
/// \ldots, \text{}, \mathrm{}, \log \exp \max \min, \left( \right) as plain brackets, \, \; \quad as space.
/// \live{thing}{part}: the part is colored; it and everything else that stands for the thing light each other.
/// Unknown commands are set as their name, upright: a mistake is seen, not swallowed.
struct FormulaSize {
  float width = 0, ascent = 0, descent = 0;
  float height() const { return ascent + descent; }
};

FormulaSize measure_formula(Ui& ui, std::string_view tex, float size);
/// Draws with the baseline's left end at `baseline`.
FormulaSize draw_formula(Ui& ui, ImVec2 baseline, std::string_view tex, float size, ImU32 color);
/// The formula in words and plain characters, for screen readers ("z = sum_k w_jk a_k + b").
std::string formula_as_text(std::string_view tex);
/// The same formula as presentation MathML, for the page's mirror.
std::string formula_as_mathml(std::string_view tex);

/// The formula block of a step: a card with the formula, shrunk to fit, and a mono line of live numbers
/// below. Returns the height used; with draw = false it only measures.
float formula_block(Ui& ui, ImVec2 position, float width, std::string_view tex,
                    std::string_view live_numbers = {}, bool draw = true);

}  // namespace neurona::app
