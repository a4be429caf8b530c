#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>

#include "interrupt.hpp"
#include "neurona/applications.hpp"
#include "neurona/data/image_augment.hpp"
#include "neurona/data/sha256.hpp"
#include "neurona/error.hpp"
#include "neurona/formats.hpp"
#include "neurona/train.hpp"
#include "out_file.hpp"
#include "pen_images.hpp"
#include "train_options.hpp"

namespace neurona::cli {

namespace {

std::string checksum_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<std::uint8_t> bytes{std::istreambuf_iterator<char>(file), {}};
  return data::sha256_hex(bytes);
}

Handle<Optimizer> chosen_optimizer(const TrainOptions& o, const Recipe& preset) {
  if (o.optimizer != "sgd") {
    if (o.momentum && o.optimizer != "rmsprop") throw CLI::ValidationError("--momentum", o.optimizer + " has none");
    if (o.momentum) {
      RMSpropOptions options{.momentum = *o.momentum};
      if (o.learning_rate) options.learning_rate = *o.learning_rate;
      return RMSprop(options);
    }
    return make_optimizer(o.optimizer, o.learning_rate);
  }
  return SGD({.learning_rate = o.learning_rate.value_or(preset.learning_rate), .momentum = o.momentum.value_or(preset.momentum)});
}

// The learning rate of an epoch; nothing when it stays.
std::function<double(std::int64_t, double)> chosen_schedule(const std::string& name, double initial, std::int64_t epochs) {
  if (name == "cosine") return [=](std::int64_t epoch, double) { return cosine_decay(initial, epoch, epochs); };
  if (name == "step") {
    const std::int64_t every = std::max<std::int64_t>(epochs / 3, 1);
    return [=](std::int64_t epoch, double) { return step_decay(initial, epoch, 0.1, every); };
  }
  if (name == "exponential") return [=](std::int64_t epoch, double) { return exponential_decay(initial, epoch, 0.01, epochs); };
  return nullptr;
}

// A CSVLogger whose errors name the option that asked for it.
class LogFile : public CSVLogger {
 public:
  explicit LogFile(const std::string& path) : CSVLogger(options_for(path)) {}
  void on_train_begin(TrainingContext& context) override {
    named([&] { CSVLogger::on_train_begin(context); });
  }
  void on_epoch_end(TrainingContext& context, std::int64_t epoch, const Logs& logs) override {
    named([&] { CSVLogger::on_epoch_end(context, epoch, logs); });
  }

 private:
  // Standard output and error are written through, behind what was said there already.
  static CSVLoggerOptions options_for(const std::string& path) {
    CSVLoggerOptions options{.filename = path};
    std::FILE* stream = path == "/dev/stdout" ? stdout : path == "/dev/stderr" ? stderr : nullptr;
    if (stream != nullptr)
      options.write = [=](const std::string& text) {
        if (std::fwrite(text.data(), 1, text.size(), stream) != text.size() || std::fflush(stream) != 0) throw IoError("cannot write '" + path + "'.");
      };
    return options;
  }
  template <class Work>
  static void named(Work work) {
    try {
      work();
    } catch (const Error& e) {
      throw IoError(std::string("--log: ") + e.what());
    }
  }
};

void check_files(const TrainOptions& o) {
  check_out(o.out);
  check_log(o.log);
  const NamedFile out{"--out", o.out}, log{"--log", o.log}, strokes{"--strokes", o.strokes};
  check_different(log, out);
  check_different(out, strokes);
  check_different(log, strokes);
  if (o.common.json && o.log == "/dev/stdout")
    throw CLI::ValidationError("--log", "standard output belongs to the JSON; give a file, or /dev/stderr");
}

// One run: trained to its end, or to a signal or an error; judged; saved, whatever happened; then told.
class Run {
 public:
  explicit Run(const TrainOptions& options)
      : o_(options),
        preset_(recipe(o_.network)),
        epochs_(o_.epochs.value_or(preset_.epochs)),
        optimizer_(chosen_optimizer(o_, preset_)),
        scale_(image_scale(o_.as_printed)),
        data_(load_data(o_.data)),
        model_(make_network(o_.network, o_.seed, std::ssize(data_.class_names))),
        test_(std::move(data_.test), scale_) {
    model_.set_backend(make_backend(o_.common.backend));
    model_.compile({.loss = make_loss(o_.loss), .optimizer = optimizer_, .metrics = {Accuracy()}});
    if (!o_.strokes.empty() && !data_.is_mnist)
      throw CLI::ValidationError("--strokes", "pen-drawn digits can be added to digits only, not to the data in '" + data_.source + "'");
    gather_images();
  }

  void operator()() {
    say(describe(model_.backend()) + "\n");
    FitJob job(model_, training_, fit_options());
    job_ = &job;
    for (const std::string& warning : job.warnings()) say("Warning: " + warning + "\n");
    const PoliteInterrupts polite;
    train();
    if (failure_.empty() && interrupted() == 0) judge();
    note_provenance();
    const bool is_saved = save_it();
    tell(is_saved);
  }

 private:
  void gather_images() {
    ImageSet images = std::move(data_.train);
    mnist_pixels_ = images.pixels.size();  // what the weights' file tells of
    if (!o_.strokes.empty()) {
      pen_ = prepare_strokes(o_.strokes, o_.stroke_copies, o_.seed);
      images.pixels.insert(images.pixels.end(), pen_.train.pixels.begin(), pen_.train.pixels.end());
      images.labels.insert(images.labels.end(), pen_.train.labels.begin(), pen_.train.labels.end());
      say(std::to_string(pen_.train.size()) + " pen-drawn images added to the training data, " + std::to_string(pen_.held_out.size()) +
          " of other writers kept apart.\n");
    }
    images_ = std::make_shared<const ImageSet>(std::move(images));
    training_ = Dataset(images_, scale_);
    if (o_.augment) training_ = training_.augmented(data::augmentation());
  }

  FitOptions fit_options() {
    FitOptions fit{.epochs = epochs_,
                   .batch_size = o_.batch_size.value_or(preset_.batch_size),
                   .validation_split = o_.validation_split,
                   .callbacks = {ProgressBar(say, {.redraw = on_terminal(), .columns = terminal_columns})},
                   .seed = o_.seed};
    if (o_.validate_on_test) fit.validation_data = test_;
    if (o_.early_stopping) fit.callbacks.emplace_back(stopping_);
    const std::string& schedule = !o_.schedule.empty() ? o_.schedule : o_.as_printed ? "constant" : preset_.schedule;
    if (const auto rate = chosen_schedule(schedule, optimizer_->learning_rate(), epochs_)) fit.callbacks.emplace_back(LearningRateScheduler(rate));
    if (!o_.log.empty()) fit.callbacks.emplace_back(LogFile(o_.log));
    if (o_.batch_losses > 0)
      fit.callbacks.emplace_back(LambdaCallback(
          [this](TrainingContext&, std::int64_t, const Logs&) {
            if (std::ssize(first_losses_) < o_.batch_losses) first_losses_.push_back(job_->state().batch_loss);
          },
          {}));
    if (o_.early_stopping && o_.validation_split == 0.0 && !o_.validate_on_test)
      say("Early stopping watches val_loss, which needs --validation-split: without it the run never stops early.\n");
    return fit;
  }

  void train() {
    try {
      while (job_->step())
        if (interrupted() != 0) {
          where_ = place();
          job_->request_stop();
        }
    } catch (const NotFiniteError& e) {
      failure_ = e.what();
      saved_as_ = "The last weights with a finite loss were saved to ";
    } catch (const std::bad_alloc&) {
      failure_ = "not enough memory. A smaller --batch-size needs less.";
    } catch (const std::exception& e) {
      failure_ = e.what();
    }
    if ((interrupted() != 0 || !failure_.empty()) && on_terminal()) say("\n");  // below the line that was being redrawn
    if (stopping_->stopped_epoch())
      say("Early stopping after epoch " + std::to_string(*stopping_->stopped_epoch() + 1) + "; the best was epoch " +
          std::to_string(stopping_->best_epoch() + 1) + ".\n");
    if (stopping_->restored_epoch()) say("The weights of epoch " + std::to_string(*stopping_->restored_epoch() + 1) + ", the best, were put back.\n");
  }

  // "after batch 12 of 1782 of epoch 3".
  std::string place() const {
    const TrainingState& s = job_->state();
    const std::string epoch = "epoch " + std::to_string(s.epoch + 1) + " of " + std::to_string(s.epochs);
    if (s.phase == TrainingState::Phase::validating) return "in the validation of " + epoch;
    return "after batch " + std::to_string(s.batch) + " of " + std::to_string(s.batches) + " of " + epoch;
  }

  void judge() {
    try {
      if (o_.int8) {  // what is saved in 8 bits is judged in 8 bits
        rounded_ = from_safetensors(to_safetensors(model_, StoredAs::int8));
        rounded_->set_backend(make_backend(o_.common.backend));
      }
      judged_ = evaluate_with_progress(trained(), test_);
      if (judged_ && pen_.held_out.size() > 0) drawn_ = evaluate_with_progress(trained(), Dataset(pen_.held_out, scale_));
    } catch (const std::exception& e) {
      failure_ = std::string("The network was trained, but could not be judged: ") + e.what();
    }
    if (interrupted() != 0 && where_.empty()) {
      where_ = "while the network, all trained, was judged";
      if (on_terminal()) say("\n");
    }
  }

  Model& trained() { return rounded_ ? *rounded_ : model_; }

  // What was computed from what, to be kept with the weights.
  void note_provenance() {
    auto& metadata = trained().metadata();
    metadata["command"] = command_line();
    if (!o_.note.empty()) metadata["note"] = o_.note;
    metadata["network"] = o_.network;
    metadata["seed"] = std::to_string(o_.seed);
    if (o_.as_printed) metadata[kScaleKey] = kScaledTwice;
    metadata["data"] = data_.embedded ? "embedded digits" : data_.is_mnist ? "MNIST" : "other: " + std::filesystem::path(data_.source).filename().string();
    if (!data_.is_mnist) metadata[kClassNamesKey] = Json(data_.class_names).dump(-1, ' ', false, Json::error_handler_t::replace);
    metadata["data_sha256"] = data::sha256_hex(std::span(images_->pixels).first(mnist_pixels_)) + " (training pixels)";
    if (interrupted() != 0) metadata["interrupted"] = interrupt_name() + " " + where_;
    if (!failure_.empty()) metadata["failed"] = failure_;
    if (judged_) {
      metadata["test_loss"] = format_metric(judged_->loss);
      metadata["test_accuracy"] = format_metric(judged_->accuracy());
    }
    if (drawn_) {
      metadata["strokes"] = std::filesystem::path(o_.strokes).filename().string() + ", sha256 " + checksum_of(o_.strokes);
      metadata["held_out_writers_accuracy"] = format_metric(drawn_->accuracy());
      say("Pen-drawn digits of writers it was not trained on: accuracy " + format_metric(drawn_->accuracy()) + ".\n");
    }
  }

  // Whether there is a file now. What fails is added to what is told at the end.
  bool save_it() {
    if (o_.out.empty()) return false;
    try {
      save_network(trained(), o_.out, o_.int8 ? StoredAs::int8 : StoredAs::float32);
      say(saved_as_ + o_.out + ".\n");
      return true;
    } catch (const Error& e) {
      failure_ = failure_.empty() ? e.what() : failure_ + "\nneurona: " + e.what();
      return false;
    }
  }

  Json to_json(bool is_saved) {
    Json json = {{"network", o_.network},
                 {"params", trained().count_params()},
                 {"data", cli::to_json(data_)},
                 {"backend", describe(trained().backend())},
                 {"seed", o_.seed},
                 {"history", Json::array()}};
    if (judged_) json["test"] = {{"loss", judged_->loss}, {"accuracy", judged_->accuracy()}};
    if (interrupted() != 0) json["interrupted"] = {{"by", interrupt_name()}, {"where", where_}};
    const History& history = job_->history();
    for (std::size_t e = 0; e < history.epochs.size(); ++e) {
      Json epoch = {{"epoch", e + 1}, {"seconds", history.seconds[e]}};
      epoch.update(cli::to_json(history.epochs[e]));
      json["history"].push_back(std::move(epoch));
    }
    if (!first_losses_.empty()) json["batch_losses"] = first_losses_;
    if (drawn_) json["held_out_writers"] = {{"loss", drawn_->loss}, {"accuracy", drawn_->accuracy()}};
    if (!o_.out.empty()) json["out"] = is_saved ? Json(o_.out) : Json(nullptr);
    return json;
  }

  // The figures of a run that was judged are told even where the network could not be saved.
  void tell(bool is_saved) {
    if (o_.common.json && (judged_ || (interrupted() != 0 && failure_.empty()))) print_json(to_json(is_saved));
    remind_of_embedded(data_);
    if (!failure_.empty()) throw Error(failure_);
    if (interrupted() == 0) return;
    std::fprintf(stderr, "neurona: %s ended the run %s.%s\n", interrupt_name().c_str(), where_.c_str(),
                 is_saved ? "" : " Nothing was saved: there was no --out.");
    throw CLI::RuntimeError(interrupt_status());
  }

  const TrainOptions& o_;
  const Recipe& preset_;
  const std::int64_t epochs_;
  const Handle<Optimizer> optimizer_;
  const float scale_;
  data::Mnist data_;
  Model model_;
  Dataset test_, training_;
  PenImages pen_;
  std::shared_ptr<const ImageSet> images_;
  std::size_t mnist_pixels_ = 0;
  const std::shared_ptr<EarlyStopping> stopping_ = std::make_shared<EarlyStopping>(
      EarlyStoppingOptions{.patience = o_.patience, .restore_best_weights = o_.restore_best_weights});
  FitJob* job_ = nullptr;
  std::vector<double> first_losses_;
  std::optional<Model> rounded_;
  std::optional<Evaluation> judged_, drawn_;
  std::string failure_, where_, saved_as_ = "Saved to ";
};

void run(const TrainOptions& o) {
  apply(o.common);
  check_files(o);
  Run run(o);
  run();
}

}  // namespace

void add_train_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("train", "Train a network, print what Keras prints, judge it on the test images");
  const auto options = std::make_shared<TrainOptions>();
  add_train_options(*command, *options);
  command->callback([options] { run(*options); });
}

}  // namespace neurona::cli
