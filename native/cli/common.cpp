#include "common.hpp"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>

#include "neurona/data/embedded_digits.hpp"
#include "neurona/train.hpp"

namespace neurona::cli {

namespace {

bool json_on_stdout = false;
std::string called_as;

std::FILE* stream() { return json_on_stdout ? stderr : stdout; }

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
  const std::string range = "[" + CLI::detail::to_string(low) + ", " + (std::isinf(high) ? "..." : CLI::detail::to_string(high)) + (below_high ? ")" : "]");
  return CLI::Validator(
      [=](std::string& text) {
        double value = 0.0;
        if (CLI::detail::lexical_cast(text, value) && std::isfinite(value) && value >= low && (below_high ? value < high : value <= high)) return std::string();
        return "'" + text + "' is no number in " + range;
      },
      "in " + range);
}

CLI::Validator whole_number() {
  return CLI::Validator(
      [](std::string& text) {
        const bool digits = !text.empty() && text.size() <= 19 && text.find_first_not_of("0123456789") == std::string::npos;
        return digits ? std::string() : "'" + text + "' is no whole number from 0";
      },
      "");
}

bool on_terminal() { return isatty(fileno(stream())) != 0; }

void add_common_options(CLI::App& command, CommonOptions& options) {
  command.add_flag("--json", options.json, "Print the result as JSON on standard output, progress on standard error");
  command.add_option("--threads", options.threads, "Threads to compute with (0: as many as there are cores)")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  command.add_option("--backend", options.backend, "What computes: cpu, or reference (slow, plain loops)")
      ->check(CLI::IsMember(backend_names()))
      ->capture_default_str();
}

void apply(const CommonOptions& options) {
  json_on_stdout = options.json;
  if (options.threads > 0) set_num_threads(options.threads);
}

void remember_command_line(int argc, const char* const* argv) {
  called_as = "neurona";
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i], name = word.substr(0, word.find('='));
    if (name == "--json") continue;
    if (name == "--out" || name == "--threads" || name == "--note") {
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
                  "or a folder with the four MNIST files")
      ->capture_default_str();
}

data::Mnist load_data(const DataOptions& options) {
  data::Mnist mnist;
  if (options.folder.empty() && options.source == "embedded") {
    mnist = embedded(options);
  } else {
    ProgressLine line;
    data::MnistOptions find;
    find.folder = !options.folder.empty() ? options.folder : options.source != "mnist" ? options.source : "";
    find.allow_embedded = options.allow_embedded;
    mnist = data::mnist(find, [&](const Progress& progress) { line.show(progress); });
  }
  for (const std::string& note : mnist.notes) say(note + "\n");
  if (mnist.embedded)
    say("Working on EMBEDDED digits, drawn by this program: figures are not comparable with MNIST's.\n");
  if (options.train_limit > 0) mnist.train = mnist.train.take(options.train_limit);
  if (options.test_limit > 0) mnist.test = mnist.test.take(options.test_limit);
  return mnist;
}

float image_scale(bool as_printed) { return as_printed ? 1.0f / 65025.0f : 1.0f / 255.0f; }

ProgressLine::~ProgressLine() {
  if (length_ > 0) say("\r" + std::string(length_, ' ') + "\r");
}

void ProgressLine::show(const Progress& progress) {
  constexpr double kIntervalMs = 100.0;
  if (!on_terminal() || now_ms() - last_ms_ < kIntervalMs) return;
  last_ms_ = now_ms();
  std::string text = "  " + progress.detail;
  if (progress.total > 0) text += ": " + std::to_string(100 * progress.done / progress.total) + "%";
  if (progress.unit == "bytes")
    text += " (" + megabytes(progress.done) + (progress.total > 0 ? " of " + megabytes(progress.total) : "") + " MB)";
  const std::size_t length = text.size();
  if (length < length_) text.append(length_ - length, ' ');
  length_ = length;
  say("\r" + text);
}

Evaluation evaluate_with_progress(Model& model, const Dataset& data, std::vector<std::int32_t>* predicted) {
  constexpr double kSliceMs = 100.0;
  EvaluateJob job(model, data);
  const double start = now_ms();
  Progress progress;
  bool more = true;
  while (more) {
    more = job.advance(kSliceMs, progress);
    if (more && !on_terminal()) continue;
    const Evaluation so_far = job.result();
    Logs logs{{"loss", so_far.loss}};
    logs.insert(logs.end(), so_far.metrics.begin(), so_far.metrics.end());
    say((on_terminal() ? "\r" : "") + progress_line(progress.done, progress.total, (now_ms() - start) / 1e3, logs) + (more ? "" : "\n"));
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
