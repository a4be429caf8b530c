// The list of lessons that exist: adding one is its files and one line here.
#include "../app.hpp"
#include "draw.hpp"
#include "train.hpp"

namespace neurona::app {

std::vector<std::unique_ptr<Lesson>> make_lessons() {
  std::vector<std::unique_ptr<Lesson>> lessons;
  lessons.push_back(make_draw_lesson());
  lessons.push_back(make_train_lesson());
  return lessons;
}

}  // namespace neurona::app
