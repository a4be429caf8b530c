#pragma once

#include <memory>

#include "../lesson.hpp"

namespace neurona::app {

/// The front door: a pad, ten live probabilities, the prepared image, the layers, and an occlusion map.
std::unique_ptr<Lesson> make_draw_lesson();

}  // namespace neurona::app
