#include "callbacks/format_pattern.hpp"
#include "neurona/callback.hpp"
#include "neurona/error.hpp"
#include "neurona/formats.hpp"

namespace neurona {

ModelCheckpoint::ModelCheckpoint(ModelCheckpointOptions options)
    : options_(std::move(options)), monitor_(options_.monitor, options_.mode, 0.0) {
  if (options_.filepath.empty()) throw ValueError("ModelCheckpoint: filepath is empty; it names the file to write.");
  detail::check_pattern(options_.filepath);
}

void ModelCheckpoint::on_train_begin(TrainingContext&) {
  monitor_.reset();
  saved_.clear();
}

void ModelCheckpoint::on_epoch_end(TrainingContext& context, std::int64_t epoch, const Logs& logs) {
  if (options_.save_best_only) {
    const std::optional<double> current =
        monitor_.read(logs, "The checkpoint of the best model", "nothing will be saved");
    if (!current || !monitor_.improve(*current)) return;
  }
  const std::filesystem::path path = format_pattern(options_.filepath, epoch + 1, logs);
  save(context.model, path);
  saved_ = path;
}

CallbackState ModelCheckpoint::save_state() const {
  CallbackState state{.kind = "ModelCheckpoint"};
  monitor_.save(state);
  state.options.set("save_best_only", options_.save_best_only);
  state.values.set("saved", saved_.string());
  return state;
}

void ModelCheckpoint::restore_state(TrainingContext&, const CallbackState& state) {
  std::filesystem::path saved = state.values.text("saved");
  monitor_.restore(state);
  saved_ = std::move(saved);
}

}  // namespace neurona
