#pragma once

#include <memory>
#include <string>

#include "../lesson.hpp"

namespace neurona::app {

/// The page of a lesson that is not there yet: what it will let one do, and where to go meanwhile.
std::unique_ptr<Lesson> make_coming_lesson(std::string id);

}  // namespace neurona::app
