#include "values.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace neurona::app {
namespace {

std::string plain(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.10g", value);
  return text;
}

bool read_number(std::string_view text, double& out) {
  const std::string copy(text);
  char* end = nullptr;
  out = std::strtod(copy.c_str(), &end);
  return !copy.empty() && end == copy.c_str() + copy.size() && std::isfinite(out);
}

/// "'a', 'b' or 'c'"
std::string list_of(const std::vector<std::string_view>& options) {
  std::string out;
  for (std::size_t i = 0; i < options.size(); ++i) {
    if (i > 0) out += i + 1 == options.size() ? " or " : ", ";
    out += "'" + std::string(options[i]) + "'";
  }
  return out;
}

}  // namespace

Control::Control(Values& owner, std::string_view name) : owner_(owner), name_(name) {
  if (owner.find(name)) throw std::logic_error("Two controls of one lesson are called '" + std::string(name) + "'.");
  owner.controls_.push_back(this);
}

void Control::changed() { ++owner_.revision_; }

// --------------------------------------------------------------------------------------------------- numbers

Number::Number(Values& owner, const NumberSpec& spec)
    : Control(owner, spec.name), spec_(spec), value_(spec.initial) {}

void Number::set(double value) {
  value = std::clamp(value, spec_.minimum, spec_.maximum);
  if (spec_.integer) value = std::round(value);
  if (value == value_) return;
  value_ = value;
  changed();
}

std::string Number::reading(Language language) const {
  std::string out = spec_.percent   ? format_percent(value_, 0, language)
                    : spec_.integer ? format_integer(std::llround(value_), language)
                                    : format_significant(value_, spec_.digits, language);
  if (!spec_.unit.empty()) out += "\u00a0" + std::string(spec_.unit);
  return out;
}

std::string Number::text() const { return plain(value_); }

std::string Number::expected() const {
  return (spec_.integer ? "a whole number from " : "a number from ") + plain(spec_.minimum) + " to " +
         plain(spec_.maximum);
}

std::string Number::take(std::string_view text) {
  double value = 0;
  if (!read_number(text, value) || value < spec_.minimum || value > spec_.maximum ||
      (spec_.integer && value != std::floor(value)))
    return expected();
  set(value);
  return {};
}

std::string Number::described() const {
  const std::string unit = spec_.unit.empty() ? std::string() : " " + std::string(spec_.unit);
  return (spec_.integer ? "whole number, " : "number, ") + plain(spec_.minimum) + " to " + plain(spec_.maximum) +
         unit + " (" + plain(spec_.initial) + ")";
}

// --------------------------------------------------------------------------------------- choices and switches

Choice::Choice(Values& owner, ChoiceSpec spec) : Control(owner, spec.name), spec_(std::move(spec)) {}

void Choice::set(int index) {
  index = std::clamp(index, 0, int(spec_.options.size()) - 1);
  if (index == index_) return;
  index_ = index;
  changed();
}

std::string Choice::json() const { return nlohmann::json(std::string(value())).dump(); }

std::string Choice::take(std::string_view text) {
  const auto found = std::find(spec_.options.begin(), spec_.options.end(), text);
  if (found == spec_.options.end()) return list_of(spec_.options);
  set(int(found - spec_.options.begin()));
  return {};
}

std::string Choice::described() const {
  return list_of(spec_.options) + " ('" + std::string(spec_.options[0]) + "')";
}

Flag::Flag(Values& owner, const FlagSpec& spec)
    : Control(owner, spec.name), initial_(spec.initial), on_(spec.initial) {}

void Flag::set(bool on) {
  if (on == on_) return;
  on_ = on;
  changed();
}

std::string Flag::take(std::string_view text) {
  const bool on = text == "true" || text == "1";
  if (!on && text != "false" && text != "0") return "true or false";
  set(on);
  return {};
}

std::string Flag::described() const { return std::string("true or false (") + (initial_ ? "true" : "false") + ")"; }

Action::Action(Values& owner, ChoiceSpec spec, std::function<void(std::string_view)> act)
    : Control(owner, spec.name), spec_(std::move(spec)), act_(std::move(act)) {}

std::string Action::take(std::string_view text) {
  const auto found = std::find(spec_.options.begin(), spec_.options.end(), text);
  if (found == spec_.options.end()) return list_of(spec_.options);
  act_(*found);
  return {};
}

std::string Action::described() const { return "does: " + list_of(spec_.options); }

// ---------------------------------------------------------------------------------------------------- values

Control* Values::find(std::string_view name) const {
  for (Control* control : controls_)
    if (control->name() == name) return control;
  return nullptr;
}

UrlState Values::address() const {
  UrlState state;
  for (const Control* control : controls_)
    if (control->in_address() && !control->is_initial()) state.emplace_back(control->name(), control->text());
  return state;
}

void Values::restore(const UrlState& state) {
  for (Control* control : controls_) {
    if (!control->in_address()) continue;
    const std::string_view text = value_of(state, control->name());
    if (text.empty() || !control->take(text).empty()) control->reset();
  }
}

std::string Values::set(Control& control, std::string_view value) {
  const std::string expected = control.take(value);
  if (expected.empty()) return {};
  return std::string(control.name()) + ": received '" + std::string(value) + "', expected " + expected + ".";
}

std::string Values::json() const {
  std::string out;
  for (const Control* control : controls_) {
    if (control->is_action()) continue;
    out += (out.empty() ? "\"" : ",\"") + std::string(control->name()) + "\":" + control->json();
  }
  return "{" + out + "}";
}

}  // namespace neurona::app
