#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "platform.hpp"

namespace neurona::app {

/// What the learner has seen, passed and guessed, by lesson and step; kept between visits.
class LearnerProgress {
 public:
  explicit LearnerProgress(Platform& platform) : platform_(platform) {}

  void see(std::string_view lesson, std::string_view step) { add(seen_, "seen", lesson, step); }
  void pass(std::string_view lesson, std::string_view step) { add(passed_, "passed", lesson, step); }
  bool passed(std::string_view lesson, std::string_view step);
  int seen_count(std::string_view lesson) { return int(steps(seen_, "seen", lesson).size()); }
  int passed_count(std::string_view lesson) { return int(steps(passed_, "passed", lesson).size()); }
  /// The guess that was made at a step, and the answer that came.
  struct Guessed {
    double guess = 0, answer = 0;
  };
  std::optional<Guessed> guessed(std::string_view lesson, std::string_view step) const;
  void guess(std::string_view lesson, std::string_view step, Guessed what);

 private:
  using Steps = std::set<std::string, std::less<>>;
  using Lessons = std::map<std::string, Steps, std::less<>>;
  Steps& steps(Lessons& lessons, std::string_view kind, std::string_view lesson);
  void add(Lessons& lessons, std::string_view kind, std::string_view lesson, std::string_view step);

  Platform& platform_;
  Lessons seen_, passed_;
};

}  // namespace neurona::app
