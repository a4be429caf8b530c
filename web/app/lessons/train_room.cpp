#include "train_room.hpp"

#include "../control_view.hpp"
#include "../widgets/controls.hpp"

namespace neurona::app {

TrainRoom::TrainRoom(Values& values)
    : learning_rate(values, {.name = "learning_rate", .minimum = 0.001, .maximum = 100, .initial = 0.1, .spacing = Spacing::logarithmic}),
      units(values, {.name = "units", .minimum = 1, .maximum = 512, .initial = 100, .spacing = Spacing::logarithmic, .integer = true}),
      batch_size(values, {.name = "batch_size", .minimum = 1, .maximum = 1024, .initial = 32, .spacing = Spacing::logarithmic, .integer = true}),
      validation_split(values, {.name = "validation_split", .minimum = 0, .maximum = 0.5, .initial = 0.05, .step = 0.01, .percent = true}),
      epochs(values, {.name = "epochs", .minimum = 1, .maximum = 50, .initial = 10, .integer = true}),
      patience(values, {.name = "patience", .minimum = 0, .maximum = 10, .initial = 0, .integer = true}),
      seed(values, {.name = "seed", .minimum = 0, .maximum = 4294967295.0, .initial = 1, .spacing = Spacing::steps, .integer = true}),
      activation(values, {.name = "activation", .options = {"sigmoid", "tanh", "relu", "selu", "linear"}}),
      early_stopping(values, {.name = "early_stopping", .initial = true}),
      restore_best_weights(values, {.name = "restore_best_weights", .initial = false}),
      view(values, runs) {}

RunSettings TrainRoom::settings() const {
  RunSettings s;
  s.learning_rate = learning_rate.value();
  s.units = {int(units.whole())};
  s.batch_size = int(batch_size.whole());
  s.validation_split = validation_split.value();
  s.epochs = int(epochs.whole()), s.patience = int(patience.whole());
  s.seed = std::uint64_t(seed.whole());
  for (const Activation a : {Activation::sigmoid, Activation::tanh, Activation::relu, Activation::selu, Activation::linear})
    if (to_string(a) == activation.value()) s.activation = a;
  s.early_stopping = early_stopping.on(), s.restore_best_weights = restore_best_weights.on();
  return s;
}

void TrainRoom::new_seed() {
  seed.set(seed.value() < seed.spec().maximum ? seed.value() + 1 : 0);
  run().set_settings(settings());
  runs.reset();
}

Block TrainRoom::settings_of(const StepContext& c, const std::vector<Control*>& controls) const {
  std::string_view waiting;
  if (run().pending()) waiting = c.label(run().is_visiting() ? "pending_branch" : "pending");
  return settings_card(c, controls, waiting);
}

Block TrainRoom::exam_bar(const StepContext& c) {
  return card(c.ui, block(38, [this, &c](Rect bar) { draw_exam_bar(c, bar); }));
}

void TrainRoom::draw_exam_bar(const StepContext& c, Rect bar) {
  Ui& ui = c.ui;
  Experiment& run = this->run();
  const Judgement& j = run.judgement();
  const std::string_view action = c.label(j.complete ? "evaluate_again" : "evaluate");
  if (button(ui, "evaluate", bar.cut_left(button_width(ui, action), 16), action,
             {.kind = run.judgement_current() ? ButtonKind::plain : ButtonKind::primary, .enabled = run.has_data() && !run.evaluating()}))
    run.evaluate();
  if (run.evaluating())
    return progress_line(ui, {bar.x, bar.center().y - 2, bar.w, 4}, float(run.evaluation_progress()));
  if (!j.complete)
    return ui.text_in(bar, c.label(run.x().empty() ? "train_first" : "evaluate_first"), ui.style(Type::small));
  const TextStyle mono = ui.style(Type::mono);
  const std::string accuracy = c.word("accuracy") + " " + format_number(j.accuracy, 4, ui.language());
  const std::string both = c.word("loss") + " " + format_number(j.loss, 4, ui.language()) + "   " + accuracy;
  const std::string& numbers = ui.measure(both, mono).x <= bar.w ? both : accuracy;  // a phone has room for one
  const bool current = run.judgement_current();
  const TextStyle small = ui.style(Type::small);
  const float width = ui.measure(c.label("stale"), small).x + 1;
  if (!current && !c.compact && ui.measure(numbers, mono).x + 16 + width <= bar.w)
    ui.text_in(bar.cut_right(width, 16), c.label("stale"), small, 1);
  ui.text_in(bar, numbers, current ? mono : mono.with(ui.theme().soft));
}

}  // namespace neurona::app
