// Texts, numbers, addresses and formulas: what the interface says, without drawing it.
#include <doctest/doctest.h>

#include <cctype>
#include <string>

#include "bundled_files.hpp"
#include "course.hpp"
#include "formula.hpp"
#include "language.hpp"
#include "lesson_text.hpp"
#include "rich_text.hpp"
#include "session.hpp"
#include "text_store.hpp"
#include "url_state.hpp"

using namespace neurona::app;

namespace {

constexpr std::string_view kJson =
    R"({"id": "t", "number": 1, "steps": [{"id": "a"}, {"id": "b", "formula": "x"}]})";
constexpr std::string_view kEs =
    "# Corto | Largo\n## a | Uno\nTexto.\n> Prueba.\n## b | Dos\nMás.\n## strings\n- go: Ir\n";
constexpr std::string_view kEn =
    "# Short | Long\n## a | One\nText.\n> Try.\n## b | Two\nMore.\n## strings\n- go: Go\n";

std::string error_of(std::string_view json, std::string_view es, std::string_view en) {
  try {
    parse_lesson(json, es, en);
  } catch (const LessonTextError& error) {
    return error.what();
  }
  return "";
}

std::string without(std::string_view text, std::string_view part) {
  std::string out(text);
  return out.erase(out.find(part), part.size());
}

/// The text of a lesson, a part of the program or not.
LessonTexts lesson(std::string_view id) {
  const std::string path = "lessons/" + std::string(id) + ".json";
  return bundled_file(path).empty() ? embedded_lesson(id) : parse_bundle(bundled_file(path));
}

}  // namespace

TEST_CASE("A lesson's text is read in both languages") {
  const LessonTexts texts = parse_lesson(kJson, kEs, kEn);
  CHECK(texts.es.name == "Corto");
  CHECK(texts.en.title == "Long");
  CHECK(texts.es.steps[0].check == "Prueba.");
  CHECK(texts.en.steps[1].prose == "More.");
  CHECK(texts.en.steps[1].formula == "x");
  CHECK(texts.es.label("go") == "Ir");
  CHECK(texts.es.label("gone") == "<gone>");
}

TEST_CASE("A lesson that lacks something in one language does not load, and says what") {
  CHECK(error_of(kJson, kEs, without(kEn, "## b | Two\nMore.\n")) ==
        "Lesson 't', en.md: step 'b' has no title. Add `## b | Title`.");
  CHECK(error_of(kJson, without(kEs, "- go: Ir\n"), kEn) ==
        "Lesson 't', es.md: string 'go' is missing; the other language has it.");
  CHECK(error_of(kJson, kEs, without(kEn, "> Try.\n")) ==
        "Lesson 't', en.md: step 'a' has a check in one language only.");
  CHECK(error_of(kJson, kEs, without(kEn, "More.\n")) == "Lesson 't', en.md: step 'b' has no prose.");
  CHECK(error_of("{", kEs, kEn).find("lesson.json") != std::string::npos);
}

TEST_CASE("Every lesson's text is complete, its steps are those of the code, and those to come cover the course") {
  TestPlatform platform;
  const TextStore store(platform);
  int with_text = 0;
  for (const auto& built : make_lessons()) {
    const LessonTexts texts = lesson(built->id());
    CAPTURE(texts.es.id);
    REQUIRE(texts.es.steps.size() == built->steps().size());
    const LessonSummary* summary = store.summary(built->id());
    REQUIRE(summary);
    for (std::size_t i = 0; i < built->steps().size(); ++i) {
      CHECK(texts.es.steps[i].id == built->steps()[i]->id());
      CHECK(summary->steps[i] == built->steps()[i]->id());
    }
    for (const Control* control : built->values().all())
      if (!control->is_action()) CHECK(texts.en.strings.contains(std::string(control->name())));
    ++with_text;
  }
  CHECK(with_text >= 2);
  const LessonTexts coming = lesson("coming");
  for (std::size_t i = 1; i < kCourse.size(); ++i) CHECK(coming.en.strings.contains(std::string(kCourse[i])));
}

TEST_CASE("A text arrives when its lesson is opened; one that does not arrive says why, and is asked for again") {
  struct Slow : TestPlatform {
    std::shared_ptr<Fetch> last;
    std::shared_ptr<Fetch> fetch(std::string_view path) override {
      fetched.emplace_back(path);
      return last = std::make_shared<Fetch>();
    }
  } platform;
  TextStore store(platform);
  CHECK(store.find("draw"));
  CHECK(!store.find("train"));
  store.want("train"), store.want("train");
  CHECK(platform.fetched == std::vector<std::string>{"lessons/train.json"});
  platform.last->status = Fetch::Status::failed, platform.last->error = "no way";
  CHECK(store.update());
  CHECK(store.error("train") == "no way");
  store.want("train");  // a failure is not asked for again by itself
  CHECK(platform.fetched.size() == 1);
  store.retry("train");
  CHECK(store.error("train").empty());
  const auto bytes = std::as_bytes(std::span(bundled_file("lessons/train.json")));
  platform.last->bytes.assign(bytes.begin(), bytes.end()), platform.last->status = Fetch::Status::done;
  CHECK(store.update());
  REQUIRE(store.find("train"));
  CHECK(store.find("train")->en.steps.size() == 7);
}

TEST_CASE("Code may name things in the language of the page") {
  const std::string json =
      R"({"id": "t", "number": 1, "steps": [{"id": "a", "keras": {"es": ["red"], "en": ["model"]}}, {"id": "b", "keras": ["x"]}]})";
  const LessonTexts texts = parse_lesson(json, kEs, kEn);
  CHECK(texts.es.steps[0].keras == "red\n");
  CHECK(texts.en.steps[0].keras == "model\n");
  CHECK(texts.en.steps[1].keras == "x\n");
  CHECK(error_of(R"({"id": "t", "number": 1, "steps": [{"id": "a", "keras": {"es": ["red"]}}]})", kEs, kEn).find("'en'") !=
        std::string::npos);
}

TEST_CASE("Spanish texts set numbers as the interface does") {
  for (const char* id : {"draw", "train", "coming"}) {
    const LessonText text = lesson(id).es;
    std::string all;
    for (const StepText& step : text.steps) all += step.title + step.prose + step.check + step.next;
    for (const auto& [key, value] : text.strings) all += value;
    for (std::size_t i = 1; i + 3 < all.size(); ++i) {
      const bool digits = std::isdigit((unsigned char)all[i - 1]) && std::isdigit((unsigned char)all[i + 1]);
      CAPTURE(all.substr(i > 20 ? i - 20 : 0, 40));
      CHECK(!(digits && all[i] == '.'));
      CHECK(!(all[i] == ' ' && all[i + 1] == '%'));
    }
  }
}

TEST_CASE("Numbers are written as each language writes them") {
  CHECK(format_integer(57000, Language::es) == "57\u202f000");
  CHECK(format_integer(1875, Language::es) == "1875");
  CHECK(format_integer(1875, Language::en) == "1,875");
  CHECK(format_number(0.3125, 2, Language::es) == "0,31");
  CHECK(format_number(-0.001, 2, Language::en) == "0.00");
  CHECK(format_number(-1.5, 1, Language::es) == "−1,5");
  CHECK(format_percent(0.962, 1, Language::en) == "96.2%");
  CHECK(format_percent(0.962, 1, Language::es) == "96,2\u00a0%");
  CHECK(format_significant(0.00031, 2, Language::es) == "0,00031");
}

TEST_CASE("The state survives its way through the address") {
  const UrlState state{{"lesson", "train"}, {"note", "a b&c=ñ%"}};
  CHECK(parse_fragment("#" + format_fragment(state)) == state);
  CHECK(parse_fragment("&&=x&a&%zz=1&b=2").back() == std::pair<std::string, std::string>("b", "2"));
}

TEST_CASE("Formulas and marked text can be read aloud") {
  CHECK(formula_as_text("z_j = \\sum_k w_{jk} a_k + b_j") == "z_j = ∑_k w_jk a_k + b_j");
  CHECK(formula_as_mathml("\\frac{1}{n}")
            .find("<mfrac><mrow><mn>1</mn></mrow><mrow><mi>n</mi></mrow></mfrac>") != std::string::npos);
  CHECK(formula_as_text("784 \\cdot \\live{units}{H}") == "784 · H");
  CHECK_NOTHROW(formula_as_text("{{{^_\\frac{\\unknown"));
  CHECK(plain_text("A **b** *c* `d` [e](f) $g^2$ 2*3") == "A b c d e g^2 2*3");
}
