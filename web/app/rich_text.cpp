#include "rich_text.hpp"

#include <cmath>
#include <utility>
#include <vector>

#include "formula.hpp"

namespace neurona::app {
namespace {

/// A stretch of text in one manner.
struct Span {
  enum class Kind { plain, strong, italic, code, term, formula } kind = Kind::plain;
  std::string text;
  std::string term;  // of a glossary word
};

struct Paragraph {
  std::vector<Span> spans;
  bool item = false;
};

/// Inline marks to spans. An unclosed mark is a plain character.
std::vector<Span> parse_inline(std::string_view text) {
  std::vector<Span> spans;
  std::string plain;
  const auto flush = [&] {
    if (!plain.empty()) spans.push_back({Span::Kind::plain, std::exchange(plain, {}), {}});
  };
  for (std::size_t at = 0; at < text.size();) {
    const auto closed = [&](std::string_view mark, Span::Kind kind) {
      if (text.substr(at, mark.size()) != mark) return false;
      const std::size_t start = at + mark.size(), end = text.find(mark, start);
      if (end == std::string_view::npos || end == start) return false;
      flush();
      spans.push_back({kind, std::string(text.substr(start, end - start)), {}});
      at = end + mark.size();
      return true;
    };
    if (closed("**", Span::Kind::strong) || closed("`", Span::Kind::code) ||
        closed("$", Span::Kind::formula) || closed("*", Span::Kind::italic))
      continue;
    if (text[at] == '[') {
      const std::size_t close = text.find("](", at), end = text.find(')', close);
      if (close != std::string_view::npos && end != std::string_view::npos) {
        flush();
        spans.push_back({Span::Kind::term, std::string(text.substr(at + 1, close - at - 1)),
                         std::string(text.substr(close + 2, end - close - 2))});
        at = end + 1;
        continue;
      }
    }
    plain += text[at++];
  }
  flush();
  return spans;
}

std::vector<Paragraph> parse(std::string_view text) {
  std::vector<Paragraph> out;
  std::string current;
  bool item = false;
  const auto flush = [&] {
    if (!current.empty()) out.push_back({parse_inline(current), item});
    current.clear();
    item = false;
  };
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line = text.substr(at, end - at);
    at = end + 1;
    while (!line.empty() && (line.back() == ' ' || line.back() == '\r')) line.remove_suffix(1);
    if (line.empty()) {
      flush();
      continue;
    }
    if (line.substr(0, 2) == "- ") {
      flush();
      item = true;
      line.remove_prefix(2);
    }
    if (!current.empty()) current += ' ';
    current += line;
  }
  flush();
  return out;
}

/// A piece that never breaks, measured.
struct Word {
  const Span* span;
  std::string text;
  float width = 0;
  bool space_before = false;
};

class Flow {
 public:
  Flow(Ui& ui, const RichTextOptions& options) : ui_(ui), options_(options), base_(options.style) {
    if (base_.color == 0) base_.color = ui.theme().ink;
    leading_ = std::round(base_.size * options.leading);
    lines_left_ = options.most_lines;
  }

  /// Whether `most_lines` left something out.
  bool is_cut() const { return cut_; }

  TextStyle style_of(const Span& span) const {
    const Theme& t = ui_.theme();
    switch (span.kind) {
      case Span::Kind::strong:
        return base_.with(Face::strong).with(options_.strong_color ? options_.strong_color : base_.color);
      case Span::Kind::italic:
        return base_.with(Face::italic);
      case Span::Kind::code:
        return {Face::mono, base_.size * 0.89f, mix(base_.color, t.accent, 0.25f), 0};
      default:
        return base_;
    }
  }

  float run(ImVec2 position, float width, std::string_view text, bool paint) {
    float y = position.y;
    bool first = true;
    for (const Paragraph& paragraph : parse(text)) {
      if (options_.most_lines > 0 && lines_left_ == 0) {
        cut_ = true;
        break;
      }
      if (!first) y += paragraph.item ? options_.paragraph_gap * 0.5f : options_.paragraph_gap;
      first = false;
      const float indent = paragraph.item ? 16.f : 0.f;
      if (paragraph.item && paint)
        ui_.draw()->AddCircleFilled({position.x + 4, y + leading_ * 0.52f}, 2, ui_.theme().accent);
      y = set(paragraph, {position.x + indent, y}, width - indent, paint);
    }
    return y - position.y;
  }

 private:
  std::vector<Word> words(const Paragraph& paragraph, float width) {
    std::vector<Word> out;
    bool space = false;
    for (const Span& span : paragraph.spans) {
      if (span.kind == Span::Kind::formula) {
        out.push_back(
            {&span, span.text, measure_formula(ui_, span.text, base_.size * 1.08f).width + 1, space});
        space = false;
        continue;
      }
      const TextStyle style = style_of(span);
      std::string word;
      const auto flush = [&] {
        if (word.empty()) return;
        const float full = ui_.measure(word, style).x;
        if (full <= width) {
          out.push_back({&span, std::exchange(word, {}), full, std::exchange(space, false)});
          return;
        }
        // A word wider than the line is broken where it must.
        std::string piece;
        for (std::size_t at = 0; at < word.size();) {
          std::size_t next = at + 1;
          while (next < word.size() && (word[next] & 0xc0) == 0x80) ++next;
          const std::string longer = piece + word.substr(at, next - at);
          if (!piece.empty() && ui_.measure(longer, style).x > width) {
            out.push_back({&span, piece, ui_.measure(piece, style).x, std::exchange(space, false)});
            out.push_back({nullptr, {}, width + 1, false});  // forces a new line
            piece.clear();
          }
          piece += word.substr(at, next - at);
          at = next;
        }
        out.push_back({&span, piece, ui_.measure(piece, style).x, std::exchange(space, false)});
        word.clear();
      };
      for (const char c : span.text) {
        if (c == ' ') {
          flush();
          space = true;
        } else {
          word += c;
        }
      }
      flush();
    }
    return out;
  }

  float set(const Paragraph& paragraph, ImVec2 at, float width, bool paint) {
    const std::vector<Word> list = words(paragraph, width);
    const float blank = ui_.measure(" ", base_).x;
    std::size_t i = 0;
    float y = at.y;
    while (i < list.size()) {
      if (!list[i].span) {
        ++i;
        continue;
      }
      if (options_.most_lines > 0 && lines_left_ == 0) {
        cut_ = true;
        break;
      }
      --lines_left_;
      // Pieces without a space between them (a word and its comma) stay on one line.
      float x = 0, extra_above = 0, extra_below = 0;
      std::size_t end = i;
      while (end < list.size() && list[end].span) {
        std::size_t group = end;
        float group_width = list[group].width + (list[group].space_before && end > i ? blank : 0);
        while (group + 1 < list.size() && list[group + 1].span && !list[group + 1].space_before)
          group_width += list[++group].width;
        if (end > i && x + group_width > width + 0.5f) break;
        x += group_width;
        for (std::size_t k = end; k <= group; ++k)
          if (list[k].span->kind == Span::Kind::formula) {
            const FormulaSize size = measure_formula(ui_, list[k].text, base_.size * 1.08f);
            extra_above = std::max(extra_above, size.ascent - leading_ * 0.66f);
            extra_below = std::max(extra_below, size.descent - leading_ * 0.36f);
          }
        end = group + 1;
      }
      y += std::max(0.f, extra_above);
      if (paint) draw_line(list, i, end, {at.x, y}, blank);
      y += leading_ + std::max(0.f, extra_below);
      i = end;
    }
    return y;
  }

  void draw_line(const std::vector<Word>& list, std::size_t from, std::size_t to, ImVec2 at, float blank) {
    const Theme& t = ui_.theme();
    const float baseline = at.y + (leading_ + ui_.cap_height(base_)) * 0.5f;
    float x = at.x;
    const Span* term = nullptr;
    float term_x = 0, term_end = 0;
    const auto finish_term = [&] {
      if (term) glossary(*term, {term_x, at.y, term_end - term_x, leading_}, baseline);
      term = nullptr;
    };
    for (std::size_t i = from; i < to; ++i) {
      const Word& word = list[i];
      if (word.space_before && i > from) x += blank;
      if (term && word.span != term) finish_term();
      if (word.span->kind == Span::Kind::formula) {
        draw_formula(ui_, {x, baseline}, word.text, base_.size * 1.08f, base_.color);
      } else {
        if (word.span->kind == Span::Kind::code)
          ui_.fill({x - 2, at.y + leading_ * 0.14f, word.width + 4, leading_ * 0.74f}, t.code, 4);
        ui_.text_on({x, baseline}, word.text, style_of(*word.span));
      }
      if (word.span->kind == Span::Kind::term) {
        if (!term) term = word.span, term_x = x;
        term_end = x + word.width;
      }
      x += word.width;
    }
    finish_term();
  }

  void glossary(const Span& span, Rect rect, float baseline) {
    const std::string explanation = options_.glossary ? options_.glossary(span.term) : std::string();
    if (explanation.empty()) return;
    const std::string name = std::string(options_.name) + ":" + span.term + ":" + std::to_string(count_++);
    const Interaction touch = ui_.region(name, rect, {.label = span.text, .role = Role::link});
    const ImU32 line = touch.hovered || touch.ring ? ui_.theme().accent
                                                   : mix(ui_.theme().accent_soft, ui_.theme().accent, 0.35f);
    ui_.fill({rect.x, baseline + 3.5f, rect.w, 2}, line);
    if (touch.ring) ui_.focus_ring(rect, 4);
    if (touch.clicked) ui_.pin(name);
    if (touch.hovered || touch.ring || ui_.pinned(name))
      ui_.tooltip(name, rect, {.title = span.text, .text = explanation});
  }

  Ui& ui_;
  const RichTextOptions& options_;
  TextStyle base_;
  float leading_;
  int count_ = 0;
  int lines_left_ = 0;
  bool cut_ = false;
};

}  // namespace

bool exceeds_lines(Ui& ui, std::string_view text, float width, const RichTextOptions& options) {
  Flow flow(ui, options);
  flow.run({0, 0}, width, text, false);
  return flow.is_cut();
}

float measure_rich_text(Ui& ui, std::string_view text, float width, const RichTextOptions& options) {
  return Flow(ui, options).run({0, 0}, width, text, false);
}

float rich_text(Ui& ui, ImVec2 position, float width, std::string_view text, const RichTextOptions& options) {
  return Flow(ui, options).run(position, width, text, true);
}

std::string plain_text(std::string_view text) {
  std::string out;
  bool first = true;
  for (const Paragraph& paragraph : parse(text)) {
    if (!first) out += '\n';
    first = false;
    for (const Span& span : paragraph.spans)
      out += span.kind == Span::Kind::formula ? formula_as_text(span.text) : span.text;
  }
  return out;
}

}  // namespace neurona::app
