#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>
#include <optional>

#include "common.hpp"
#include "neurona/applications.hpp"
#include "neurona/data/image_augment.hpp"
#include "neurona/data/sha256.hpp"
#include "neurona/data/strokes.hpp"
#include "neurona/error.hpp"
#include "neurona/formats.hpp"
#include "neurona/train.hpp"

namespace neurona::cli {

namespace {

struct Options {
  CommonOptions common;
  DataOptions data;
  std::string network = "mlp";
  std::optional<std::int64_t> epochs, batch_size;
  std::optional<double> learning_rate, momentum;
  std::string optimizer = "sgd", loss = "sparse_categorical_crossentropy", schedule;
  double validation_split = 0.0;
  bool validate_on_test = false, early_stopping = false, restore_best_weights = false;
  std::int64_t patience = 0;
  std::uint64_t seed = 0;
  bool augment = false, int8 = false, as_printed = false;
  std::string strokes, out, note, log;
  std::int64_t stroke_copies = 3, batch_losses = 0;
};

// One writer in five is kept apart to judge by.
bool held_out(const std::string& writer) {
  std::uint32_t hash = 2166136261u;  // FNV-1a
  for (char c : writer) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
  return hash % 5 == 0;
}

struct PenImages {
  ImageSet train, held_out;
};

// Pen-drawn digits as the page prepares them; those to train on also in `copies` - 1 distorted versions each.
PenImages prepare_strokes(const std::string& file, std::int64_t copies, std::uint64_t seed) {
  constexpr float kThinnest = 1.8f, kThickest = 3.6f;
  PenImages images;
  images.train.height = images.train.width = images.held_out.height = images.held_out.width =
      data::kDigitSide;
  Rng rng(seed);
  for (const data::LabelledStrokes& digit : data::read_strokes(file)) {
    if (held_out(digit.writer)) {
      images.held_out.push_back(data::prepare_digit(digit.strokes), digit.label);
      continue;
    }
    images.train.push_back(data::prepare_digit(digit.strokes), digit.label);
    for (std::int64_t i = 1; i < copies; ++i)
      images.train.push_back(data::prepare_digit(data::distort(digit.strokes, rng),
                                                 {.thickness = rng.uniform(kThinnest, kThickest)}),
                             digit.label);
  }
  return images;
}

// What cannot be saved is told before training, not after it.
void check_out(const std::string& out) {
  if (out.empty()) return;
  std::error_code error;
  if (std::filesystem::is_directory(out, error))
    throw IoError("Cannot write '" + out + "': it is a folder. Give --out the name of a file.");
  if (std::filesystem::exists(out, error) && !std::filesystem::is_regular_file(out, error))
    throw IoError("Cannot write '" + out + "': it is no file. Give --out the name of a file, new or old.");
  const std::string beside = out + ".probe-" + std::to_string(getpid());
  if (!std::ofstream(beside))
    throw IoError("Cannot write beside '" + out + "': " + std::strerror(errno) +
                  ". Give --out another place.");
  std::filesystem::remove(beside, error);
}

std::string checksum_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<std::uint8_t> bytes{std::istreambuf_iterator<char>(file), {}};
  return data::sha256_hex(bytes);
}

// What was computed from what, to be kept with the weights.
void note_provenance(Model& model, const Options& o, bool embedded, std::span<const std::uint8_t> pixels, const Evaluation& test) {
  auto& metadata = model.metadata();
  metadata["command"] = command_line();
  if (!o.note.empty()) metadata["note"] = o.note;
  metadata["network"] = o.network;
  metadata["seed"] = std::to_string(o.seed);
  if (o.as_printed) metadata[kScaleKey] = kScaledTwice;
  metadata["data"] = embedded ? "embedded digits" : "MNIST";
  metadata["data_sha256"] = data::sha256_hex(pixels) + " (training pixels)";
  metadata["test_loss"] = format_metric(test.loss);
  metadata["test_accuracy"] = format_metric(test.accuracy());
}

Handle<Optimizer> chosen_optimizer(const Options& o, const Recipe& preset) {
  if (o.optimizer != "sgd") {
    if (o.momentum && o.optimizer != "rmsprop")
      throw CLI::ValidationError("--momentum", o.optimizer + " has none");
    if (o.momentum) {
      RMSpropOptions options{.momentum = *o.momentum};
      if (o.learning_rate) options.learning_rate = *o.learning_rate;
      return RMSprop(options);
    }
    return make_optimizer(o.optimizer, o.learning_rate);
  }
  return SGD({.learning_rate = o.learning_rate.value_or(preset.learning_rate),
              .momentum = o.momentum.value_or(preset.momentum)});
}

const std::vector<std::string> kSchedules = {"constant", "cosine", "step", "exponential"};

// The learning rate of an epoch; nothing when it stays.
std::function<double(std::int64_t, double)> chosen_schedule(const std::string& name, double initial,
                                                            std::int64_t epochs) {
  if (name == "cosine")
    return [=](std::int64_t epoch, double) { return cosine_decay(initial, epoch, epochs); };
  if (name == "step") {
    const std::int64_t every = std::max<std::int64_t>(epochs / 3, 1);
    return [=](std::int64_t epoch, double) { return step_decay(initial, epoch, 0.1, every); };
  }
  if (name == "exponential")
    return [=](std::int64_t epoch, double) { return exponential_decay(initial, epoch, 0.01, epochs); };
  return nullptr;
}

void run(const Options& o) {
  apply(o.common);
  check_out(o.out);
  check_out(o.log);
  const Recipe& preset = recipe(o.network);
  const std::int64_t epochs = o.epochs.value_or(preset.epochs);
  const Handle<Optimizer> optimizer = chosen_optimizer(o, preset);
  const auto schedule = chosen_schedule(!o.schedule.empty() ? o.schedule
                                        : o.as_printed      ? "constant"
                                                            : preset.schedule,
                                        optimizer->learning_rate(), epochs);
  const float scale = image_scale(o.as_printed);
  Model model = make_network(o.network, o.seed);
  model.set_backend(make_backend(o.common.backend));
  model.compile({.loss = make_loss(o.loss), .optimizer = optimizer, .metrics = {Accuracy()}});
  data::Mnist mnist = load_data(o.data);
  const Dataset test(std::move(mnist.test), scale);

  PenImages pen;
  ImageSet images = std::move(mnist.train);
  const std::size_t mnist_pixels = images.pixels.size();  // what the weights' file tells of
  if (!o.strokes.empty()) {
    pen = prepare_strokes(o.strokes, o.stroke_copies, o.seed);
    images.pixels.insert(images.pixels.end(), pen.train.pixels.begin(), pen.train.pixels.end());
    images.labels.insert(images.labels.end(), pen.train.labels.begin(), pen.train.labels.end());
    say(std::to_string(pen.train.size()) + " pen-drawn images added to the training data, " +
        std::to_string(pen.held_out.size()) + " of other writers kept apart.\n");
  }
  const auto all = std::make_shared<const ImageSet>(std::move(images));
  Dataset training(all, scale);
  if (o.augment) training = training.augmented(data::augmentation());

  FitOptions fit{.epochs = epochs,
                 .batch_size = o.batch_size.value_or(preset.batch_size),
                 .validation_split = o.validation_split,
                 .callbacks = {ProgressBar(say, {.redraw = on_terminal()})},
                 .seed = o.seed};
  if (o.validate_on_test) fit.validation_data = test;
  const auto stopping = std::make_shared<EarlyStopping>(
      EarlyStoppingOptions{.patience = o.patience, .restore_best_weights = o.restore_best_weights});
  if (o.early_stopping) fit.callbacks.emplace_back(stopping);
  if (schedule) fit.callbacks.emplace_back(LearningRateScheduler(schedule));
  if (!o.log.empty()) fit.callbacks.emplace_back(CSVLogger({.filename = o.log}));
  std::vector<double> first_losses;
  const TrainingState* state = nullptr;
  if (o.batch_losses > 0)
    fit.callbacks.emplace_back(LambdaCallback(
        [&](TrainingContext&, std::int64_t, const Logs&) {
          if (std::ssize(first_losses) < o.batch_losses) first_losses.push_back(state->batch_loss);
        },
        {}));
  if (o.early_stopping && o.validation_split == 0.0 && !o.validate_on_test)
    say("Early stopping watches val_loss, which needs --validation-split: without it the run never stops "
        "early.\n");
  say(describe(model.backend()) + "\n");

  FitJob job(model, training, std::move(fit));
  state = &job.state();
  try {
    run_inline(job);
  } catch (const NotFiniteError&) {
    if (!o.out.empty()) {
      save(model, o.out, o.int8 ? StoredAs::int8 : StoredAs::float32);
      say("The last weights with a finite loss were saved to " + o.out + ".\n");
    }
    throw;
  }
  if (stopping->stopped_epoch())
    say("Early stopping after epoch " + std::to_string(*stopping->stopped_epoch() + 1) +
        "; the best was epoch " + std::to_string(stopping->best_epoch() + 1) + ".\n");

  // What is saved in 8 bits is judged in 8 bits.
  std::optional<Model> rounded;
  if (o.int8) {
    rounded = from_safetensors(to_safetensors(model, StoredAs::int8));
    rounded->set_backend(make_backend(o.common.backend));
  }
  Model& trained = rounded ? *rounded : model;
  const Evaluation result = evaluate_with_progress(trained, test);
  Json json = {{"network", o.network},
               {"params", trained.count_params()},
               {"data", {{"source", mnist.source}, {"embedded", mnist.embedded}}},
               {"backend", describe(trained.backend())},
               {"seed", o.seed},
               {"history", Json::array()},
               {"test", {{"loss", result.loss}, {"accuracy", result.accuracy()}}}};
  for (std::size_t e = 0; e < job.history().epochs.size(); ++e) {
    Json epoch = {{"epoch", e + 1}, {"seconds", job.history().seconds[e]}};
    epoch.update(to_json(job.history().epochs[e]));
    json["history"].push_back(std::move(epoch));
  }
  if (!first_losses.empty()) json["batch_losses"] = first_losses;
  note_provenance(trained, o, mnist.embedded, std::span(all->pixels).first(mnist_pixels), result);
  if (pen.held_out.size() > 0) {
    const Evaluation drawn = evaluate_with_progress(trained, Dataset(pen.held_out, scale));
    json["held_out_writers"] = {{"loss", drawn.loss}, {"accuracy", drawn.accuracy()}};
    trained.metadata()["strokes"] =
        std::filesystem::path(o.strokes).filename().string() + ", sha256 " + checksum_of(o.strokes);
    trained.metadata()["held_out_writers_accuracy"] = format_metric(drawn.accuracy());
    say("Pen-drawn digits of writers it was not trained on: accuracy " + format_metric(drawn.accuracy()) +
        ".\n");
  }
  if (o.out.empty()) {
    if (o.common.json) print_json(json);
    return;
  }
  json["out"] = o.out;
  try {
    save(trained, o.out, o.int8 ? StoredAs::int8 : StoredAs::float32);
  } catch (const Error&) {
    json["out"] = nullptr;  // the figures are told all the same
    if (o.common.json) print_json(json);
    throw;
  }
  say("Saved to " + o.out + ".\n");
  if (o.common.json) print_json(json);
}

}  // namespace

void add_train_command(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("train", "Train a network, print what Keras prints, judge it on the test images");
  const auto o = std::make_shared<Options>();
  std::string networks = "The network:";
  for (const std::string& name : network_names()) networks += "\n  " + name + ": " + recipe(name).description;
  command->add_option("--network", o->network, networks)
      ->check(CLI::IsMember(network_names()))
      ->capture_default_str();
  add_data_option(*command, o->data);
  command->add_option("--limit", o->data.train_limit, "Train on the first N training images only (0: all)")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_option("--epochs", o->epochs, "Passes over the training images (default: the network's)")
      ->check(CLI::NonNegativeNumber);
  command->add_option("--batch-size", o->batch_size, "Images a step (default: the network's)")
      ->check(CLI::PositiveNumber);
  command->add_option("--optimizer", o->optimizer, "What moves the weights")
      ->check(CLI::IsMember(optimizer_names()))
      ->capture_default_str();
  command->add_option("--loss", o->loss, "What is made small")
      ->check(CLI::IsMember(loss_names()))
      ->capture_default_str();
  command
      ->add_option("--learning-rate", o->learning_rate,
                   "Step size (default: the network's for sgd, Keras' for others)")
      ->check(number_from(0.0, std::numeric_limits<double>::infinity()));
  command->add_option("--momentum", o->momentum, "Of sgd (default: the network's) or rmsprop")
      ->check(number_from(0.0, 1.0, true));
  CLI::Option* split =
      command
          ->add_option("--validation-split", o->validation_split,
                       "Share of the training images, from their end, held out for validation")
          ->check(number_from(0.0, 1.0, true))
          ->capture_default_str();
  command
      ->add_flag("--validate-on-test", o->validate_on_test,
                 "Judge each epoch on the test images (val_loss, val_accuracy), to watch, not to choose by")
      ->excludes(split);
  CLI::Option* stopping =
      command->add_flag("--early-stopping", o->early_stopping, "Stop when val_loss no longer falls");
  command
      ->add_option("--patience", o->patience,
                   "Epochs without improvement after which it stops (0 and 1 do the same)")
      ->check(CLI::NonNegativeNumber)
      ->needs(stopping)
      ->capture_default_str();
  command
      ->add_flag("--restore-best-weights", o->restore_best_weights,
                 "With early stopping: keep the weights of the best epoch")
      ->needs(stopping);
  command->add_option("--seed", o->seed, "Of the initial weights and the order of the images")
      ->check(whole_number())
      ->capture_default_str();
  command->add_flag("--augment", o->augment,
                    "Vary each image anew each epoch: shift, rotate, shear, zoom, bend");
  CLI::Option* schedule = command
                              ->add_option("--schedule", o->schedule,
                                           "How the learning rate falls (default: the network's): cosine to "
                                           "0; step, to a tenth after each "
                                           "third of the epochs; exponential, to a hundredth")
                              ->check(CLI::IsMember(kSchedules));
  command
      ->add_flag_callback(
          "--cosine", [o] { o->schedule = "cosine"; }, "The same as --schedule cosine")
      ->excludes(schedule);
  command->add_flag(
      "--as-printed", o->as_printed,
      "Divide the images by 255 twice, as the tutorial does by mistake, at its constant learning rate");
  command->add_option("--log", o->log, "Write the numbers of each epoch to this CSV file");
  command
      ->add_option("--strokes", o->strokes,
                   "Train on pen-drawn digits too: a JSON-lines file of strokes, gzip-compressed or not")
      ->check(CLI::ExistingFile);
  command->add_option("--stroke-copies", o->stroke_copies, "Versions of each pen-drawn digit")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  command
      ->add_option("--out", o->out,
                   "Save the trained network to this .safetensors file; when the loss becomes NaN, the last "
                   "good weights")
      ->check([](const std::string& name) {
        return name.empty() ? std::string("give it the name of a file") : std::string();
      });
  command->add_option("--note", o->note, "Text to keep in the network's file, such as where data came from");
  command->add_flag("--int8", o->int8, "Judge and save the network with its kernels in 8 bits");
  command
      ->add_option("--batch-losses", o->batch_losses,
                   "With --json: tell the losses of the first N batches too")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  add_common_options(*command, o->common);
  command->callback([o] { run(*o); });
}

}  // namespace neurona::cli
