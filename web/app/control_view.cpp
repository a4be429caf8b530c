#include "control_view.hpp"

#include <algorithm>
#include <span>

#include "widgets/controls.hpp"

namespace neurona::app {
namespace {

constexpr float kTwoColumns = 620, kColumnGap = 24, kLineGap = 6, kSwitchGap = 10;

Block slider_block(const StepContext& c, Number& number) {
  return block(labelled_slider_height, [&ui = c.ui, &number, label = c.label(number.name())](Rect rect) {
    const NumberSpec& spec = number.spec();
    const std::string reading = number.reading(ui.language());
    double value = number.value();
    if (labelled_slider(ui, number.name(), rect, label, reading, value,
                        {.minimum = spec.minimum,
                         .maximum = spec.maximum,
                         .logarithmic = spec.spacing == Spacing::logarithmic,
                         .integer = spec.integer,
                         .step = spec.step,
                         .spoken = label,
                         .value_text = reading,
                         .lit = ui.lit(number.name())}))
      number.set(value);
  });
}

Block stepper_block(const StepContext& c, Number& number) {
  const float height = c.compact ? 44.f : 36.f;
  return block(height, [&ui = c.ui, &number, label = c.label(number.name()), height](Rect rect) {
    const NumberSpec& spec = number.spec();
    Rect line{rect.x, rect.center().y - height / 2, rect.w, height};
    long long value = number.whole();
    if (stepper(ui, number.name(), line.cut_right(std::min(190.f, line.w * 0.6f), 12), label, value,
                (long long)spec.minimum, (long long)spec.maximum))
      number.set(double(value));
    ui.text_in(line, label, ui.style(Type::small));
  });
}

Block choice_block(const StepContext& c, Choice& choice) {
  std::vector<std::string_view> words;
  for (const std::string_view option : choice.options()) {
    const auto it = c.text.strings.find(std::string(choice.name()) + "." + std::string(option));
    words.push_back(it == c.text.strings.end() ? option : std::string_view(it->second));
  }
  return block([&ui = c.ui, words](float width) { return segmented_height(ui, width, words); },
               [&ui = c.ui, &choice, words](Rect rect) {
                 int index = choice.index();
                 rect.h = std::min(rect.h, segmented_height(ui, rect.w, words));
                 if (segmented(ui, choice.name(), rect, words, index)) choice.set(index);
               });
}

Block flag_block(const StepContext& c, Flag& flag) {
  const float height = c.compact ? 44.f : 36.f;
  return block(height, [&ui = c.ui, &flag, label = c.label(flag.name()), height](Rect rect) {
           rect.h = height;
           if (pill(ui, flag.name(), rect, label, flag.on())) flag.set(!flag.on());
         })
      .between(0, pill_width(c.ui, c.label(flag.name())));
}

/// Blocks of one kind in lines of two where there is room.
Block in_two_columns(std::vector<Block> blocks) {
  std::vector<Block> lines;
  for (std::size_t i = 0; i < blocks.size(); i += 2) {
    std::vector<Block> line;
    line.push_back(std::move(blocks[i]));
    line.push_back(i + 1 < blocks.size() ? std::move(blocks[i + 1]) : space(0));
    lines.push_back(row(std::move(line), {.gap = kColumnGap, .fold_below = kTwoColumns}));
  }
  return column(std::move(lines), kLineGap);
}

/// Switches side by side, or one below the other where they do not fit.
Block switches(std::vector<Block> blocks) {
  float width = -kSwitchGap;
  for (const Block& b : blocks) width += b.widest + kSwitchGap;
  if (blocks.empty()) return {};
  return row(std::move(blocks), {.gap = kSwitchGap, .fold_below = width});
}

}  // namespace

Block control_block(const StepContext& c, Control& control) {
  if (auto* number = dynamic_cast<Number*>(&control))
    return number->spec().spacing == Spacing::steps ? stepper_block(c, *number) : slider_block(c, *number);
  if (auto* choice = dynamic_cast<Choice*>(&control)) return choice_block(c, *choice);
  if (auto* flag = dynamic_cast<Flag*>(&control)) return flag_block(c, *flag);
  return {};
}

Block controls_block(const StepContext& c, const std::vector<Control*>& controls) {
  std::vector<Block> numbers, flags, parts;
  for (Control* control : controls)
    if (dynamic_cast<Number*>(control)) numbers.push_back(control_block(c, *control));
  parts.push_back(in_two_columns(std::move(numbers)));
  for (Control* control : controls) {
    if (dynamic_cast<Choice*>(control)) parts.push_back(control_block(c, *control));
    if (dynamic_cast<Flag*>(control)) flags.push_back(control_block(c, *control));
  }
  parts.push_back(switches(std::move(flags)));
  return column(std::move(parts), 8);
}

Block settings_card(const StepContext& c, const std::vector<Control*>& controls, std::string_view reading) {
  return card(c.ui, c.word("settings"), std::string(reading), controls_block(c, controls)).as_settings();
}

}  // namespace neurona::app
