#pragma once

#include <array>
#include <string_view>

namespace neurona::app {

/// The course in its order. Texts of those to come stand in assets/lessons/coming, by the same ids.
inline constexpr std::array<std::string_view, 12> kCourse = {
    "draw",       "neuron",      "mnist",   "gradient-descent", "backpropagation", "train",
    "better-net", "convolution", "pooling", "pretrained",       "cpu-gpu",         "giants"};

}  // namespace neurona::app
