#pragma once

#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "language.hpp"

namespace neurona::app {

/// One step as the learner reads it.
struct StepText {
  std::string id;
  std::string title;
  std::string prose;    ///< rich text
  std::string formula;  ///< TeX, may be empty
  std::string keras;    ///< code, may be empty; names in it may be the language's own
  std::string cpp;      ///< code: the very lines that are compiled
  std::string check;    ///< rich text of the callout, may be empty
  std::string next;     ///< a teaser for the step bar, may be empty
};

/// A lesson in one language.
struct LessonText {
  std::string id;
  int number = 0;
  std::string name;  ///< in the rail
  std::string title;
  std::vector<StepText> steps;
  std::map<std::string, std::string, std::less<>> strings;   ///< labels of its widgets, by key
  std::map<std::string, std::string, std::less<>> glossary;  ///< term -> explanation
  /// The label of that key. An unknown key gives the key itself in angle brackets, so that it is seen.
  std::string_view label(std::string_view key) const;
};

/// A lesson's text in both languages.
struct LessonTexts {
  LessonText es, en;
  const LessonText& in(Language language) const { return language == Language::es ? es : en; }
};

/// What is wrong with a lesson's files: names the file, the step and how to mend it.
struct LessonTextError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Builds a lesson from the text of its three files; throws LessonTextError when a language lacks a step, a
/// title, prose or a label that the other has, or when steps differ from lesson.json. `read_snippet` gives
/// the C++ of a snippet by "path#name". Format: web/app/lessons/README.md.
LessonTexts parse_lesson(std::string_view lesson_json, std::string_view es_md, std::string_view en_md,
                         const std::function<std::string(std::string_view)>& read_snippet = {});
/// The same from one file as web/embed.py writes it: {"lesson", "es", "en", "snippets": {"path#name": code}}.
LessonTexts parse_bundle(std::string_view json);

// --- what is a part of the program (web/embed.py) ---
/// The bundle of a lesson; "" for one whose text is fetched.
std::string_view embedded_bundle(std::string_view id);
LessonTexts embedded_lesson(std::string_view id);
/// [{"id", "number", "es": name, "en": name, "steps": [id ...]} ...] of all lessons that exist.
std::string_view embedded_catalog();

}  // namespace neurona::app
