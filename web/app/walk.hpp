#pragma once

#include <functional>
#include <string>
#include <vector>

#include "neurona/explain.hpp"
#include "ui.hpp"

namespace neurona::app {

/// Who can tell where its numbers come from.
struct Explained {
  /// What explains the pass of now; null while there is none. May run the pass: not to be called in a frame.
  std::function<const Explainer*()> explainer;
  /// Grows whenever the numbers change.
  std::function<int()> serial;
};

/// "Where does this number come from": a value that was pinned, and the way from it to the values it was made of, each of
/// which can be visited in turn, and back. A panel at the edge of the window, on a phone a sheet above the step bar.
class Walk {
 public:
  /// `what` must live as long as the walk is open.
  void pin(Explained what, const Place& place);
  void close();
  bool is_open() const { return !way_.empty(); }
  /// Takes up changed numbers. Between frames; returns whether there is something new to see.
  bool update();
  /// Draws the panel into the lower right of `area`.
  void draw(Ui& ui, Rect area, bool compact);
  /// The panel in a sentence, for the mirror: "dense[3] = 1.42: sum of 785".
  std::string spoken(Language language) const;

 private:
  void draw_terms(Ui& ui, Rect in, bool compact);
  void draw_term(Ui& ui, Rect row, const Term& term, std::size_t index);
  std::string formula(Language language) const;
  std::string combined(Language language) const;

  Explained what_;
  std::vector<Place> way_;
  int serial_ = -1;
  bool is_due_ = false;
  // Of the last place of the way, as update() found it.
  Explanation here_;
  std::string name_;
  std::vector<std::vector<std::string>> names_;  // of the factors of each term
};

}  // namespace neurona::app
