#include "formula_parser.hpp"

#include <array>
#include <utility>

#include "formula.hpp"

namespace neurona::app {
namespace {

using Kind = FormulaNode::Kind;
using Node = std::unique_ptr<FormulaNode>;

struct Symbol {
  std::string_view name;
  Kind kind;
  std::string_view text;
};

constexpr std::array kSymbols = {
    Symbol{"alpha", Kind::variable, "α"},   Symbol{"beta", Kind::variable, "β"},
    Symbol{"gamma", Kind::variable, "γ"},   Symbol{"delta", Kind::variable, "δ"},
    Symbol{"epsilon", Kind::variable, "ε"}, Symbol{"eta", Kind::variable, "η"},
    Symbol{"theta", Kind::variable, "θ"},   Symbol{"lambda", Kind::variable, "λ"},
    Symbol{"mu", Kind::variable, "μ"},      Symbol{"sigma", Kind::variable, "σ"},
    Symbol{"pi", Kind::variable, "π"},      Symbol{"phi", Kind::variable, "φ"},
    Symbol{"omega", Kind::variable, "ω"},   Symbol{"Sigma", Kind::symbol, "Σ"},
    Symbol{"Delta", Kind::symbol, "Δ"},     Symbol{"Omega", Kind::symbol, "Ω"},
    Symbol{"nabla", Kind::symbol, "∇"},     Symbol{"partial", Kind::symbol, "∂"},
    Symbol{"infty", Kind::symbol, "∞"},     Symbol{"ldots", Kind::symbol, "…"},
    Symbol{"cdots", Kind::binary, "⋯"},     Symbol{"cdot", Kind::binary, "·"},
    Symbol{"times", Kind::binary, "×"},     Symbol{"leftarrow", Kind::binary, "←"},
    Symbol{"to", Kind::binary, "→"},        Symbol{"rightarrow", Kind::binary, "→"},
    Symbol{"approx", Kind::binary, "≈"},    Symbol{"le", Kind::binary, "≤"},
    Symbol{"ge", Kind::binary, "≥"},        Symbol{"ne", Kind::binary, "≠"},
    Symbol{"in", Kind::binary, "∈"},        Symbol{"pm", Kind::binary, "±"},
    Symbol{"sum", Kind::large, "∑"},        Symbol{"prod", Kind::large, "∏"},
};
constexpr std::array kWords = {"log", "exp", "max", "min", "argmax", "ln", "sin", "cos"};
constexpr std::array<std::pair<std::string_view, float>, 6> kSpaces = {
    {{",", 0.17f}, {";", 0.28f}, {"!", -0.17f}, {" ", 0.25f}, {"quad", 1.f}, {"qquad", 2.f}}};
constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kAccents = {
    {{"hat", "^"}, {"bar", "¯"}, {"vec", "→"}, {"dot", "·"}, {"tilde", "~"}}};

Node make(Kind kind, std::string_view text = {}) {
  auto node = std::make_unique<FormulaNode>();
  node->kind = kind, node->text = text;
  return node;
}

std::size_t utf8_length(char c) {
  const auto u = static_cast<unsigned char>(c);
  return u < 0x80 ? 1 : u < 0xe0 ? 2 : u < 0xf0 ? 3 : 4;
}

class Parser {
 public:
  explicit Parser(std::string_view tex) : tex_(tex) {}

  Node row(bool until_brace, int depth = 0) {
    Node out = make(Kind::row);
    while (at_ < tex_.size()) {
      if (tex_[at_] == '}') {
        if (until_brace) break;
        ++at_;
        continue;
      }
      if (tex_[at_] == '^' || tex_[at_] == '_') {
        const bool above = tex_[at_++] == '^';
        Node part = argument(depth + 1);
        if (out->children.empty() || out->children.back()->kind != Kind::script) {
          Node script = make(Kind::script);
          script->children.resize(3);
          if (!out->children.empty()) {
            script->children[0] = std::move(out->children.back());
            out->children.pop_back();
          } else {
            script->children[0] = make(Kind::row);
          }
          out->children.push_back(std::move(script));
        }
        out->children.back()->children[above ? 2 : 1] = std::move(part);
        continue;
      }
      if (Node next = atom(depth + 1)) out->children.push_back(std::move(next));
    }
    return out;
  }

 private:
  /// A group in braces or a single atom.
  Node argument(int depth) {
    while (at_ < tex_.size() && tex_[at_] == ' ') ++at_;
    if (at_ < tex_.size() && tex_[at_] == '{' && depth < 40) {
      ++at_;
      Node group = row(true, depth);
      if (at_ < tex_.size()) ++at_;
      return group;
    }
    Node one = atom(depth);
    return one ? std::move(one) : make(Kind::row);
  }

  std::string braced_text() {
    if (at_ >= tex_.size() || tex_[at_] != '{') return {};
    const std::size_t end = tex_.find('}', at_);
    const std::size_t stop = end == std::string_view::npos ? tex_.size() : end;
    std::string text(tex_.substr(at_ + 1, stop - at_ - 1));
    at_ = stop == tex_.size() ? stop : stop + 1;
    return text;
  }

  Node command(int depth) {
    std::size_t end = at_ + 1;
    while (end < tex_.size() && ((tex_[end] | 32) >= 'a' && (tex_[end] | 32) <= 'z')) ++end;
    if (end == at_ + 1) end = std::min(tex_.size(), at_ + 2);
    const std::string_view name = tex_.substr(at_ + 1, end - at_ - 1);
    at_ = end;
    if (name == "frac") {
      Node node = make(Kind::fraction);
      node->children.push_back(argument(depth));
      node->children.push_back(argument(depth));
      return node;
    }
    if (name == "sqrt") {
      Node node = make(Kind::root);
      node->children.push_back(argument(depth));
      return node;
    }
    if (name == "live") {
      Node node = make(Kind::live, braced_text());
      node->children.push_back(argument(depth));
      return node;
    }
    if (name == "text" || name == "mathrm" || name == "operatorname")
      return make(Kind::symbol, braced_text());
    if (name == "left" || name == "right") return nullptr;
    for (const auto& [accent, sign] : kAccents)
      if (name == accent) {
        Node node = make(Kind::accent, sign);
        node->children.push_back(argument(depth));
        return node;
      }
    for (const auto& [space, em] : kSpaces)
      if (name == space) {
        Node node = make(Kind::space);
        node->space_em = em;
        return node;
      }
    for (const Symbol& symbol : kSymbols)
      if (name == symbol.name) return make(symbol.kind, symbol.text);
    for (const std::string_view word : kWords)
      if (name == word) return make(Kind::symbol, word);
    return make(Kind::symbol, name);
  }

  Node atom(int depth) {
    const char c = tex_[at_];
    if (c == ' ') return ++at_, nullptr;
    if (c == '\\') return command(depth);
    if (c == '{') return argument(depth);
    const std::size_t length = std::min(utf8_length(c), tex_.size() - at_);
    const std::string_view one = tex_.substr(at_, length);
    if (c >= '0' && c <= '9') {
      std::size_t end = at_;
      const auto digit = [&](std::size_t i) { return i < tex_.size() && tex_[i] >= '0' && tex_[i] <= '9'; };
      while (digit(end) || (end < tex_.size() && (tex_[end] == ',' || tex_[end] == '.') && digit(end + 1)))
        ++end;
      const std::string_view number = tex_.substr(at_, end - at_);
      at_ = end;
      return make(Kind::symbol, number);
    }
    at_ += length;
    if ((c | 32) >= 'a' && (c | 32) <= 'z') return make(Kind::variable, one);
    if (c == '-') return make(Kind::binary, "−");
    if (c == '*') return make(Kind::binary, "·");
    if (c == '+' || c == '=' || c == '<' || c == '>') return make(Kind::binary, one);
    if (c == ',' || c == ';') return make(Kind::punctuation, one);
    return make(Kind::symbol, one);
  }

  std::string_view tex_;
  std::size_t at_ = 0;
};

void speak(const FormulaNode& node, std::string& out) {
  const auto child = [&](std::size_t i) {
    if (i < node.children.size() && node.children[i]) speak(*node.children[i], out);
  };
  switch (node.kind) {
    case Kind::row:
      for (const Node& part : node.children) speak(*part, out);
      break;
    case Kind::binary:
      out += " " + node.text + " ";
      break;
    case Kind::punctuation:
      out += node.text + " ";
      break;
    case Kind::space:
      out += " ";
      break;
    case Kind::fraction:
      out += "(", child(0), out += ") / (", child(1), out += ")";
      break;
    case Kind::root:
      out += "√(", child(0), out += ")";
      break;
    case Kind::live:
      child(0);
      break;
    case Kind::accent:
      child(0), out += node.text == "^" ? "\u0302" : "";
      break;
    case Kind::script:
      child(0);
      if (node.children[1]) out += "_", child(1);
      if (node.children[2]) out += "^", child(2);
      out += " ";
      break;
    default:
      out += node.text;
  }
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text)
    out += c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : std::string(1, c);
  return out;
}

void mathml(const FormulaNode& node, std::string& out) {
  const auto child = [&](std::size_t i) {
    if (i < node.children.size() && node.children[i])
      mathml(*node.children[i], out);
    else
      out += "<mrow></mrow>";
  };
  switch (node.kind) {
    case Kind::row:
      out += "<mrow>";
      for (const Node& part : node.children) mathml(*part, out);
      out += "</mrow>";
      break;
    case Kind::variable:
      out += "<mi>" + escaped(node.text) + "</mi>";
      break;
    case Kind::symbol: {
      const bool number = !node.text.empty() && node.text[0] >= '0' && node.text[0] <= '9';
      out += number ? "<mn>" + escaped(node.text) + "</mn>" : "<mtext>" + escaped(node.text) + "</mtext>";
      break;
    }
    case Kind::space:
      break;
    case Kind::live:
      child(0);
      break;
    case Kind::fraction:
      out += "<mfrac>", child(0), child(1), out += "</mfrac>";
      break;
    case Kind::root:
      out += "<msqrt>", child(0), out += "</msqrt>";
      break;
    case Kind::accent:
      out += "<mover>", child(0), out += "<mo>" + escaped(node.text) + "</mo></mover>";
      break;
    case Kind::script: {
      const bool sub = bool(node.children[1]), sup = bool(node.children[2]);
      const bool limits = node.children[0] && node.children[0]->kind == Kind::large;
      const std::string tag = limits ? (sub && sup ? "munderover"
                                        : sub      ? "munder"
                                                   : "mover")
                                     : (sub && sup ? "msubsup"
                                        : sub      ? "msub"
                                                   : "msup");
      out += "<" + tag + ">", child(0);
      if (sub) child(1);
      if (sup) child(2);
      out += "</" + tag + ">";
      break;
    }
    default:
      out += "<mo>" + escaped(node.text) + "</mo>";
  }
}

}  // namespace

std::unique_ptr<FormulaNode> parse_formula(std::string_view tex) { return Parser(tex).row(false); }

std::string formula_as_text(std::string_view tex) {
  std::string out, tidy;
  speak(*parse_formula(tex), out);
  for (const char c : out)
    if (c != ' ' || (!tidy.empty() && tidy.back() != ' ')) tidy += c;
  while (!tidy.empty() && tidy.back() == ' ') tidy.pop_back();
  return tidy;
}

std::string formula_as_mathml(std::string_view tex) {
  std::string out = "<math xmlns=\"http://www.w3.org/1998/Math/MathML\" display=\"block\">";
  mathml(*parse_formula(tex), out);
  return out + "</math>";
}

}  // namespace neurona::app
