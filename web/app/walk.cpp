#include "walk.hpp"

#include <algorithm>
#include <cmath>

#include "formula.hpp"
#include "i18n.hpp"
#include "neurona/error.hpp"
#include "widgets/controls.hpp"

namespace neurona::app {
namespace {

constexpr std::int64_t kTerms = 6;        // that are shown; the others are summed
constexpr std::size_t kInFormula = 2;     // of the terms
constexpr float kWidth = 380, kPadding = 14, kRow = 34, kPhoneRow = 44, kFormula = 18;

bool can_follow(const Place& place) { return place.kind != Place::Kind::constant; }

std::string number(double value, Language language) { return format_significant(value, 3, language); }

/// The factors of a term as TeX: "0.31 \cdot (-0.88)".
std::string product(const Term& term, Language language) {
  std::string out;
  for (const Factor& factor : term.factors) {
    const std::string text = number(factor.value, language);
    if (!out.empty()) out += " \\cdot ";
    out += factor.value < 0 && !out.empty() ? "(" + text + ")" : text;
  }
  return out;
}

}  // namespace

void Walk::pin(Explained what, const Place& place) {
  what_ = std::move(what);
  way_ = {place};
  is_due_ = true;
  here_ = {};
}

void Walk::close() {
  way_.clear();
  what_ = {};
}

bool Walk::update() {
  if (!is_open() || (!is_due_ && serial_ == what_.serial())) return false;
  serial_ = what_.serial();
  is_due_ = false;
  const Explainer* explainer = what_.explainer();
  if (!explainer) {
    close();
    return true;
  }
  try {
    here_ = explainer->follow(way_.back(), kTerms);
    name_ = explainer->name(way_.back());
    names_.clear();
    for (const Term& term : here_.terms) {
      names_.emplace_back();
      for (const Factor& factor : term.factors) names_.back().push_back(explainer->name(factor.place));
    }
  } catch (const Error&) {  // another network reads now: it has no such place
    close();
  }
  return true;
}

std::string Walk::combined(Language language) const {
  const std::string count = format_integer(here_.count, language);
  switch (here_.combine) {
    case Combine::given:
      return std::string(tr(way_.back().kind == Place::Kind::parameter ? Msg::walk_parameter : Msg::walk_input, language));
    case Combine::copy:
      return std::string(tr(Msg::walk_copy, language));
    case Combine::maximum:
      return std::string(tr(Msg::walk_maximum, language)) + " " + count;
    case Combine::mean:
      return std::string(tr(Msg::walk_mean, language)) + " " + count;
    case Combine::softmax:
      return std::string(tr(Msg::walk_softmax, language));
    default:
      return std::string(tr(Msg::walk_sum, language)) + " " + count;
  }
}

std::string Walk::formula(Language language) const {
  const auto value = [&](double v) { return number(v, language); };
  const std::string whole = value(here_.value);
  if (here_.combine == Combine::softmax && here_.chosen)
    return "\\frac{" + value(here_.chosen->value) + "}{" + value(here_.total) + "} = " + whole;
  if (here_.combine == Combine::maximum && here_.chosen) return "\\max = " + whole;
  if (here_.combine != Combine::sum && here_.combine != Combine::mean && here_.combine != Combine::loss) return {};
  std::string terms;
  for (std::size_t i = 0; i < std::min(kInFormula, here_.terms.size()); ++i)
    terms += (terms.empty() ? "" : " + ") + product(here_.terms[i], language);
  if (here_.count > std::int64_t(kInFormula)) terms += " + \\ldots";
  if (!here_.z) return (way_.back().kind == Place::Kind::sum ? "z = " : "") + terms + " = " + whole;
  return "z = " + terms + " = " + value(*here_.z);
}

std::string Walk::spoken(Language language) const {
  if (!is_open() || is_due_) return {};
  return name_ + " = " + number(here_.value, language) + ": " + combined(language) + ".";
}

// ------------------------------------------------------------------------------------------------------ panel

void Walk::draw(Ui& ui, Rect area, bool compact) {
  if (!is_open()) return;
  const Theme& t = ui.theme();
  const float row = compact ? kPhoneRow : kRow;
  const std::string tex = formula(ui.language());
  const float least = 30 + 22 + (tex.empty() ? 0 : 44) + row * float(here_.terms.size()) + (here_.count > std::int64_t(here_.terms.size()) ? 22 : 0);
  Rect panel{area.right() - (compact ? area.w : std::min(area.w, kWidth)), 0, compact ? area.w : std::min(area.w, kWidth), 0};
  panel.h = std::min(area.h, least + 2 * kPadding);
  panel.y = area.bottom() - panel.h;
  ui.begin_overlay(/*modal=*/false);
  const Scope scope(ui, "walk");
  ui.region("panel", panel, {.role = Role::none});
  ui.shadow(panel, 14);
  ui.fill(panel, t.panel, 14);
  ui.stroke(panel, t.accent, 14, 1.5f);
  Rect in = panel.inset(kPadding);
  Rect head = in.cut_top(26, 4);
  const bool closes = button(ui, "close", head.cut_right(30, 4), {}, {.kind = ButtonKind::ghost, .icon = Icon::close, .spoken = tr(Msg::close, ui.language())});
  const bool back = way_.size() > 1 && button(ui, "back", head.cut_left(30, 8), {}, {.kind = ButtonKind::ghost, .icon = Icon::left, .spoken = tr(Msg::back, ui.language())});
  const TextStyle mono = ui.style(Type::mono).with(t.accent);
  const std::string value = is_due_ ? "…" : number(here_.value, ui.language());
  ui.text_in(head.cut_right(ui.measure(value, mono).x + 1, 10), value, mono, 1);
  ui.text_in(head, is_due_ ? std::string() : name_, ui.style(Type::card_title).with(t.ink));
  if (!is_due_) {
    std::string how = combined(ui.language());
    if (here_.z) how = std::string(to_string(here_.activation)) + "(z) = " + value + " · z: " + how;
    ui.text_in(in.cut_top(20, 2), how, ui.style(Type::small));
    if (!tex.empty()) {
      const FormulaSize natural = measure_formula(ui, tex, kFormula);
      const float size = kFormula * std::min(1.f, in.w / std::max(1.f, natural.width));
      const Rect line = in.cut_top(40, 4);
      draw_formula(ui, {line.x, line.center().y + 5}, tex, size, t.ink);
    }
    draw_terms(ui, in, compact);
  }
  const bool escape = ui.take_key(Key::escape);
  ui.end_overlay();
  if (closes || escape) close(), ui.request_frames();
  if (back) way_.pop_back(), is_due_ = true, ui.request_frames();
}

void Walk::draw_terms(Ui& ui, Rect in, bool compact) {
  const float row = compact ? kPhoneRow : kRow;
  const std::size_t way = way_.size();
  for (std::size_t i = 0; i < here_.terms.size() && in.h >= row - 1 && way_.size() == way; ++i)
    draw_term(ui, in.cut_top(row), here_.terms[i], i);
  const std::int64_t others = here_.count - std::int64_t(here_.terms.size());
  if (others <= 0 || in.h < 18) return;
  const Language l = ui.language();
  std::string text = "… " + format_integer(others, l) + " " + std::string(tr(Msg::walk_others, l));
  if (here_.combine != Combine::maximum) text += ": " + number(here_.rest, l);
  ui.text_in(in.cut_top(20), text, ui.style(Type::mono_small));
}

/// The factors of a term, each a way on, and what they come to.
void Walk::draw_term(Ui& ui, Rect row, const Term& term, std::size_t index) {
  const Theme& t = ui.theme();
  const Language l = ui.language();
  const TextStyle mono = ui.style(Type::mono_small), small{Face::mono, 10.5f, t.soft, 0};
  const std::string value = number(term.value, l);
  ui.text_in(row.cut_right(std::max(52.f, ui.measure(value, mono).x + 1), 8), value,
             mono.with(text_color(t, term.value < 0 ? t.negative : t.positive)), 1);
  const std::size_t count = term.factors.size();
  for (std::size_t k = 0; k < count; ++k) {
    const Factor& factor = term.factors[k];
    Rect cell = row.column(int(k), int(std::max<std::size_t>(count, 1)), 6).inset(0, 2);
    const std::string name = names_[index][k], number_text = number(factor.value, l);
    if (can_follow(factor.place)) {
      const std::string id = "term-" + std::to_string(index) + "-" + std::to_string(k);
      const Interaction touch = ui.region(id, cell, {.label = name, .value = number_text, .role = Role::link});
      ui.fill(cell, touch.hovered ? t.hover : t.background, 7);
      if (touch.ring) ui.focus_ring(cell.inset(2), 6);
      if (touch.clicked && !is_due_) way_.push_back(factor.place), is_due_ = true, ui.request_frames();
    }
    cell = cell.inset(7, 0);
    ui.text_in(cell.cut_right(ui.measure(number_text, mono).x + 1, 6), number_text, mono.with(t.ink), 1);
    ui.text_in(cell, std::string_view(name).substr(name.find('/') + 1), small);  // "kernel[3,0]": the layer is known
  }
}

}  // namespace neurona::app
