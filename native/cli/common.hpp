// What the commands share: where data come from, how progress is shown, how results are printed.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "neurona/data/mnist.hpp"
#include "neurona/job.hpp"
#include "neurona/model.hpp"

namespace neurona::cli {

using Json = nlohmann::ordered_json;

/// Refuses what is no finite number of [low, high], or of [low, high) when `below_high`.
CLI::Validator number_from(double low, double high, bool below_high = false);
/// Refuses what is no whole number from `low` to `high`. In words: "at least 1", "from 0 to 1024".
CLI::Validator whole_number(std::int64_t low = 0, std::int64_t high = std::numeric_limits<std::int64_t>::max());

/// Exit statuses of the program.
enum ExitStatus { kSuccess = 0, kFailure = 1, kUsage = 2 };

/// Prints to standard output at once, or to standard error while --json keeps standard output for JSON alone.
void say(std::string_view text);
/// The result of a command with --json.
void print_json(const Json& json);
/// Whether what `say` prints goes to a terminal on which a line can be redrawn in place (not so where TERM is "dumb" or unset).
bool on_terminal();
/// Its columns at the moment; COLUMNS or 80 where it does not tell.
int terminal_columns();

/// Options that all commands take.
struct CommonOptions {
  bool json = false;
  int threads = 0;  ///< 0: as many as there are cores
  std::string backend = "cpu";
};
void add_common_options(CLI::App& command, CommonOptions& options);
void apply(const CommonOptions& options);

/// Where images come from, and how many are used. 0 means all of them.
struct DataOptions {
  /// "mnist", "embedded", or a folder with data in MNIST's formats; empty: MNIST, and where there is no network embedded digits.
  std::string source;
  std::string folder;            ///< the folder, whatever its name; empty: `source` decides
  std::int64_t train_limit = 0;  ///< first N training images
  std::int64_t test_limit = 0;   ///< first N test images
  bool only_mnist = false;       ///< nothing else helps: no other data is offered
};
/// --data. (--limit is each command's own.)
void add_data_option(CLI::App& command, DataOptions& options);
/// Finds, downloads or makes the data; says what it does.
data::Mnist load_data(const DataOptions& options);
/// At the end of a command: says once more where embedded digits stood in for MNIST.
void remind_of_embedded(const data::Mnist& data);
/// {"source": ..., "embedded": ..., "classes": ...}
Json to_json(const data::Mnist& data);

/// What pixels (0 to 255) are multiplied by: 1/255, or as the tutorial does by mistake with the training images, 1/255 twice.
float image_scale(bool as_printed);
/// Key and value in a network's file that say that it was trained on images divided twice.
inline constexpr const char* kScaleKey = "image_scale";
inline constexpr const char* kScaledTwice = "1/65025";
/// Key of what the classes of a network stand for, where these are not the digits: a JSON list of texts.
inline constexpr const char* kClassNamesKey = "class_names";

/// Keeps how the program was called, for a network's provenance.
void remember_command_line(int argc, const char* const* argv);
/// "neurona train --network mlp": as it was called, without what leaves the weights alone (--out, --threads, --note, --json, --checkpoint, --every) and, of
/// paths, their last part.
const std::string& command_line();

/// Shows "  downloading train-images: 31% (3.1 of 9.9 MB)" and the like, redrawn in place on a terminal.
class ProgressLine {
 public:
  ~ProgressLine();
  void show(const Progress& progress);

 private:
  double last_ms_ = 0.0;
  std::size_t length_ = 0;
  std::string waited_for_;
};

/// Evaluates with Keras' progress line on the way; nothing when a signal was remembered meanwhile (PoliteInterrupts).
std::optional<Evaluation> evaluate_with_progress(Model& model, const Dataset& data, std::vector<std::int32_t>* predicted = nullptr);

Json to_json(const Logs& logs);

/// Registers the commands; each fills in its options and sets its callback.
void add_data_command(CLI::App& app);
void add_train_command(CLI::App& app);
void add_evaluate_command(CLI::App& app);
void add_predict_command(CLI::App& app);
void add_summary_command(CLI::App& app);
void add_bench_command(CLI::App& app);

}  // namespace neurona::cli
