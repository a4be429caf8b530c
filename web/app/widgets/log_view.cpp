#include "log_view.hpp"

#include <cmath>
#include <vector>

namespace neurona::app {

void log_view(Ui& ui, Rect rect, std::span<const std::string> lines) {
  const Theme& t = ui.theme();
  const TextStyle style{Face::mono, 12, t.soft, 0};
  const float line = std::round(style.size * 1.55f);
  const int room = int(rect.h / line);
  if (room < 1) return;
  struct Row {
    std::string text;
    bool strong;
  };
  std::vector<Row> rows;  // newest first
  for (std::size_t i = lines.size(); i-- > 0 && int(rows.size()) < room;) {
    // Wrap at " - ", else at a space, else where it must.
    std::vector<std::string> pieces;
    std::string_view rest = lines[i];
    while (!rest.empty()) {
      std::size_t end = rest.size();
      while (end > 1 && ui.measure(rest.substr(0, end), style).x > rect.w) {
        std::size_t cut = rest.substr(0, end - 1).rfind(" - ");
        if (cut == std::string_view::npos || cut == 0) cut = rest.substr(0, end - 1).rfind(' ');
        end = cut == std::string_view::npos || cut == 0 ? end - 1 : cut;
      }
      pieces.emplace_back(rest.substr(0, end));
      rest.remove_prefix(end);
      while (!rest.empty() && (rest[0] == ' ' || rest.substr(0, 2) == "- "))
        rest.remove_prefix(rest[0] == ' ' ? 1 : 2);
    }
    for (std::size_t k = pieces.size(); k-- > 0;) rows.push_back({pieces[k], i + 1 == lines.size()});
  }
  if (int(rows.size()) > room) rows.resize(std::size_t(room));
  float y = rect.y;
  for (std::size_t k = rows.size(); k-- > 0;) {
    ui.text_in({rect.x, y, rect.w, line}, rows[k].text, rows[k].strong ? style.with(t.ink) : style);
    y += line;
  }
}

}  // namespace neurona::app
