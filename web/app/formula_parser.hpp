#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace neurona::app {

/// The tree behind a formula; drawn, spoken and written as MathML from the same parse.
struct FormulaNode {
  enum class Kind {
    row,          ///< children in order
    variable,     ///< italic letter
    symbol,       ///< upright: digits, brackets, Greek capitals, words
    binary,       ///< + - = with space around
    punctuation,  ///< comma with space behind
    space,
    fraction,  ///< children: numerator, denominator
    root,      ///< children: radicand
    script,    ///< children: base, sub, sup (either may be null)
    accent,    ///< children: base; text is the sign above
    large,     ///< sum, product: text is the sign; limits come through script
    live,      ///< child that stands for the thing in text: they light each other (Ui::light)
  };
  Kind kind = Kind::row;
  std::string text;
  float space_em = 0;
  std::vector<std::unique_ptr<FormulaNode>> children;
};

/// Parses; never fails: what it does not know is set as upright text.
std::unique_ptr<FormulaNode> parse_formula(std::string_view tex);

}  // namespace neurona::app
