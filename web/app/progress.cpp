#include "progress.hpp"

#include <cstdio>

namespace neurona::app {
namespace {

std::string key_of(std::string_view kind, std::string_view lesson) {
  return std::string(kind) + "." + std::string(lesson);
}

}  // namespace

LearnerProgress::Steps& LearnerProgress::steps(Lessons& lessons, std::string_view kind, std::string_view lesson) {
  if (const auto it = lessons.find(lesson); it != lessons.end()) return it->second;
  Steps& out = lessons[std::string(lesson)];
  const std::string list = platform_.load(key_of(kind, lesson));
  for (std::size_t at = 0; at < list.size();) {
    const std::size_t end = std::min(list.find(',', at), list.size());
    if (end > at) out.insert(list.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

void LearnerProgress::add(Lessons& lessons, std::string_view kind, std::string_view lesson,
                          std::string_view step) {
  Steps& known = steps(lessons, kind, lesson);
  if (!known.emplace(step).second) return;
  std::string list;
  for (const std::string& id : known) list += (list.empty() ? "" : ",") + id;
  platform_.store(key_of(kind, lesson), list);
}

bool LearnerProgress::passed(std::string_view lesson, std::string_view step) {
  return steps(passed_, "passed", lesson).contains(step);
}

std::optional<LearnerProgress::Guessed> LearnerProgress::guessed(std::string_view lesson,
                                                                 std::string_view step) const {
  Guessed out;
  const std::string text = platform_.load(key_of(key_of("guess", lesson), step));
  if (std::sscanf(text.c_str(), "%lf,%lf", &out.guess, &out.answer) != 2) return std::nullopt;
  return out;
}

void LearnerProgress::guess(std::string_view lesson, std::string_view step, Guessed what) {
  char text[64];
  std::snprintf(text, sizeof text, "%.6g,%.6g", what.guess, what.answer);
  platform_.store(key_of(key_of("guess", lesson), step), text);
}

}  // namespace neurona::app
