#include "train_options.hpp"

#include <limits>

#include "checkpoint.hpp"
#include "neurona/applications.hpp"

namespace neurona::cli {

namespace {

std::string need_a_name(const std::string& name) { return name.empty() ? "give it the name of a file" : ""; }

void add_checkpoint_options(CLI::App& command, TrainOptions& options) {
  command
      .add_option("--checkpoint", options.checkpoint,
                  "Write all of the run's state to this .safetensors file as often as --every says, at its end, and when Ctrl-C or SIGTERM ends it; "
                  "--resume goes on from there. It is a network's file, too")
      ->check(need_a_name);
  command
      .add_option("--every", options.every,
                  "How often: after N batches (100), N seconds (30s) or N minutes (5m) (default: 1m). What is killed in between loses at most that")
      ->check([](const std::string& text) {
        return parse_interval(text) ? std::string() : "'" + text + "' is no interval; give batches (100), seconds (30s) or minutes (5m)";
      });
  command
      .add_option("--resume", options.resume,
                  "Go on with the run that this file of --checkpoint holds, with its options and from any folder, to the same bits as if it had "
                  "never stopped; checkpoints go to the same file. A finished run goes on with more --epochs")
      ->check(need_a_name);
}

}  // namespace

void add_train_options(CLI::App& command, TrainOptions& options) {
  const std::vector<std::string> kSchedules = {"constant", "cosine", "step", "exponential"};
  std::string networks = "The network:";
  for (const std::string& name : network_names()) networks += "\n  " + name + ": " + recipe(name).description;
  command.add_option("--network", options.network, networks)
      ->check(CLI::IsMember(network_names()))
      ->capture_default_str();
  add_data_option(command, options.data);
  command.add_option("--limit", options.data.train_limit, "Train on the first N training images only (0: all)")
      ->check(whole_number())
      ->capture_default_str();
  command.add_option("--epochs", options.epochs, "Passes over the training images (default: the network's)")
      ->check(whole_number());
  command.add_option("--batch-size", options.batch_size, "Images a step (default: the network's)")
      ->check(whole_number(1));
  command.add_option("--optimizer", options.optimizer, "What moves the weights")
      ->check(CLI::IsMember(optimizer_names()))
      ->capture_default_str();
  command.add_option("--loss", options.loss, "What is made small")
      ->check(CLI::IsMember(loss_names()))
      ->capture_default_str();
  command
      .add_option("--learning-rate", options.learning_rate,
                   "Step size (default: the network's for sgd, Keras' for others)")
      ->check(number_from(0.0, std::numeric_limits<double>::infinity()));
  command.add_option("--momentum", options.momentum, "Of sgd (default: the network's) or rmsprop")
      ->check(number_from(0.0, 1.0, true));
  CLI::Option* split =
      command
          .add_option("--validation-split", options.validation_split,
                       "Share of the training images, from their end, held out for validation")
          ->check(number_from(0.0, 1.0, true))
          ->capture_default_str();
  command
      .add_flag("--validate-on-test", options.validate_on_test,
                 "Judge each epoch on the test images (val_loss, val_accuracy), to watch, not to choose by")
      ->excludes(split);
  CLI::Option* stopping =
      command.add_flag("--early-stopping", options.early_stopping, "Stop when val_loss no longer falls");
  command
      .add_option("--patience", options.patience,
                   "Epochs without improvement after which it stops (0 and 1 do the same)")
      ->check(whole_number())
      ->needs(stopping)
      ->capture_default_str();
  command
      .add_flag("--restore-best-weights", options.restore_best_weights,
                 "With early stopping: end with the weights of the best epoch, however the run ends")
      ->needs(stopping);
  command.add_option("--seed", options.seed, "Of the initial weights and the order of the images")
      ->check(whole_number())
      ->capture_default_str();
  command.add_flag("--augment", options.augment,
                    "Vary each image anew each epoch: shift, rotate, shear, zoom, bend");
  CLI::Option* schedule = command
                              .add_option("--schedule", options.schedule,
                                           "How the learning rate falls (default: the network's): cosine to "
                                           "0; step, to a tenth after each "
                                           "third of the epochs; exponential, to a hundredth")
                              ->check(CLI::IsMember(kSchedules));
  command
      .add_flag_callback(
          "--cosine", [&options] { options.schedule = "cosine"; }, "The same as --schedule cosine")
      ->excludes(schedule);
  command.add_flag(
      "--as-printed", options.as_printed,
      "Divide the images by 255 twice, as the tutorial does by mistake, at its constant learning rate");
  command.add_option("--log", options.log, "Write the numbers of each epoch to this CSV file, device (/dev/stdout) or pipe");
  command
      .add_option("--strokes", options.strokes,
                   "Train on pen-drawn digits too: a JSON-lines file of strokes, gzip-compressed or not")
      ->check(CLI::ExistingFile);
  command.add_option("--stroke-copies", options.stroke_copies, "Versions of each pen-drawn digit")
      ->check(whole_number(1, 100))
      ->capture_default_str();
  command
      .add_option("--out", options.out,
                   "Save the trained network to this .safetensors file: also when Ctrl-C or SIGTERM ends the run after the batch at hand "
                   "(a second one ends it at once), when an error does, and when the loss becomes NaN, then the last good weights")
      ->check(need_a_name);
  command.add_flag("--no-optimizer", options.no_optimizer,
                   "Leave the optimizer's state out of --out: a smaller file (with adam a third), whose training cannot go on as if it had never "
                   "been saved");
  add_checkpoint_options(command, options);
  command.add_option("--note", options.note, "Text to keep in the network's file, such as where data came from");
  command.add_flag("--int8", options.int8, "Judge and save the network with its kernels in 8 bits");
  command
      .add_option("--batch-losses", options.batch_losses,
                   "With --json: tell the losses of the first N batches too")
      ->check(whole_number())
      ->capture_default_str();
  add_common_options(command, options.common);
}

}  // namespace neurona::cli
