#include "pen_images.hpp"

#include "neurona/data/strokes.hpp"

namespace neurona::cli {

namespace {

// One writer in five is kept apart to judge by.
bool held_out(const std::string& writer) {
  std::uint32_t hash = 2166136261u;  // FNV-1a
  for (char c : writer) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
  return hash % 5 == 0;
}

}  // namespace

PenImages prepare_strokes(const std::string& file, std::int64_t copies, std::uint64_t seed) {
  constexpr float kThinnest = 1.8f, kThickest = 3.6f;
  PenImages images;
  images.train.height = images.train.width = images.held_out.height = images.held_out.width =
      data::kDigitSide;
  Rng rng(seed);
  for (const data::LabeledStrokes& digit : data::read_strokes(file)) {
    if (held_out(digit.writer)) {
      images.held_out.push_back(data::prepare_digit(digit.strokes), digit.label);
      continue;
    }
    images.train.push_back(data::prepare_digit(digit.strokes), digit.label);
    for (std::int64_t i = 1; i < copies; ++i)
      images.train.push_back(data::prepare_digit(data::distort(digit.strokes, rng),
                                                 {.thickness = rng.uniform(kThinnest, kThickest)}),
                             digit.label);
  }
  return images;
}

}  // namespace neurona::cli
