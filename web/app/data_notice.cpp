#include "data_notice.hpp"

#include "course_data.hpp"
#include "i18n.hpp"
#include "widgets/callout.hpp"
#include "widgets/controls.hpp"

namespace neurona::app {
namespace {

Block loading(const StepContext& c) {
  const CourseData& data = c.services.data;
  return card(c.ui, block(30, [&ui = c.ui, &data](Rect in) {
                std::string reading = format_percent(data.progress(), 0, ui.language());
                if (data.received_bytes() > 0) reading = format_bytes(data.received_bytes(), ui.language()) + " · " + reading;
                Rect line = in.cut_top(18, 8);
                const TextStyle mono = ui.style(Type::mono_small);
                ui.text_in(line.cut_right(ui.measure(reading, mono).x + 2, 12), reading, mono, 1);
                ui.text_in(line, tr(Msg::data_loading, ui.language()), ui.style(Type::small));
                progress_line(ui, in.cut_top(4), float(data.progress()));
              }),
              14);
}

Block ways_out(const StepContext& c) {
  CourseData& data = c.services.data;
  const std::string_view retry = tr(Msg::retry, c.ui.language()), own = tr(Msg::use_embedded, c.ui.language());
  const float retry_width = button_width(c.ui, retry, {.icon = Icon::retry}), own_width = button_width(c.ui, own);
  std::vector<Block> buttons;
  buttons.push_back(block(40,
                          [&ui = c.ui, &data, retry](Rect rect) {
                            if (button(ui, "retry", rect, retry, {.kind = ButtonKind::primary, .icon = Icon::retry}))
                              data.retry();
                          })
                        .between(0, retry_width));
  buttons.push_back(block(40, [&ui = c.ui, &data, own](Rect rect) {
                      if (button(ui, "use-embedded", rect, own)) data.use_embedded();
                    }).between(0, own_width));
  return row(std::move(buttons), {.gap = 10, .fold_below = retry_width + 10 + own_width});
}

}  // namespace

Block data_notice(const StepContext& c) {
  CourseData& data = c.services.data;
  data.request();
  switch (data.status()) {
    case CourseData::Status::failed: {
      std::vector<Block> parts;
      const std::string text = "**" + std::string(tr(Msg::data_failed, c.ui.language())) + "** " + data.error();
      parts.push_back(callout_block(c.ui, text, CalloutKind::warning));
      parts.push_back(ways_out(c));
      return column(std::move(parts), 8);
    }
    case CourseData::Status::ready:
      if (!data.embedded()) return {};
      return callout_block(c.ui, std::string(tr(Msg::data_embedded, c.ui.language())), CalloutKind::note);
    default:
      return loading(c);
  }
}

}  // namespace neurona::app
