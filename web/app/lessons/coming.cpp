#include "coming.hpp"

#include "../app.hpp"
#include "../rich_text.hpp"
#include "../widgets/controls.hpp"

namespace neurona::app {
namespace {

class ComingLesson : public Lesson {
 public:
  explicit ComingLesson(std::string id) : id_(std::move(id)) {}
  std::string_view id() const override { return id_; }
  bool full_width(int) const override { return true; }

  float stage_height(LessonContext& c, float width) override {
    return lay_out(c, {0, 0, std::min(width, kWidth), 0}, false) + 40;
  }

  void stage(LessonContext& c, Rect area) override {
    Rect column = area;
    if (!c.compact) column = column.inset(24, 0);
    column.w = std::min(column.w, kWidth);
    if (!c.compact) column.x = area.x + std::max(24.f, (area.w - column.w) * 0.38f);
    const float height = lay_out(c, column, false);
    column.y += std::max(8.f, (area.h - height) * 0.36f);
    lay_out(c, column, true);
  }

 private:
  static constexpr float kWidth = 520;

  float lay_out(LessonContext& c, Rect at, bool draw) {
    Ui& ui = c.ui;
    const Theme& t = ui.theme();
    const StepText& step = c.text.steps[std::size_t(c.step)];
    float y = at.y;
    // The unfinished mark of the lesson: a dashed circle with its number.
    if (draw) {
      const ImVec2 centre{at.x + 28, y + 28};
      constexpr int kDashes = 18;
      for (int i = 0; i < kDashes; ++i) {
        const float a = 6.2832f * float(i) / kDashes;
        ui.draw()->PathArcTo(centre, 27, a, a + 0.2f, 4);
        ui.draw()->PathStroke(t.accent, 0, 1.6f);
      }
      ui.text_in({at.x, y, 56, 56}, std::to_string(c.text.number), {Face::display, 22, t.accent, 0}, 0.5f);
    }
    y += 56 + 22;
    const std::string kicker = upper(tr(Msg::lesson, ui.language())) + " " + std::to_string(c.text.number) +
                               " · " + upper(tr(Msg::coming, ui.language()));
    if (draw) ui.text({at.x, y}, kicker, ui.style(Type::kicker));
    y += 24;
    const RichTextOptions title{.style = ui.style(Type::heading), .leading = 1.18f};
    y += draw ? rich_text(ui, {at.x, y}, at.w, step.title, title)
              : measure_rich_text(ui, step.title, at.w, title);
    y += 12;
    const RichTextOptions body{.style = ui.style(Type::body).with(t.soft)};
    y += draw ? rich_text(ui, {at.x, y}, at.w, step.prose, body)
              : measure_rich_text(ui, step.prose, at.w, body);
    y += 24;
    const std::string_view first = tr(Msg::draw_meanwhile, ui.language()),
                           second = tr(Msg::train_meanwhile, ui.language());
    const float first_width = button_width(ui, first, {.icon = Icon::pencil});
    const float second_width = button_width(ui, second, {.icon = Icon::play});
    const bool beside = first_width + 10 + second_width <= at.w;
    if (draw) {
      if (button(ui, "go-draw", {at.x, y, std::min(at.w, first_width), 40}, first, {.icon = Icon::pencil}))
        c.app.go("draw", 0);
      const Rect other = beside ? Rect{at.x + first_width + 10, y, second_width, 40}
                                : Rect{at.x, y + 50, std::min(at.w, second_width), 40};
      if (button(ui, "go-train", other, second, {.icon = Icon::play})) c.app.go("train", 0);
    }
    y += beside ? 40 : 90;
    return y - at.y;
  }

  static std::string upper(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (i + 1 < text.size() && text.substr(i, 2) == "ó") {
        out += "Ó";
        ++i;
      } else {
        out += text[i] >= 'a' && text[i] <= 'z' ? char(text[i] - 32) : text[i];
      }
    }
    return out;
  }

  std::string id_;
};

}  // namespace

std::unique_ptr<Lesson> make_coming_lesson(std::string id) {
  return std::make_unique<ComingLesson>(std::move(id));
}

}  // namespace neurona::app
