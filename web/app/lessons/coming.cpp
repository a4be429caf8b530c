#include "coming.hpp"

#include "../i18n.hpp"
#include "../rich_text.hpp"
#include "../widgets/controls.hpp"

namespace neurona::app {
namespace {

constexpr float kWidth = 520;

/// The unfinished mark of a lesson: a dashed circle with its number.
void draw_mark(Ui& ui, Rect at, int number) {
  constexpr int kDashes = 18;
  constexpr float kTurn = 6.2832f;
  const ImVec2 center{at.x + 28, at.y + 28};
  for (int i = 0; i < kDashes; ++i) {
    const float angle = kTurn * float(i) / kDashes;
    ui.draw()->PathArcTo(center, 27, angle, angle + 0.2f, 4);
    ui.draw()->PathStroke(ui.theme().accent, 0, 1.6f);
  }
  ui.text_in({at.x, at.y, 56, 56}, std::to_string(number), {Face::display, 22, ui.theme().accent, 0}, 0.5f);
}

Block way_out(const StepContext& c, std::string_view name, Msg label, Icon icon, std::string_view lesson) {
  const std::string_view word = tr(label, c.ui.language());
  const float width = button_width(c.ui, word, {.icon = icon});
  return block(40,
               [&ui = c.ui, &navigator = c.services.navigator, name, word, icon, lesson](Rect rect) {
                 if (button(ui, name, rect, word, {.icon = icon})) navigator.go(lesson);
               })
      .between(0, width);
}

/// What the lesson will be about, and where to go meanwhile.
class ComingStep : public Step {
 public:
  explicit ComingStep(std::string id) : id_(std::move(id)) {}
  std::string_view id() const override { return id_; }
  TextPlace text_place() const override { return TextPlace::within; }

  Block stage(StepContext& c) override {
    Ui& ui = c.ui;
    const StepText& text = c.step();
    const std::string kicker = in_capitals(tr(Msg::lesson, ui.language())) + " " + std::to_string(c.text.number) +
                               " · " + in_capitals(tr(Msg::coming, ui.language()));
    const auto rich = [&ui](std::string_view words, const RichTextOptions& options) {
      return block([&ui, words, options](float width) { return measure_rich_text(ui, words, width, options); },
                   [&ui, words, options](Rect rect) { rich_text(ui, rect.min(), rect.w, words, options); });
    };
    std::vector<Block> ways;
    ways.push_back(way_out(c, "go-draw", Msg::draw_meanwhile, Icon::pencil, "draw"));
    ways.push_back(way_out(c, "go-train", Msg::train_meanwhile, Icon::play, "train"));
    const float beside = ways[0].widest + ways[1].widest + 10;
    std::vector<Block> parts;
    parts.push_back(block(56 + 22, [&ui, number = c.text.number](Rect rect) { draw_mark(ui, rect, number); }));
    parts.push_back(block(24, [&ui, kicker](Rect rect) { ui.text(rect.min(), kicker, ui.style(Type::kicker)); }));
    parts.push_back(rich(text.title, {.style = ui.style(Type::heading), .leading = 1.18f, .name = "title"}));
    parts.push_back(space(12));
    parts.push_back(rich(text.prose, {.style = ui.style(Type::body).with(ui.theme().soft)}));
    parts.push_back(space(24));
    parts.push_back(row(std::move(ways), {.gap = 10, .fold_below = beside}));
    // A little above and left of the middle.
    std::vector<Block> standing, lying;
    standing.push_back(space(8).sharing(0.36f));
    standing.push_back(column(std::move(parts), 0));
    standing.push_back(space(32).sharing(0.64f));
    lying.push_back(space(0).weighing(0.38f));
    lying.push_back(column(std::move(standing), 0).weighing(1000).between(0, kWidth));
    lying.push_back(space(0).weighing(0.62f));
    return row(std::move(lying), {.gap = 0});
  }

 private:
  std::string id_;
};

class ComingLesson : public Lesson {
 public:
  explicit ComingLesson(std::string id) : id_(std::move(id)) { add_step<ComingStep>(id_); }
  std::string_view id() const override { return id_; }

 private:
  std::string id_;
};

}  // namespace

std::unique_ptr<Lesson> make_coming_lesson(std::string id) {
  return std::make_unique<ComingLesson>(std::move(id));
}

}  // namespace neurona::app
