// The text column of App, and what App tells the host.
#include <nlohmann/json.hpp>

#include "app.hpp"
#include "formula.hpp"
#include "rich_text.hpp"
#include "widgets/callout.hpp"

namespace neurona::app {
namespace {

std::string upper(std::string_view text) {
  std::string out(text);
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (out[i] >= 'a' && out[i] <= 'z') out[i] = char(out[i] - 32);
    // á é í ó ú ñ: two bytes, the capital 0x20 below
    if (out[i] == '\xc3' && i + 1 < out.size() && static_cast<unsigned char>(out[i + 1]) >= 0xa0) {
      ++i;
      out[i] = char(out[i] - 0x20);
    }
  }
  return out;
}

}  // namespace

float App::draw_text(LessonContext& c, ImVec2 at, float width) {
  const StepText& step = c.text.steps[std::size_t(c.step)];
  Lesson& lesson = *places_[std::size_t(current_)].lesson;
  float y = at.y;
  const std::string kicker = upper(tr(Msg::lesson, language_)) + " " + std::to_string(current_) + " · " +
                             upper(tr(Msg::step, language_)) + " " + std::to_string(c.step + 1);
  ui_.text({at.x, y}, kicker, ui_.style(Type::kicker));
  y += 28;
  y += rich_text(ui_, {at.x, y}, width, step.title, {.style = ui_.style(Type::heading), .leading = 1.18f}) +
       14;
  RichTextOptions prose{.style = ui_.style(Type::body)};
  prose.glossary = [&c](std::string_view term) {
    const auto it = c.text.glossary.find(term);
    return it == c.text.glossary.end() ? std::string() : it->second;
  };
  y += rich_text(ui_, {at.x, y}, width, step.prose, prose) + 16;
  if (!step.formula.empty())
    y += formula_block(ui_, {at.x, y}, width, step.formula, lesson.live_numbers(c)) + 14;
  if (!step.keras.empty() || !step.cpp.empty()) {
    const CodeTab before = code_tab_;
    y += code_panel(ui_, {at.x, y}, width, step.keras, step.cpp, code_tab_) + 14;
    if (code_tab_ != before) platform_.store("code", code_tab_ == CodeTab::cpp ? "cpp" : "keras");
  }
  if (!step.check.empty()) {
    const CalloutKind kind = lesson.check_passed(c) ? CalloutKind::passed : CalloutKind::check;
    y += callout(ui_, {at.x, y}, width, step.check, kind) + 14;
  }
  y += lesson.aside(c, {at.x, y}, width, true);
  return y - at.y;
}

std::string App::state_json() {
  LessonContext c = context();
  Place& here = places_[std::size_t(current_)];
  nlohmann::json out;
  out["lesson"] = here.id;
  out["step"] = step_ + 1;
  out["steps"] = step_count();
  out["checked"] = here.lesson->check_passed(c);
  out["language"] = code_of(language_);
  out["theme"] = theme_ == ThemeChoice::automatic ? "auto" : theme_ == ThemeChoice::dark ? "dark" : "light";
  out["dark"] = pick_theme().dark;
  const Prediction& p = digit_.prediction();
  if (p.label >= 0)
    out["prediction"] = {
        {"label", p.label}, {"probabilities", p.probabilities}, {"milliseconds", p.milliseconds}};
  else
    out["prediction"] = nullptr;
  constexpr const char* kStatus[] = {"waiting", "loading", "ready", "failed"};
  out["network"] = {{"status", kStatus[int(digit_.status())]}};
  if (digit_.recognizer()) {
    out["network"]["name"] = digit_.recognizer()->name();
    out["network"]["parameters"] = digit_.recognizer()->parameters();
    out["network"]["multiply_adds"] = digit_.recognizer()->multiply_adds();
  }
  if (const Prediction* other = digit_.other_prediction(); other && other->label >= 0)
    out["network"]["other"] = {{"label", other->label}, {"probability", other->probabilities[std::size_t(other->label)]}};
  if (!digit_.error().empty()) out["network"]["error"] = digit_.error();
  out["strokes"] = digit_.drawing().strokes.size();
  out["training"] = {{"status", "none"}};
  out["data"] = {{"status", "none"}};
  out["values"] = nlohmann::json::object();
  for (Place& place : places_) {
    LessonContext one = context(place);
    const auto more = nlohmann::json::parse(place.lesson->state_json(one), nullptr, false);
    if (more.is_object()) out.merge_patch(more);
  }
  out["rects"] = nlohmann::json::object();
  for (const ControlInfo& control : ui_.controls())
    if (control.visible)
      out["rects"][control.name] = {control.rect.x, control.rect.y, control.rect.w, control.rect.h};
  return out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string App::mirror_json() {
  LessonContext c = context();
  Place& here = places_[std::size_t(current_)];
  const StepText& step = c.text.steps[std::size_t(step_)];
  nlohmann::json out;
  out["language"] = code_of(language_);
  out["document"] = here.id == "draw" ? "Neurona" : "Neurona · " + c.text.name;
  out["kicker"] = std::string(tr(Msg::lesson, language_)) + " " + std::to_string(current_) + ": " +
                  c.text.name + " · " + std::string(tr(Msg::step, language_)) + " " +
                  std::to_string(step_ + 1) + "/" + std::to_string(step_count());
  out["title"] = plain_text(step.title);
  out["prose"] = plain_text(step.prose);
  out["formula"] = step.formula.empty() ? "" : formula_as_mathml(step.formula);
  out["code"] = code_tab_ == CodeTab::cpp && !step.cpp.empty() ? step.cpp : step.keras;
  out["check"] = plain_text(step.check);
  out["spoken"] = here.lesson->spoken(c);
  out["background"] = pick_theme().dark ? "#13161B" : "#FBFAF7";
  auto& list = out["controls"] = nlohmann::json::array();
  for (const ControlInfo& control : ui_.controls())
    if (control.enabled && control.role != Role::image)
      list.push_back({{"name", control.name},
                      {"label", control.label},
                      {"value", control.value},
                      {"slider", control.role == Role::slider},
                      {"focused", control.focused}});
  return out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void App::emit_changes(bool predicted) {
  const DigitReader::Status status = digit_.status();
  if (!announced_ && (status == DigitReader::Status::ready || status == DigitReader::Status::failed)) {
    announced_ = true;
    platform_.emit("ready", "{}");
  }
  if (predicted) {
    const Prediction& p = digit_.prediction();
    nlohmann::json out = nullptr;
    if (p.label >= 0) out = {{"label", p.label}, {"probabilities", p.probabilities}};
    platform_.emit("prediction", out.dump());
  }
  // While frames follow each other the mirror does so four times a second at most; the last frame's is emitted by work().
  mirror_due_ = true;
  if (ui_.time() - mirrored_ >= 0.25) emit_mirror();
}

void App::emit_mirror() {
  mirror_due_ = false;
  std::string mirror = mirror_json();
  if (mirror == last_mirror_) return;
  mirrored_ = ui_.time();
  last_mirror_ = std::move(mirror);
  platform_.emit("mirror", last_mirror_);
}

}  // namespace neurona::app
