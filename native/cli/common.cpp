#include "common.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "interrupt.hpp"
#include "neurona/data/embedded_digits.hpp"
#include "neurona/data/image_folder.hpp"
#include "neurona/error.hpp"
#include "neurona/train.hpp"

namespace neurona::cli {

namespace {

bool json_on_stdout = false;
std::string called_as;

std::FILE* stream() { return json_on_stdout ? stderr : stdout; }

constexpr int kMostThreads = 1024;

// "0.5", "60000": no exponent where people would write none.
std::string in_digits(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.15g", value);
  return text;
}

std::string megabytes(std::int64_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", static_cast<double>(bytes) / 1e6);
  return text;
}

data::Mnist embedded(const DataOptions& options) {
  const auto count = [](std::int64_t limit, std::int64_t all) { return limit > 0 ? std::min(limit, all) : all; };
  say("Drawing embedded digits (made by a program, not handwriting of people) ...\n");
  data::Mnist mnist;
  mnist.train = data::embedded_digits({.count = count(options.train_limit, 60000), .seed = 1});
  mnist.test = data::embedded_digits({.count = count(options.test_limit, 10000), .seed = 2});
  mnist.source = "embedded digits";
  mnist.embedded = true;
  return mnist;
}

}  // namespace

void say(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stream());
  std::fflush(stream());
}

// Names of files need not be UTF-8.
void print_json(const Json& json) { std::printf("%s\n", json.dump(2, ' ', false, Json::error_handler_t::replace).c_str()); }

CLI::Validator number_from(double low, double high, bool below_high) {
  std::string range = std::isinf(high) ? "at least " + in_digits(low) : "from " + in_digits(low) + " to " + in_digits(high);
  if (below_high) range = "at least " + in_digits(low) + " and below " + in_digits(high);
  return CLI::Validator(
      [=](std::string& text) {
        char* end = nullptr;  // not from_chars, which some libraries have for whole numbers alone
        const double value = std::strtod(text.c_str(), &end);
        if (text.empty() || text[0] == ' ' || *end != '\0' || !std::isfinite(value)) return "'" + text + "' is no number; " + range + " is needed";
        if (value >= low && (below_high ? value < high : value <= high)) return std::string();
        return text + " is out of range; " + range + " is needed";
      },
      range);
}

CLI::Validator whole_number(std::int64_t low, std::int64_t high) {
  const bool is_open = high == std::numeric_limits<std::int64_t>::max();
  const std::string range = is_open ? "at least " + std::to_string(low) : "from " + std::to_string(low) + " to " + std::to_string(high);
  return CLI::Validator(
      [=](std::string& text) {
        std::int64_t value = 0;
        const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (problem == std::errc::result_out_of_range) return text + " is out of range; a whole number, " + range + (is_open ? " and below 2^63" : "") + ", is needed";
        if (problem != std::errc() || end != text.data() + text.size()) return "'" + text + "' is no whole number; " + range + " is needed";
        if (value >= low && value <= high) return std::string();
        return text + " is out of range; " + range + " is needed";
      },
      range);
}

bool on_terminal() {
  const char* kind = std::getenv("TERM");
  return isatty(fileno(stream())) != 0 && kind != nullptr && *kind != '\0' && std::string_view(kind) != "dumb";
}

int terminal_columns() {
  constexpr int kUsual = 80;
  winsize size{};
  if (ioctl(fileno(stream()), TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  const char* told = std::getenv("COLUMNS");
  const int columns = told != nullptr ? std::atoi(told) : 0;
  return columns > 0 ? columns : kUsual;
}

void add_common_options(CLI::App& command, CommonOptions& options) {
  command.add_flag("--json", options.json, "Print the result as JSON on standard output, progress on standard error");
  command.add_option("--threads", options.threads, "Threads to compute with (0: as many as there are cores)")
      ->check(whole_number(0, kMostThreads))
      ->capture_default_str();
  command.add_option("--backend", options.backend, "What computes: cpu, or reference (slow, plain loops)")
      ->check(CLI::IsMember(backend_names()))
      ->capture_default_str();
}

void apply(const CommonOptions& options) {
  json_on_stdout = options.json;
  if (options.threads > 0) set_num_threads(options.threads);
  start_threads();
  if (const std::string warning = take_thread_warning(); !warning.empty()) std::fprintf(stderr, "neurona: %s\n", warning.c_str());
}

void remember_command_line(int argc, const char* const* argv) {
  called_as = "neurona";
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i], name = word.substr(0, word.find('='));
    if (name == "--json") continue;
    if (name == "--out" || name == "--threads" || name == "--note" || name == "--checkpoint" || name == "--every") {
      if (name == word) ++i;  // its value stands apart
      continue;
    }
    called_as += " " + std::filesystem::path(word).filename().string();
  }
}

const std::string& command_line() { return called_as; }

void add_data_option(CLI::App& command, DataOptions& options) {
  command
      .add_option("--data", options.source,
                  "mnist (found through MNIST_DIR, ./data/mnist or the cache, else downloaded), embedded (drawn by the program), "
                  "or a folder with data in MNIST's formats: Fashion-MNIST, KMNIST, EMNIST, Kaggle's CSV (default: mnist, and where "
                  "there is no network embedded)");
}

data::Mnist load_data(const DataOptions& options) {
  data::Mnist mnist;
  if (options.folder.empty() && options.source == "embedded") {
    mnist = embedded(options);
  } else {
    ProgressLine line;
    data::MnistOptions find;
    const auto show = [&](const Progress& progress) { line.show(progress); };
    const bool names_folder = !options.source.empty() && options.source != "mnist";
    find.folder = options.folder;
    find.allow_embedded = options.folder.empty() && options.source.empty();
    try {
      mnist = names_folder && options.folder.empty() ? data::read_image_folder(options.source, show) : data::mnist(find, show);
    } catch (const IoError& e) {
      if (names_folder || !options.folder.empty() || options.only_mnist) throw;
      throw IoError(std::string(e.what()) + "\n  To go on without MNIST: --data embedded (digits that the program draws), or name a folder: --data FOLDER.");
    }
  }
  for (const std::string& note : mnist.notes) say(note + "\n");
  if (mnist.embedded)
    say("Working on EMBEDDED digits, drawn by this program: figures are not comparable with MNIST's.\n");
  if (options.train_limit > 0) mnist.train = mnist.train.take(options.train_limit);
  if (options.test_limit > 0) mnist.test = mnist.test.take(options.test_limit);
  return mnist;
}

void remind_of_embedded(const data::Mnist& data) {
  if (!data.embedded || data.notes.empty()) return;
  say("REMEMBER: there was no MNIST and no network. All of this is of EMBEDDED digits, drawn by this program.\n"
      "  With a network run it again, or name a folder that has MNIST: --data FOLDER.\n");
}

Json to_json(const data::Mnist& data) {
  Json json = {{"source", data.source}, {"embedded", data.embedded}};
  if (!data.is_mnist) json["class_names"] = data.class_names;
  return json;
}

float image_scale(bool as_printed) { return as_printed ? 1.0f / 65025.0f : 1.0f / 255.0f; }

ProgressLine::~ProgressLine() {
  if (length_ > 0) say("\r" + std::string(length_, ' ') + "\r");
}

void ProgressLine::show(const Progress& progress) {
  constexpr double kIntervalMs = 100.0;
  // Where no line can be redrawn, why nothing happens is said once.
  if (!on_terminal() && progress.waits && waited_for_ != progress.detail) say("  " + (waited_for_ = progress.detail) + " ...\n");
  if (!on_terminal() || now_ms() - last_ms_ < kIntervalMs) return;
  last_ms_ = now_ms();
  std::string text = "  " + progress.detail;
  if (progress.total > 0) text += ": " + std::to_string(100 * progress.done / progress.total) + "%";
  if (progress.unit == "bytes")
    text += " (" + megabytes(progress.done) + (progress.total > 0 ? " of " + megabytes(progress.total) : "") + " MB)";
  const auto columns = static_cast<std::size_t>(std::max(terminal_columns() - 1, 1));
  if (text.size() > columns) text.resize(columns);
  const std::size_t length = text.size(), blanked = std::min(length_, columns);
  if (length < blanked) text.append(blanked - length, ' ');
  length_ = length;
  say("\r" + text);
}

std::optional<Evaluation> evaluate_with_progress(Model& model, const Dataset& data, std::vector<std::int32_t>* predicted) {
  constexpr double kSliceMs = 100.0;
  EvaluateJob job(model, data);
  const double start = now_ms();
  Progress progress;
  std::size_t last_length = 0;
  bool more = true;
  while (more) {
    if (interrupted() != 0) return std::nullopt;
    more = job.advance(kSliceMs, progress);
    if (more && !on_terminal()) continue;
    const Evaluation so_far = job.result();
    Logs logs{{"loss", so_far.loss}};
    logs.insert(logs.end(), so_far.metrics.begin(), so_far.metrics.end());
    const int columns = on_terminal() ? std::max(terminal_columns() - 1, 1) : 0;
    std::string line = progress_line(progress.done, progress.total, (now_ms() - start) / 1e3, logs, columns, !more);
    const std::size_t length = std::min(line.size(), line.find('\n')), blanked = std::min(last_length, static_cast<std::size_t>(columns));
    if (length < blanked) line.insert(length, blanked - length, ' ');
    last_length = length;
    say((on_terminal() ? "\r" : "") + line + (more ? "" : "\n"));
  }
  if (predicted != nullptr) predicted->assign(job.predicted().begin(), job.predicted().end());
  return job.result();
}

Json to_json(const Logs& logs) {
  Json json = Json::object();
  for (const auto& [name, value] : logs) json[name] = value;
  return json;
}

}  // namespace neurona::cli
