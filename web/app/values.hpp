#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "language.hpp"
#include "url_state.hpp"

namespace neurona::app {

class Values;

/// Something that the learner sets. Declared once, as a member of its lesson; from the declaration come its widget
/// (control_view.hpp), its keys, what a screen reader says, its place in the address, `window.neurona.set`,
/// `state().values` and its line in the page's README. Its words are the lesson's strings of the same name.
class Control {
 public:
  /// `name` must be a literal, and unique in its lesson.
  Control(Values& owner, std::string_view name);
  virtual ~Control() = default;
  Control(const Control&) = delete;
  Control& operator=(const Control&) = delete;

  std::string_view name() const { return name_; }
  /// The value as in an address: "0.1", "relu", "1".
  virtual std::string text() const = 0;
  virtual std::string json() const = 0;
  /// Takes a value as in an address. Returns "", or what it expects: "a number from 0.001 to 100".
  virtual std::string take(std::string_view text) = 0;
  virtual bool is_initial() const = 0;
  virtual void reset() = 0;
  /// "number, 0.001 to 100 (0.1)": for the table of values.
  virtual std::string described() const = 0;
  /// Whether it is something to do, not a value that stays.
  virtual bool is_action() const { return false; }
  virtual bool in_address() const { return !is_action(); }

 protected:
  void changed();

 private:
  Values& owner_;
  std::string_view name_;
};

/// How a number's range is travelled; `steps` has a button at each side in place of a track.
enum class Spacing : std::uint8_t { linear, logarithmic, steps };

struct NumberSpec {
  std::string_view name;
  double minimum = 0, maximum = 1, initial = 0;
  Spacing spacing = Spacing::linear;
  bool integer = false;
  double step = 0;             ///< between values of a linear track; 0: none
  bool percent = false;        ///< shown as a share of a hundred
  std::string_view unit = {};  ///< behind the value: "ms"
  int digits = 2;              ///< significant ones that are shown
  bool in_address = true;      ///< else it is a moment of something that an address cannot bring back
};

class Number : public Control {
 public:
  Number(Values& owner, const NumberSpec& spec);
  double value() const { return value_; }
  std::int64_t whole() const { return std::int64_t(value_); }
  /// Rounds and clamps as the declaration says.
  void set(double value);
  /// The same for a value that follows something else: nobody has set it.
  void follow(double value) { value_ = std::clamp(value, spec_.minimum, spec_.maximum); }
  const NumberSpec& spec() const { return spec_; }
  /// The value as the learner reads it: "0,1", "5 %".
  std::string reading(Language language) const;

  std::string text() const override;
  std::string json() const override { return text(); }
  std::string take(std::string_view text) override;
  bool is_initial() const override { return value_ == spec_.initial; }
  bool in_address() const override { return spec_.in_address; }
  void reset() override { set(spec_.initial); }
  std::string described() const override;

 private:
  std::string expected() const;
  NumberSpec spec_;
  double value_;
};

struct ChoiceSpec {
  std::string_view name;
  /// In their order, the first is the initial one. Their words are the lesson's strings "name.option"; without such
  /// a string an option is its own word.
  std::vector<std::string_view> options;
};

class Choice : public Control {
 public:
  Choice(Values& owner, ChoiceSpec spec);
  int index() const { return index_; }
  std::string_view value() const { return spec_.options[std::size_t(index_)]; }
  void set(int index);
  const std::vector<std::string_view>& options() const { return spec_.options; }

  std::string text() const override { return std::string(value()); }
  std::string json() const override;
  std::string take(std::string_view text) override;
  bool is_initial() const override { return index_ == 0; }
  void reset() override { set(0); }
  std::string described() const override;

 private:
  ChoiceSpec spec_;
  int index_ = 0;
};

struct FlagSpec {
  std::string_view name;
  bool initial = false;
};

class Flag : public Control {
 public:
  Flag(Values& owner, const FlagSpec& spec);
  bool on() const { return on_; }
  void set(bool on);

  std::string text() const override { return on_ ? "1" : "0"; }
  std::string json() const override { return on_ ? "true" : "false"; }
  std::string take(std::string_view text) override;
  bool is_initial() const override { return on_ == initial_; }
  void reset() override { set(initial_); }
  std::string described() const override;

 private:
  bool initial_, on_;
};

/// Something to do, by the name of one of its options: set('training', 'play'). In no address, and no state.
class Action : public Control {
 public:
  Action(Values& owner, ChoiceSpec spec, std::function<void(std::string_view option)> act);

  std::string text() const override { return {}; }
  std::string json() const override { return "null"; }
  std::string take(std::string_view text) override;
  bool is_initial() const override { return true; }
  void reset() override {}
  std::string described() const override;
  bool is_action() const override { return true; }

 private:
  ChoiceSpec spec_;
  std::function<void(std::string_view)> act_;
};

/// The controls of a lesson.
class Values {
 public:
  /// Grows with every change.
  int revision() const { return revision_; }
  Control* find(std::string_view name) const;
  const std::vector<Control*>& all() const { return controls_; }
  /// Those that are not at their initial value.
  UrlState address() const;
  /// Takes them from an address; what it lacks, or holds wrongly, gets its initial value. It presses no buttons.
  void restore(const UrlState& state);
  /// Sets one that exists. Returns "", or what is wrong, in English.
  static std::string set(Control& control, std::string_view value);
  /// {"name": value, ...}
  std::string json() const;

 private:
  friend class Control;
  std::vector<Control*> controls_;
  int revision_ = 0;
};

}  // namespace neurona::app
