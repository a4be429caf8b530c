// What App tells its host, and takes from it: window.neurona, the mirror, events.
#include <cstdio>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "app.hpp"
#include "formula.hpp"
#include "guess.hpp"
#include "rich_text.hpp"

namespace neurona::app {
namespace {

using Json = nlohmann::json;

std::string text_of(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

Json prediction_json(const Prediction& p, bool with_time) {
  if (p.label < 0) return nullptr;
  Json out = {{"label", p.label}, {"probabilities", p.probabilities}};
  if (with_time) out["milliseconds"] = p.milliseconds;
  return out;
}

Json network_json(const DigitReader& digit) {
  constexpr const char* kStatus[] = {"waiting", "loading", "ready", "failed"};
  Json out = {{"status", kStatus[std::size_t(digit.status())]}};
  if (const Recognizer* network = digit.recognizer()) {
    out["name"] = network->name();
    out["parameters"] = network->parameters();
    out["multiply_adds"] = network->multiply_adds();
  }
  if (const Prediction* other = digit.other_prediction(); other && other->label >= 0)
    out["other"] = {{"label", other->label}, {"probability", other->probabilities[std::size_t(other->label)]}};
  if (!digit.error().empty()) out["error"] = digit.error();
  return out;
}

Json data_json(const CourseData& data, bool shown) {
  constexpr const char* kStatus[] = {"idle", "loading", "failed", "ready"};
  CourseData::Status status = data.status();
  // What the door calls ready can be pressed: a frame has shown it.
  if (status == CourseData::Status::ready && !shown) status = CourseData::Status::loading;
  return {{"status", kStatus[std::size_t(status)]},
          {"source", data.embedded() ? "embedded" : "mnist"},
          {"progress", data.progress()},
          {"error", data.error()},
          {"train", data.train() ? data.train()->size() : 0},
          {"test", data.test() ? data.test()->size() : 0}};
}

}  // namespace

std::string App::state_json() {
  Json out;
  out["lesson"] = here().id;
  out["step"] = step_ + 1;
  out["steps"] = step_count();
  out["course"] = Json::array();
  for (const Place& place : places_)
    out["course"].push_back({{"lesson", place.id}, {"steps", place.steps.size()}, {"coming", place.coming}});
  out["checked"] = progress_.passed(here().id, here().steps[std::size_t(step_)]);
  out["guess"] = nullptr;
  if (const Guess* guess = step_here().guess(); guess && guess->committed()) {
    out["guess"] = {{"guess", *guess->committed()}, {"answer", nullptr}};
    if (guess->answer()) out["guess"]["answer"] = *guess->answer();
  }
  out["language"] = code_of(language_);
  out["theme"] = theme_ == ThemeChoice::automatic ? "auto" : theme_ == ThemeChoice::dark ? "dark" : "light";
  out["dark"] = pick_theme().dark;
  out["text"] = text_of(here()) ? "ready" : texts_.error(here().id).empty() ? "loading" : "failed";
  out["prediction"] = prediction_json(digit_.prediction(), true);
  out["network"] = network_json(digit_);
  out["strokes"] = digit_.drawing().strokes.size();
  out["training"] = {{"status", "none"}};
  out["data"] = data_json(data_, data_shown_);
  out["lessons"] = Json::object();
  // The lesson on the screen last: what several tell under one name is then its own.
  for (std::size_t k = 1; k <= places_.size(); ++k) {
    Place& place = places_[(std::size_t(current_) + k) % places_.size()];
    if (place.coming) continue;
    out["lessons"][place.id]["values"] = Json::parse(place.lesson->values().json());
    const Json more = Json::parse(place.lesson->state_json(services_), nullptr, false);
    if (more.is_object()) out.merge_patch(more);
  }
  out["values"] = here().coming ? Json::object() : out["lessons"][here().id]["values"];
  out["rects"] = Json::object();
  for (const ControlInfo& control : ui_.controls())
    if (control.visible)
      out["rects"][control.name] = {control.rect.x * zoom_, control.rect.y * zoom_, control.rect.w * zoom_,
                                    control.rect.h * zoom_};
  return app::text_of(out);
}

std::string App::mirror_json() {
  Json out;
  out["language"] = code_of(language_);
  out["background"] = pick_theme().dark ? "#13161B" : "#FBFAF7";
  out["document"] = here().id == "draw" ? "Neurona" : "Neurona · " + name_of(here());
  out["kicker"] = std::string(tr(Msg::lesson, language_)) + " " + std::to_string(current_) + ": " + name_of(here()) +
                  " · " + std::string(tr(Msg::step, language_)) + " " + std::to_string(step_ + 1) + "/" +
                  std::to_string(step_count());
  for (const char* part : {"title", "prose", "formula", "code", "check", "spoken"}) out[part] = "";
  if (const LessonText* text = text_of(here())) {
    StepContext c = context(*text);
    const StepText& step = c.step();
    out["title"] = plain_text(step.title);
    out["prose"] = plain_text(step.prose);
    if (!step.formula.empty()) out["formula"] = formula_as_mathml(step.formula);
    out["code"] = text_state_.tab == CodeTab::cpp && !step.cpp.empty() ? step.cpp : step.keras;
    out["check"] = plain_text(step.check);
    out["spoken"] = step_here().spoken(c);
  }
  auto& list = out["controls"] = Json::array();
  for (const ControlInfo& control : ui_.controls())
    if (control.enabled && control.role != Role::image)
      list.push_back({{"name", control.name},
                      {"label", control.label},
                      {"value", control.value},
                      {"slider", control.role == Role::slider},
                      {"focused", control.focused}});
  return app::text_of(out);
}

// ------------------------------------------------------------------------------------------------------- set

std::string App::set_value(std::string_view name, std::string_view value) {
  if (name == "language" || name == "lang") {
    if (value != "es" && value != "en")
      return "language: received '" + std::string(value) + "', expected 'es' or 'en'.";
    set_language(language_from(value));
    return {};
  }
  if (name == "theme") {
    if (value != "auto" && value != "light" && value != "dark")
      return "theme: received '" + std::string(value) + "', expected 'auto', 'light' or 'dark'.";
    set_theme(value == "dark"    ? ThemeChoice::dark
              : value == "light" ? ThemeChoice::light
                                 : ThemeChoice::automatic);
    return {};
  }
  std::vector<std::pair<const Place*, Control*>> found;
  const std::size_t dot = name.find('.');
  for (const Place& place : places_) {
    if (dot != std::string_view::npos && place.id != name.substr(0, dot)) continue;
    Control* control = place.lesson->values().find(dot == std::string_view::npos ? name : name.substr(dot + 1));
    if (!control) continue;
    if (&place == &here()) found.clear();
    found.emplace_back(&place, control);
    if (&place == &here()) break;
  }
  if (found.empty())
    return "set: no value is called '" + std::string(name) +
           "'. Known: language, theme, and the values of the lessons (see state().lessons).";
  if (found.size() > 1)
    return "set: several lessons have a value '" + std::string(name) + "'. Say which: '" + found[0].first->id + "." +
           std::string(name) + "' or '" + found[1].first->id + "." + std::string(name) + "'.";
  const std::string error = Values::set(*found[0].second, value);
  take_values();
  ui_.request_frames();
  return error;
}

std::string App::values_table() const {
  std::string out = "| lesson | name | value (at first) |\n| --- | --- | --- |\n";
  for (const Place& place : places_)
    for (const Control* control : place.lesson->values().all())
      out += "| `" + place.id + "` | `" + std::string(control->name()) + "` | " + control->described() + " |\n";
  return out;
}

std::string App::draw_strokes(const std::vector<PadStroke>& strokes) {
  if (digit_.status() == DigitReader::Status::failed)
    throw std::runtime_error("draw: the network could not be loaded (" + digit_.error() +
                             "); press 'retry' on the page.");
  if (digit_.status() != DigitReader::Status::ready)
    throw std::runtime_error("draw: the network is not loaded yet; wait for window.neurona.ready.");
  if (here().id != "draw") enter(0, 0, true);
  digit_.set_strokes(strokes);
  digit_.refresh();
  predicted_ = true;
  ui_.request_frames();
  return app::text_of(prediction_json(digit_.prediction(), false));
}

// ---------------------------------------------------------------------------------------------------- events

void App::emit_changes(bool predicted) {
  const DigitReader::Status status = digit_.status();
  const bool read = status == DigitReader::Status::ready || status == DigitReader::Status::failed;
  const bool has_text = text_of(here()) || !texts_.error(here().id).empty();
  if (!announced_ && read && has_text) {
    announced_ = true;
    platform_.emit("ready", "{}");
  }
  if (predicted) platform_.emit("prediction", prediction_json(digit_.prediction(), false).dump());
  // While frames follow each other the mirror does so four times a second at most; the last frame's is emitted by
  // work().
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
