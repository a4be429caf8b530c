#include "lesson_text.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace neurona::app {
namespace {

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\n' || text.front() == '\r'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\n' || text.back() == '\r'))
    text.remove_suffix(1);
  return text;
}

std::pair<std::string, std::string> split(std::string_view text, char at) {
  const std::size_t cut = text.find(at);
  if (cut == std::string_view::npos) return {std::string(trim(text)), {}};
  return {std::string(trim(text.substr(0, cut))), std::string(trim(text.substr(cut + 1)))};
}

[[noreturn]] void fail(const std::string& id, std::string_view file, const std::string& what) {
  throw LessonTextError("Lesson '" + id + "', " + std::string(file) + ": " + what);
}

void append(std::string& text, std::string_view line) {
  if (!text.empty()) text += '\n';
  text += line;
}

/// One language's file; its steps are matched with those of lesson.json by id.
void parse_markdown(std::string_view text, std::string_view file, LessonText& out) {
  StepText* step = nullptr;
  std::map<std::string, std::string, std::less<>>* table = nullptr;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view raw = text.substr(at, end - at), line = trim(raw);
    at = end + 1;
    if (line.substr(0, 3) == "## ") {
      auto [id, title] = split(line.substr(3), '|');
      step = nullptr, table = nullptr;
      if (id == "strings") {
        table = &out.strings;
      } else if (id == "glossary") {
        table = &out.glossary;
      } else {
        const auto found =
            std::find_if(out.steps.begin(), out.steps.end(), [&](const StepText& s) { return s.id == id; });
        if (found == out.steps.end())
          fail(out.id, file, "step '" + id + "' is not in lesson.json. Add it there or mend its id.");
        if (!found->title.empty()) fail(out.id, file, "step '" + id + "' stands there twice.");
        step = &*found;
        step->title = title;
      }
    } else if (line.substr(0, 2) == "# ") {
      auto [name, title] = split(line.substr(2), '|');
      out.name = name, out.title = title.empty() ? name : title;
    } else if (table && line.substr(0, 2) == "- ") {
      auto [key, value] = split(line.substr(2), ':');
      if (value.empty()) fail(out.id, file, "'" + key + "' has no text. Write `- key: text`.");
      (*table)[key] = value;
    } else if (step && line.substr(0, 2) == "> ") {
      append(step->check, line.substr(2));
    } else if (step && line.substr(0, 3) == "=> ") {
      step->next = line.substr(3);
    } else if (step) {
      append(step->prose, line);
    }
  }
  if (out.name.empty()) fail(out.id, file, "no name. Begin with `# Name in the rail | Title`.");
  for (StepText& s : out.steps) {
    s.prose = trim(s.prose);
    if (s.title.empty())
      fail(out.id, file, "step '" + s.id + "' has no title. Add `## " + s.id + " | Title`.");
    if (s.prose.empty()) fail(out.id, file, "step '" + s.id + "' has no prose.");
  }
}

void same_keys(const LessonText& a, const LessonText& b, std::string_view b_file) {
  for (const auto& [key, value] : a.strings)
    if (!b.strings.contains(key))
      fail(a.id, b_file, "string '" + key + "' is missing; the other language has it.");
  for (const auto& [key, value] : a.glossary)
    if (!b.glossary.contains(key))
      fail(a.id, b_file, "glossary word '" + key + "' is missing; the other language has it.");
  for (std::size_t i = 0; i < a.steps.size(); ++i)
    if (a.steps[i].check.empty() != b.steps[i].check.empty())
      fail(a.id, b_file, "step '" + a.steps[i].id + "' has a check in one language only.");
}

/// Code of a step: lines, or lines for each language.
std::string code_lines(const nlohmann::json& code, const char* language) {
  std::string out;
  for (const auto& line : code.is_object() ? code.at(language) : code) out += line.get<std::string>() + "\n";
  return out;
}

}  // namespace

std::string_view LessonText::label(std::string_view key) const {
  if (const auto it = strings.find(key); it != strings.end()) return it->second;
  static thread_local std::string missing;
  return missing = "<" + std::string(key) + ">";
}

LessonTexts parse_lesson(std::string_view lesson_json, std::string_view es_md, std::string_view en_md,
                         const std::function<std::string(std::string_view)>& read_snippet) {
  LessonTexts out;
  std::string id;
  try {
    const auto json = nlohmann::json::parse(lesson_json);
    out.es.id = out.en.id = id = json.at("id").get<std::string>();
    out.es.number = out.en.number = json.at("number").get<int>();
    for (const auto& item : json.at("steps")) {
      StepText step;
      step.id = item.at("id").get<std::string>();
      step.formula = item.value("formula", "");
      if (item.contains("cpp")) {
        const std::string reference = item["cpp"].get<std::string>();
        step.cpp = read_snippet ? read_snippet(reference) : std::string();
        if (read_snippet && step.cpp.empty())
          fail(id, "lesson.json",
               "snippet '" + reference + "' of step '" + step.id + "' is not there.");
      }
      for (LessonText* text : {&out.es, &out.en}) {
        if (item.contains("keras")) step.keras = code_lines(item["keras"], text == &out.es ? "es" : "en");
        text->steps.push_back(step);
      }
    }
  } catch (const nlohmann::json::exception& error) {
    fail(id, "lesson.json", error.what());
  }
  if (out.es.steps.empty()) fail(id, "lesson.json", "no steps.");
  parse_markdown(es_md, "es.md", out.es);
  parse_markdown(en_md, "en.md", out.en);
  same_keys(out.es, out.en, "en.md");
  same_keys(out.en, out.es, "es.md");
  return out;
}

LessonTexts parse_bundle(std::string_view text) {
  try {
    const auto json = nlohmann::json::parse(text);
    const auto& snippets = json.at("snippets");
    return parse_lesson(json.at("lesson").dump(), json.at("es").get_ref<const std::string&>(),
                        json.at("en").get_ref<const std::string&>(), [&](std::string_view reference) {
                          return snippets.value(std::string(reference), std::string());
                        });
  } catch (const nlohmann::json::exception& error) {
    throw LessonTextError(std::string("A lesson's file: ") + error.what());
  }
}

LessonTexts embedded_lesson(std::string_view id) {
  const std::string_view bundle = embedded_bundle(id);
  if (bundle.empty()) throw LessonTextError("Lesson '" + std::string(id) + "' is not a part of the program.");
  return parse_bundle(bundle);
}

}  // namespace neurona::app
