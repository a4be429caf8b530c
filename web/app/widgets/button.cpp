#include <cmath>

#include "../i18n.hpp"
#include "controls.hpp"

namespace neurona::app {
namespace {

constexpr float kPadding = 15, kIcon = 15, kIconGap = 7, kRadius = 10;

TextStyle label_style(Ui& ui) { return {Face::text, 14.5f, ui.theme().ink, 0}; }

}  // namespace

float button_width(Ui& ui, std::string_view label, const ButtonOptions& options) {
  const int icons = (options.icon != Icon::none) + (options.icon_after != Icon::none);
  if (label.empty()) return 2 * 13 + kIcon;
  return std::ceil(2 * kPadding + ui.measure(label, label_style(ui)).x + float(icons) * (kIcon + kIconGap));
}

bool button(Ui& ui, std::string_view name, Rect rect, std::string_view label, const ButtonOptions& options) {
  const Theme& t = ui.theme();
  const std::string_view spoken = options.spoken.empty() ? label : options.spoken;
  const Interaction touch = ui.region(name, rect, {.label = spoken, .enabled = options.enabled});
  const float warm = ui.animate("button:" + std::string(name),
                                touch.held      ? 1.f
                                : touch.hovered ? 0.6f
                                                : 0.f,
                                120);

  ImU32 ground = t.panel, line = t.line, ink = t.ink;
  if (options.kind == ButtonKind::primary) {
    ground = mix(t.accent, t.ink, 0.14f * warm);
    line = ground, ink = t.on_accent;
  } else if (options.kind == ButtonKind::ghost) {
    ground = fade(t.hover, warm), line = 0;
  } else {
    ground = mix(t.panel, t.hover, warm), line = mix(t.line, t.faint, 0.5f * warm);
  }
  if (!options.enabled) {
    ink = mix(t.soft, t.panel, 0.45f);
    if (options.kind == ButtonKind::primary) ground = t.track, line = t.track;
  }
  ui.fill(rect, ground, kRadius);
  if (line) ui.stroke(rect, line, kRadius);
  if (touch.ring) ui.focus_ring(rect, kRadius);

  const float y = rect.center().y;
  if (label.empty()) {
    draw_icon(ui, options.icon, rect.center(), kIcon + 1, ink);
    return touch.clicked;
  }
  const int icons = (options.icon != Icon::none) + (options.icon_after != Icon::none);
  const TextStyle style =
      label_style(ui).with(ink).with(options.kind == ButtonKind::primary ? Face::strong : Face::text);
  const float room = std::max(0.f, rect.w - 2 * 8 - float(icons) * (kIcon + kIconGap));
  const std::string shown = ui.fit(label, style, room);
  const float content = ui.measure(shown, style).x + float(icons) * (kIcon + kIconGap);
  float x = rect.x + (rect.w - content) / 2;
  if (options.icon != Icon::none) {
    draw_icon(ui, options.icon, {x + kIcon / 2, y}, kIcon, ink);
    x += kIcon + kIconGap;
  }
  x += ui.text_on({x, y + ui.cap_height(style) / 2}, shown, style);
  if (options.icon_after != Icon::none)
    draw_icon(ui, options.icon_after, {x + kIconGap + kIcon / 2, y}, kIcon, ink);
  return touch.clicked;
}

std::string spoken_state(Ui& ui, bool on) { return std::string(tr(on ? Msg::on : Msg::off, ui.language())); }

float pill_width(Ui& ui, std::string_view label) {
  return std::ceil(ui.measure(label, {Face::strong, 13.5f, 0, 0}).x + 26);
}

bool pill(Ui& ui, std::string_view name, Rect rect, std::string_view label, bool on) {
  const Theme& t = ui.theme();
  const Interaction touch =
      ui.region(name, rect, {.label = label, .value = spoken_state(ui, on), .role = Role::toggle});
  const float radius = rect.h / 2;
  ui.fill(rect, on ? t.accent_soft : touch.hovered ? t.hover : t.panel, radius);
  ui.stroke(rect, on ? t.accent : t.line, radius);
  if (touch.ring) ui.focus_ring(rect, radius);
  ui.text_in(rect.inset(8, 0), label, {on ? Face::strong : Face::text, 13.5f, on ? t.ink : t.soft, 0}, 0.5f);
  return touch.clicked;
}

bool stepper(Ui& ui, std::string_view name, Rect rect, std::string_view label, long long& value, long long minimum,
             long long maximum) {
  const long long before = value;
  Rect left = rect, middle = rect, right = rect;
  const float side = std::min(rect.h, rect.w / 3);
  left.w = side, right.x = rect.right() - side, right.w = side;
  middle.x += side, middle.w -= 2 * side;
  const Theme& t = ui.theme();
  ui.fill(rect, t.panel, kRadius);
  ui.stroke(rect, t.line, kRadius);
  const auto half = [&](std::string_view suffix, Rect part, bool plus, bool enabled) {
    const Interaction touch =
        ui.region(std::string(name) + std::string(suffix), part,
                  {.label = std::string(label) + (plus ? " +" : " −"),
                   .value = format_integer(value, ui.language()),
                   .enabled = enabled});
    if (touch.hovered) ui.fill(part.inset(2), t.hover, kRadius - 2);
    if (touch.ring) ui.focus_ring(part.inset(2), kRadius - 2);
    const ImU32 ink = enabled ? t.soft : t.faint;
    const ImVec2 c = part.center();
    ui.draw()->AddLine({c.x - 5, c.y}, {c.x + 5, c.y}, ink, 1.5f);
    if (plus) ui.draw()->AddLine({c.x, c.y - 5}, {c.x, c.y + 5}, ink, 1.5f);
    return touch.clicked;
  };
  if (half("-less", left, false, value > minimum)) --value;
  ui.text_in(middle, format_integer(value, ui.language()), ui.style(Type::number), 0.5f);
  if (half("-more", right, true, value < maximum)) ++value;
  value = std::clamp(value, minimum, maximum);
  return value != before;
}

}  // namespace neurona::app
