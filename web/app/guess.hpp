#pragma once

#include <optional>
#include <string>

#include "lesson.hpp"

namespace neurona::app {

/// Predict, then see: a number that the learner guesses before it is computed. The guess is made with a slider and
/// committed; then the answer comes, and both stay.
class Guess {
 public:
  /// `spec` declares the guess among the values of the lesson.
  Guess(Values& owner, const NumberSpec& spec) : number_(owner, spec) {}

  const Number& number() const { return number_; }
  std::optional<double> committed() const { return committed_; }
  std::optional<double> answer() const { return answer_; }
  void commit() { committed_ = number_.value(); }
  /// The computed answer to a guess that was made.
  void set_answer(double answer) { answer_ = answer; }
  /// What an earlier visit left.
  void recall(const LearnerProgress::Guessed& earlier);

  /// The slider and the button, then guess and answer on one scale, as far from each other as they are.
  Block view(const StepContext& c);

 private:
  Number number_;
  std::optional<double> committed_, answer_;
};

}  // namespace neurona::app
