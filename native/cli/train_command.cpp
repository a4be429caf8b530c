#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>

#include "checkpoint.hpp"
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
  void restore_state(TrainingContext& context, const CallbackState& state) override {
    named([&] { CSVLogger::restore_state(context, state); });
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

// The losses of the first batches of a run, for --batch-losses.
class FirstLosses : public Callback {
 public:
  FirstLosses(std::int64_t count, const FitJob* const& job) : count_(count), job_(job) {}
  void on_batch_end(TrainingContext&, std::int64_t, const Logs&) override {
    if (std::ssize(losses_) < count_) losses_.push_back(job_->state().batch_loss);
  }
  CallbackState save_state() const override {
    CallbackState state{.kind = "first losses"};
    Tensor& losses = state.tensors.emplace_back(Shape{static_cast<std::int64_t>(losses_.size())}, DType::float64);
    for (std::size_t i = 0; i < losses_.size(); ++i) losses.set(static_cast<std::int64_t>(i), losses_[i]);
    return state;
  }
  void restore_state(TrainingContext&, const CallbackState& state) override {
    if (state.tensors.size() != 1) throw ValueError("The checkpoint has no losses of the first batches.");
    losses_.clear();
    for (std::int64_t i = 0; i < state.tensors[0].elements(); ++i) losses_.push_back(state.tensors[0].at(i));
  }
  const std::vector<double>& losses() const { return losses_; }

 private:
  std::int64_t count_;
  const FitJob* const& job_;
  std::vector<double> losses_;
};

void check_files(const TrainOptions& o) {
  check_out(o.out);
  check_out(o.checkpoint, "--checkpoint");
  check_log(o.log);
  const std::array<NamedFile, 4> files = {{{"--log", o.log}, {"--out", o.out}, {"--checkpoint", o.checkpoint}, {"--strokes", o.strokes}}};
  for (std::size_t i = 0; i < files.size(); ++i)
    for (std::size_t k = i + 1; k < files.size(); ++k) check_different(files[i], files[k]);
  if (!o.every.empty() && o.checkpoint.empty()) throw CLI::ValidationError("--every", "it says how often --checkpoint FILE is written; give that, too");
  if (o.common.json && o.log == "/dev/stdout")
    throw CLI::ValidationError("--log", "standard output belongs to the JSON; give a file, or /dev/stderr");
}

// One run: trained to its end, or to a signal or an error; judged; saved, whatever happened; then told.
class Run {
 public:
  Run(const TrainOptions& options, Json given, std::optional<Resumption> resumption)
      : o_(options),
        given_(std::move(given)),
        resumption_(std::move(resumption)),
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
    note_origin();
  }

  void operator()() {
    say(describe(model_.backend()) + "\n");
    FitJob job(model_, training_, fit_options());
    job_seen_ = job_ = &job;
    for (const std::string& warning : job.warnings()) say("Warning: " + warning + "\n");
    const PoliteInterrupts polite;
    go_on();
    train();
    if (failure_.empty() && interrupted() == 0) judge();
    note_result();
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
    if (const auto rate = chosen_schedule(schedule_name(), optimizer_->learning_rate(), epochs_)) fit.callbacks.emplace_back(LearningRateScheduler(rate));
    if (!o_.log.empty()) fit.callbacks.emplace_back(LogFile(o_.log));
    if (o_.batch_losses > 0) fit.callbacks.emplace_back(first_losses_);
    if (o_.early_stopping && o_.validation_split == 0.0 && !o_.validate_on_test)
      say("Early stopping watches val_loss, which needs --validation-split: without it the run never stops early.\n");
    return fit;
  }

  // Prepares what --checkpoint asks for, and takes up the run of --resume.
  void go_on() {
    if (o_.checkpoint.empty()) return;
    Settings settings{.command = command_, .data_sha256 = data::sha256_hex(images_->pixels), .options = given_};
    if (data_.embedded) settings.options["--data"] = "embedded";  // else MNIST may be found when the run goes on
    if (resumption_) {
      if (resumption_->settings.data_sha256 != settings.data_sha256)
        throw ValueError("--resume '" + o_.resume + "': the run was begun on other training images than those that are found now (" +
                         data_.source + ").");
      say("Going on with " + o_.resume + ", " + place(resumption_->snapshot.state()) + ".\n");
      try {
        job_->restore(resumption_->snapshot);
      } catch (const ValueError& e) {
        throw ValueError("--resume '" + o_.resume + "': " + e.what());
      }
      extend();
    }
    checkpoints_.emplace(o_.checkpoint, *parse_interval(o_.every.empty() ? "1m" : o_.every), std::move(settings));
  }

  void extend() {
    const TrainingState& s = job_->state();
    const bool is_finished = s.phase == TrainingState::Phase::finished;
    if (epochs_ < s.epochs)
      throw ValueError("--epochs " + std::to_string(epochs_) + ": the run has " + std::to_string(s.epochs) + "; it can be made longer, not shorter.");
    if (epochs_ > s.epochs) {
      if (s.stopped_early)
        throw ValueError("--epochs " + std::to_string(epochs_) + ": the run stopped early, after epoch " +
                         std::to_string(job_->history().epochs.size()) + ", and cannot go on. Train anew, without --early-stopping or with more --patience.");
      if (schedule_name() != "constant") say("From here on the learning rate follows the schedule of " + std::to_string(epochs_) + " epochs.\n");
      return job_->extend(epochs_ - s.epochs);
    }
    if (!is_finished) return;
    const std::string done = std::to_string(job_->history().epochs.size());
    say(s.stopped_early ? "That run has finished: it stopped early, after epoch " + done + ".\n"
                        : "That run has finished: its " + done + " epochs are done. To go on, give it more: neurona train --resume " + o_.resume +
                              " --epochs " + std::to_string(std::max<std::int64_t>(2 * s.epochs, 1)) + "\n");
  }

  const std::string& schedule_name() const {
    static const std::string kConstant = "constant";
    return !o_.schedule.empty() ? o_.schedule : o_.as_printed ? kConstant : preset_.schedule;
  }

  void train() {
    try {
      while (job_->step()) {
        if (interrupted() != 0) {
          where_ = place(job_->state());
          if (checkpoints_) checkpoints_->write(*job_);  // before the run is ended, so that it can go on
          job_->request_stop();
        } else if (checkpoints_) {
          checkpoints_->after_step(*job_);
        }
      }
      if (checkpoints_ && where_.empty()) checkpoints_->write(*job_);
      if (interrupted() != 0 && where_.empty()) where_ = "after its last batch";
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
  static std::string place(const TrainingState& s) {
    const std::string epoch = "epoch " + std::to_string(s.epoch + 1) + " of " + std::to_string(s.epochs);
    if (s.phase == TrainingState::Phase::validating) return "in the validation of " + epoch;
    if (s.phase == TrainingState::Phase::finished) return "at its end";
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

  // What is computed from what, to be kept with the weights, in checkpoints too.
  void note_origin() {
    auto& metadata = model_.metadata();
    metadata["command"] = command_;
    if (!o_.note.empty()) metadata["note"] = o_.note;
    metadata["network"] = o_.network;
    metadata["seed"] = std::to_string(o_.seed);
    if (o_.as_printed) metadata[kScaleKey] = kScaledTwice;
    metadata["data"] = data_.embedded ? "embedded digits" : data_.is_mnist ? "MNIST" : "other: " + std::filesystem::path(data_.source).filename().string();
    if (!data_.is_mnist) metadata[kClassNamesKey] = Json(data_.class_names).dump(-1, ' ', false, Json::error_handler_t::replace);
    metadata["data_sha256"] = data::sha256_hex(std::span(images_->pixels).first(mnist_pixels_)) + " (training pixels)";
  }

  // What came of it.
  void note_result() {
    auto& metadata = trained().metadata();
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
      save_network(trained(), o_.out, {.stored_as = o_.int8 ? StoredAs::int8 : StoredAs::float32, .include_optimizer = !o_.no_optimizer});
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
    if (!first_losses_->losses().empty()) json["batch_losses"] = first_losses_->losses();
    if (drawn_) json["held_out_writers"] = {{"loss", drawn_->loss}, {"accuracy", drawn_->accuracy()}};
    if (!o_.out.empty()) json["out"] = is_saved ? Json(o_.out) : Json(nullptr);
    if (!o_.checkpoint.empty()) json["checkpoint"] = o_.checkpoint;
    return json;
  }

  // The figures of a run that was judged are told even where the network could not be saved.
  void tell(bool is_saved) {
    if (o_.common.json && (judged_ || (interrupted() != 0 && failure_.empty()))) print_json(to_json(is_saved));
    remind_of_embedded(data_);
    const std::string next = checkpoints_ ? checkpoints_->how_to_go_on() : "";
    if (!failure_.empty()) throw Error(failure_ + (next.empty() ? "" : "\n  " + next));
    if (interrupted() == 0) return;
    std::string message = "neurona: " + interrupt_name() + " ended the run " + where_ + ".";
    if (!is_saved && next.empty()) message += " Nothing was saved: there was no --out.";
    if (!next.empty()) message += "\n  " + next;
    std::fprintf(stderr, "%s\n", message.c_str());
    throw CLI::RuntimeError(interrupt_status());
  }

  const TrainOptions& o_;
  const Json given_;  // the options of the run
  const std::optional<Resumption> resumption_;
  const std::string command_ = resumption_ ? resumption_->settings.command : command_line();
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
  const FitJob* job_seen_ = nullptr;
  FitJob* job_ = nullptr;
  const std::shared_ptr<FirstLosses> first_losses_ = std::make_shared<FirstLosses>(o_.batch_losses, job_seen_);
  std::optional<Checkpoints> checkpoints_;
  std::optional<Model> rounded_;
  std::optional<Evaluation> judged_, drawn_;
  std::string failure_, where_, saved_as_ = "Saved to ";
};

void run(CLI::App& command, TrainOptions& o) {
  apply(o.common);
  std::optional<Resumption> resumption;
  if (!o.resume.empty()) resumption = take_up(command, o);
  check_files(o);
  Run run(o, options_of(command), std::move(resumption));
  run();
}

}  // namespace

void add_train_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("train", "Train a network, print what Keras prints, judge it on the test images");
  const auto options = std::make_shared<TrainOptions>();
  add_train_options(*command, *options);
  command->callback([command, options] { run(*command, *options); });
}

}  // namespace neurona::cli
