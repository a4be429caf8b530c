#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lesson_text.hpp"
#include "platform.hpp"

namespace neurona::app {

/// What is known of a lesson before its text is here: enough for the rail and for addresses.
struct LessonSummary {
  std::string id;
  int number = 0;
  std::string name_es, name_en;
  std::vector<std::string> steps;  ///< their ids
  std::string_view name(Language language) const { return language == Language::es ? name_es : name_en; }
};

/// The lessons' texts. That of the front door is a part of the program; another one arrives when its lesson is opened,
/// or ahead of time.
class TextStore {
 public:
  explicit TextStore(Platform& platform);

  /// Null for a lesson that was not there when the program was built.
  const LessonSummary* summary(std::string_view id) const;
  /// Null until it is here.
  const LessonTexts* find(std::string_view id) const;
  /// Asks for it; does nothing when it is here or on its way.
  void want(std::string_view id);
  /// Asks again after a failure.
  void retry(std::string_view id);
  /// Why it could not be had; "" while it can.
  std::string_view error(std::string_view id) const;
  bool loading() const { return !coming_in_.empty(); }
  /// Takes what has arrived; returns whether anything has.
  bool update();
  /// Asks for one more text that nobody has asked for yet; returns whether there was one.
  bool prefetch();

 private:
  void receive(const std::string& id, const Fetch& fetch);

  Platform& platform_;
  std::vector<LessonSummary> summaries_;
  std::map<std::string, LessonTexts, std::less<>> texts_;
  std::map<std::string, std::shared_ptr<Fetch>, std::less<>> coming_in_;
  std::map<std::string, std::string, std::less<>> errors_;
};

}  // namespace neurona::app
