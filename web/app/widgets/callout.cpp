#include "callout.hpp"

#include "../rich_text.hpp"
#include "controls.hpp"

namespace neurona::app {

float callout(Ui& ui, ImVec2 position, float width, std::string_view rich, CalloutKind kind, bool draw) {
  constexpr float kPadding = 14, kMark = 22;
  const Theme& t = ui.theme();
  const RichTextOptions options{.style = ui.style(Type::body).at(14.5f), .leading = 1.5f};
  const float text_width = width - 2 * kPadding - kMark;
  const float height = measure_rich_text(ui, rich, text_width, options) + 2 * 11;
  if (!draw) return height;
  const Rect box{position.x, position.y, width, height};
  const ImU32 color = kind == CalloutKind::warning ? t.negative
                      : kind == CalloutKind::note  ? t.soft
                                                   : t.accent;
  ui.fill(
      box,
      kind == CalloutKind::check || kind == CalloutKind::passed ? t.accent_soft : mix(t.panel, color, 0.08f),
      12);
  ui.stroke(box, kind == CalloutKind::note ? t.line : color, 12);
  const Icon icon = kind == CalloutKind::passed ? Icon::check : Icon::target;
  const ImVec2 mark{position.x + kPadding + 6, position.y + 22};
  if (kind == CalloutKind::check || kind == CalloutKind::passed) {
    draw_icon(ui, icon, mark, 14, color);
  } else {
    ui.draw()->AddCircle(mark, 6.5f, color, 24, 1.4f);
    ui.fill({mark.x - 0.8f, mark.y - 3.6f, 1.6f, 4.6f}, color);
    ui.fill({mark.x - 0.8f, mark.y + 2.2f, 1.6f, 1.7f}, color);
  }
  RichTextOptions painted = options;
  painted.strong_color = text_color(t, color);
  rich_text(ui, {position.x + kPadding + kMark, position.y + 11}, text_width, rich, painted);
  return height;
}

Block callout_block(Ui& ui, std::string rich, CalloutKind kind) {
  const auto text = std::make_shared<const std::string>(std::move(rich));
  return block([&ui, text, kind](float width) { return callout(ui, {}, width, *text, kind, false); },
               [&ui, text, kind](Rect rect) { callout(ui, rect.min(), rect.w, *text, kind); });
}

}  // namespace neurona::app
