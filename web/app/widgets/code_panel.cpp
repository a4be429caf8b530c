#include "code_panel.hpp"

#include <cmath>
#include <string>
#include <vector>

#include "../i18n.hpp"
#include "controls.hpp"

namespace neurona::app {
namespace {

enum class Token { plain, keyword, function, number, string, comment };

struct Piece {
  Token token;
  std::string_view text;
};

bool is_word(char c) {
  return c == '_' || (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c < 0;
}

bool is_keyword(std::string_view word) {
  constexpr std::string_view kKeywords[] = {"import", "from", "def",   "return", "for",       "in",   "if",
                                            "else",   "auto", "const", "using",  "namespace", "int",  "float",
                                            "double", "bool", "while", "True",   "False",     "true", "false",
                                            "None",   "as",   "with",  "void",   "struct"};
  for (const std::string_view keyword : kKeywords)
    if (word == keyword) return true;
  return false;
}

/// One line into coloured pieces; enough for snippets of a few lines.
std::vector<Piece> tokenize(std::string_view line) {
  std::vector<Piece> out;
  for (std::size_t at = 0; at < line.size();) {
    const char c = line[at];
    if (c == '#' && (at == 0 || line.substr(at, 8) != "#include")) {
      out.push_back({Token::comment, line.substr(at)});
      break;
    }
    if (line.substr(at, 2) == "//") {
      out.push_back({Token::comment, line.substr(at)});
      break;
    }
    std::size_t end = at + 1;
    if (c == '"' || c == '\'') {
      while (end < line.size() && line[end] != c) end += line[end] == '\\' ? 2 : 1;
      end = std::min(line.size(), end + 1);
      out.push_back({Token::string, line.substr(at, end - at)});
    } else if (c >= '0' && c <= '9') {
      while (end < line.size() && (is_word(line[end]) || line[end] == '.')) ++end;
      out.push_back({Token::number, line.substr(at, end - at)});
    } else if (is_word(c)) {
      while (end < line.size() && is_word(line[end])) ++end;
      const std::string_view word = line.substr(at, end - at);
      const bool call = end < line.size() && (line[end] == '(' || line[end] == '{');
      out.push_back({is_keyword(word) ? Token::keyword : call ? Token::function : Token::plain, word});
    } else {
      while (end < line.size() && !is_word(line[end]) && line[end] != '"' && line[end] != '\'' &&
             line[end] != '#' && line.substr(end, 2) != "//")
        ++end;
      out.push_back({Token::plain, line.substr(at, end - at)});
    }
    at = end;
  }
  return out;
}

TextStyle style_of(Ui& ui, Token token, float size) {
  const Theme& t = ui.theme();
  switch (token) {
    case Token::keyword:
    case Token::function:
      return {Face::mono, size, t.positive, 0};
    case Token::number:
      return {Face::mono_strong, size, t.negative_text, 0};
    case Token::string:
      return {Face::mono, size, t.accent, 0};
    case Token::comment:
      return {Face::mono, size, t.soft, 0};
    default:
      return {Face::mono, size, t.ink, 0};
  }
}

/// Walks the code with wrapping; calls paint(position, style, text) when given. Returns the height.
template <class Paint>
float walk(Ui& ui, std::string_view code, float width, float size, Paint paint) {
  const float advance = ui.measure("0", {Face::mono, size, 0, 0}).x, line = std::round(size * 1.5f);
  float y = 0;
  while (!code.empty() && (code.back() == '\n' || code.back() == ' ')) code.remove_suffix(1);
  for (std::size_t at = 0; at <= code.size();) {
    const std::size_t end = std::min(code.find('\n', at), code.size());
    const std::string_view text = code.substr(at, end - at);
    std::size_t indent = 0;
    while (indent < text.size() && text[indent] == ' ') ++indent;
    float x = 0;
    for (const Piece& piece : tokenize(text)) {
      std::string_view rest = piece.text;
      while (!rest.empty()) {
        std::string_view part = rest;
        const TextStyle style = style_of(ui, piece.token, size);
        if (x + ui.measure(part, style).x > width + 0.5f) {
          // Break at a space if there is one that fits, else before the piece, else where it must.
          std::size_t cut = std::size_t(std::max(0.f, (width - x) / advance));
          if (cut >= part.size()) cut = part.size() - 1;
          const std::size_t space = part.substr(0, cut).rfind(' ');
          if (space != std::string_view::npos && space > indent)
            cut = space + 1;
          else if (x > float(indent + 4) * advance + 0.5f)
            cut = 0;
          else
            cut = std::max<std::size_t>(1, cut);
          while (cut > 0 && cut < part.size() && (part[cut] & 0xc0) == 0x80) --cut;
          if (cut == 0 && x <= float(indent + 4) * advance + 0.5f) cut = part.size();
          part = part.substr(0, cut);
          if (!part.empty()) paint(ImVec2{x, y}, style, part);
          rest.remove_prefix(part.size());
          if (!rest.empty()) {
            y += line;
            x = std::min(width * 0.5f, float(indent + 4) * advance);
            while (!rest.empty() && rest[0] == ' ') rest.remove_prefix(1);
          }
          continue;
        }
        paint(ImVec2{x, y}, style, part);
        x += ui.measure(part, style).x;
        break;
      }
    }
    y += line;
    at = end + 1;
  }
  return y;
}

}  // namespace

float code_panel(Ui& ui, ImVec2 position, float width, std::string_view keras, std::string_view cpp,
                 CodeTab& tab, bool draw) {
  if (keras.empty() && cpp.empty()) return 0;
  constexpr float kTabs = 36, kPadding = 14;
  const Theme& t = ui.theme();
  CodeTab open = tab;
  if (open == CodeTab::cpp && cpp.empty()) open = CodeTab::keras;
  if (open == CodeTab::keras && keras.empty()) open = CodeTab::cpp;
  const std::string_view code = open == CodeTab::cpp ? cpp : keras;
  const float inner = width - 2 * kPadding;
  // Small enough for the longest line, if that stays readable; beyond that it wraps.
  float size = 12.5f;
  std::size_t longest = 0;
  for (std::size_t at = 0; at <= code.size();) {
    const std::size_t end = std::min(code.find('\n', at), code.size());
    longest = std::max(longest, end - at);
    at = end + 1;
  }
  const float need = float(longest) * ui.measure("0", {Face::mono, size, 0, 0}).x;
  if (need > inner) size = std::max(11.5f, size * inner / need);
  const float body = walk(ui, code, inner, size, [](ImVec2, const TextStyle&, std::string_view) {});
  const float height = kTabs + 11 + body + 11;
  if (!draw) return height;

  const Rect box{position.x, position.y, width, height};
  ui.fill(box, t.code, 12);
  ui.stroke(box, t.line, 12);
  ui.fill({box.x, box.y + kTabs - 1, box.w, 1}, t.line);
  float x = box.x + 1;
  const auto head = [&](std::string_view label, std::string_view name, CodeTab which, bool there) {
    if (!there) return;
    const TextStyle style{Face::text, 13, open == which ? t.ink : t.soft, 0};
    const Rect rect{x, box.y, ui.measure(label, style).x + 28, kTabs};
    const Interaction touch =
        ui.region(name, rect, {.label = label, .value = spoken_state(ui, open == which), .role = Role::tab});
    if (touch.clicked || touch.arrow_x % 2 != 0)
      tab = touch.arrow_x % 2 != 0 ? (which == CodeTab::keras ? CodeTab::cpp : CodeTab::keras) : which;
    if (open == which) ui.fill({rect.x, rect.bottom() - 2, rect.w, 2}, t.accent);
    if (touch.ring) ui.focus_ring(rect.inset(5), 6);
    ui.text_in(rect, label, style.with(touch.hovered ? t.ink : style.color), 0.5f);
    x += rect.w;
  };
  head("Keras", "code-keras", CodeTab::keras, !keras.empty());
  head("C++", "code-cpp", CodeTab::cpp, !cpp.empty());
  if (open == CodeTab::cpp) {
    ui.text_in({x + 8, box.y, box.right() - x - 22, kTabs}, tr(Msg::code_runs, ui.language()), {Face::text, 12.5f, t.soft, 0}, 1);
  }
  const ImVec2 origin{box.x + kPadding, box.y + kTabs + 11};
  const float line = std::round(size * 1.5f);
  walk(ui, code, inner, size, [&](ImVec2 at, const TextStyle& style, std::string_view text) {
    const float baseline = origin.y + at.y + (line + ui.cap_height(style)) / 2;
    ui.text_on({origin.x + at.x, baseline}, text, style);
  });
  return height;
}

}  // namespace neurona::app
