#pragma once

#include <memory>

#include "../lesson.hpp"

namespace neurona::app {

/// Lesson 5: build, train and evaluate the tutorial's first network, live.
std::unique_ptr<Lesson> make_train_lesson();

}  // namespace neurona::app
