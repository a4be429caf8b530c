#include "text_store.hpp"

#include <nlohmann/json.hpp>

namespace neurona::app {
namespace {

std::string_view text_of(const Fetch& fetch) {
  return {reinterpret_cast<const char*>(fetch.bytes.data()), fetch.bytes.size()};
}

}  // namespace

TextStore::TextStore(Platform& platform) : platform_(platform) {
  for (const auto& lesson : nlohmann::json::parse(embedded_catalog())) {
    LessonSummary out;
    lesson.at("id").get_to(out.id);
    lesson.at("number").get_to(out.number);
    lesson.at("es").get_to(out.name_es);
    lesson.at("en").get_to(out.name_en);
    lesson.at("steps").get_to(out.steps);
    summaries_.push_back(std::move(out));
  }
  texts_.emplace("draw", embedded_lesson("draw"));
}

const LessonSummary* TextStore::summary(std::string_view id) const {
  for (const LessonSummary& summary : summaries_)
    if (summary.id == id) return &summary;
  return nullptr;
}

const LessonTexts* TextStore::find(std::string_view id) const {
  const auto it = texts_.find(id);
  return it == texts_.end() ? nullptr : &it->second;
}

void TextStore::want(std::string_view id) {
  if (texts_.contains(id) || coming_in_.contains(id) || errors_.contains(id)) return;
  coming_in_.emplace(id, platform_.fetch("lessons/" + std::string(id) + ".json"));
  update();  // on the desktop it is here at once
}

void TextStore::retry(std::string_view id) {
  if (const auto it = errors_.find(id); it != errors_.end()) errors_.erase(it);
  want(id);
}

std::string_view TextStore::error(std::string_view id) const {
  const auto it = errors_.find(id);
  return it == errors_.end() ? std::string_view() : std::string_view(it->second);
}

bool TextStore::update() {
  bool arrived = false;
  for (auto it = coming_in_.begin(); it != coming_in_.end();) {
    if (it->second->status == Fetch::Status::running) {
      ++it;
      continue;
    }
    receive(it->first, *it->second);
    it = coming_in_.erase(it);
    arrived = true;
  }
  return arrived;
}

void TextStore::receive(const std::string& id, const Fetch& fetch) {
  if (fetch.status == Fetch::Status::failed) {
    errors_[id] = fetch.error;
    return;
  }
  try {
    texts_.emplace(id, parse_bundle(text_of(fetch)));
  } catch (const LessonTextError& error) {
    errors_[id] = error.what();
  }
}

bool TextStore::prefetch() {
  if (loading()) return false;
  for (const LessonSummary& summary : summaries_) {
    if (texts_.contains(summary.id) || errors_.contains(summary.id)) continue;
    want(summary.id);
    return true;
  }
  return false;
}

}  // namespace neurona::app
