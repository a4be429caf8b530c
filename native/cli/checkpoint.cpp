#include "checkpoint.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <exception>
#include <filesystem>

#include "neurona/error.hpp"
#include "neurona/formats.hpp"

namespace neurona::cli {

namespace {

namespace fs = std::filesystem;

/// Key of a run's settings in its checkpoints.
constexpr const char* kSettingsKey = "settings";
// Options that say nothing of the run itself.
constexpr std::array<std::string_view, 5> kNotOfTheRun = {"--help", "--json", "--threads", "--checkpoint",
                                                          "--resume"};
// Those that may be others when a run goes on.
constexpr std::array<std::string_view, 4> kMayChange = {"--epochs", "--every", "--out", "--note"};

template <std::size_t Count>
bool is_among(const std::array<std::string_view, Count>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// So that the run can go on from another folder.
std::string with_whole_path(const std::string& option, const std::string& value) {
  std::error_code error;
  const bool is_path = option == "--out" || option == "--log" || option == "--strokes" ||
                       (option == "--data" && value != "mnist" && value != "embedded");
  return is_path ? fs::absolute(value, error).lexically_normal().string() : value;
}

std::string text_of(const CLI::Option& option) {
  return option.results().empty() ? "" : with_whole_path(option.get_name(), option.results().back());
}

// "--seed 7", or of a flag "--augment".
std::string as_typed(const CLI::Option& option, const std::string& value) {
  return option.get_items_expected() == 0 ? option.get_name() : option.get_name() + " " + value;
}

std::string shell_word(const std::string& text) {
  const bool is_plain =
      !text.empty() &&
      text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:=+,-@%") ==
          std::string::npos;
  if (is_plain) return text;
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? "'\\''" : std::string(1, c);
  return quoted + "'";
}

Settings read_settings(const Snapshot& snapshot, const std::string& path) {
  const auto it = snapshot.metadata().find(kSettingsKey);
  if (it == snapshot.metadata().end())
    throw FormatError(
        "--resume '" + path +
        "': the run in it was none of neurona train; FitJob::restore() in the library goes on with it.");
  const Json json = Json::parse(it->second, nullptr, /*allow_exceptions=*/false);
  const bool is_whole = json.is_object() && json.contains("command") && json.contains("data_sha256") &&
                        json.contains("options") && json["command"].is_string() &&
                        json["data_sha256"].is_string() && json["options"].is_object() &&
                        std::all_of(json["options"].begin(), json["options"].end(),
                                    [](const Json& value) { return value.is_string(); });
  if (!is_whole)
    throw FormatError("--resume '" + path + "': its settings cannot be read. The file is damaged.");
  return {.command = json["command"].get<std::string>(),
          .data_sha256 = json["data_sha256"].get<std::string>(),
          .options = json["options"]};
}

// What was typed must be what the run has: with options in between, it would be another run.
void check_conflict(const CLI::Option& option, const Json& stored) {
  const std::string name = option.get_name(), typed = text_of(option);
  if (is_among(kNotOfTheRun, name) || is_among(kMayChange, name)) return;
  const bool is_stored = stored.contains(name);
  const std::string there = is_stored ? stored[name].get<std::string>() : option.get_default_str();
  if (typed == there) return;
  const std::string run_has =
      is_stored || !there.empty() ? "has " + as_typed(option, there) : "was begun without it";
  throw CLI::ValidationError(
      "--resume", as_typed(option, typed) + " would make it another run: the one in the checkpoint " +
                      run_has + ". Leave the option out, or train anew without --resume");
}

}  // namespace

std::optional<Interval> parse_interval(std::string_view text) {
  constexpr std::int64_t kMost = 1000000000;
  std::int64_t count = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), count);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (problem != std::errc() || count < 1 || count > kMost) return std::nullopt;
  if (unit.empty()) return Interval{.batches = count};
  if (unit == "s") return Interval{.ms = static_cast<double>(count) * 1e3};
  if (unit == "m") return Interval{.ms = static_cast<double>(count) * 60e3};
  return std::nullopt;
}

Json options_of(const CLI::App& command) {
  Json options = Json::object();
  for (const CLI::Option* option : command.get_options())
    if (option->count() > 0 && !is_among(kNotOfTheRun, option->get_name()))
      options[option->get_name()] = text_of(*option);
  return options;
}

Resumption take_up(CLI::App& command, TrainOptions& options) {
  Resumption resumption{.snapshot = load_snapshot(options.resume), .settings = {}};
  resumption.settings = read_settings(resumption.snapshot, options.resume);
  const Json& stored = resumption.settings.options;
  if (options.epochs && stored.value("--epochs", "") != std::to_string(*options.epochs))
    resumption.settings.command += "; resumed with --epochs " + std::to_string(*options.epochs);
  for (const CLI::Option* option : command.get_options())
    if (option->count() > 0) check_conflict(*option, stored);
  for (const auto& [name, value] : stored.items()) {
    CLI::Option* option = command.get_option_no_throw(name);
    if (option == nullptr || is_among(kNotOfTheRun, name))
      throw FormatError("--resume '" + options.resume + "': its run has an option " + name +
                        ", which this version of the program has not.");
    if (option->count() > 0) continue;
    option->add_result(value.get<std::string>());
    option->run_callback();
  }
  if (options.checkpoint.empty()) options.checkpoint = options.resume;
  return resumption;
}

Checkpoints::Checkpoints(std::string path, Interval every, Settings settings)
    : path_(std::move(path)),
      every_(every),
      settings_(Json{{"command", settings.command},
                     {"data_sha256", settings.data_sha256},
                     {"options", std::move(settings.options)}}
                    .dump(-1, ' ', false, Json::error_handler_t::replace)),
      last_ms_(now_ms()) {
  remove_leftovers(path_);
}

void Checkpoints::after_step(const FitJob& job) {
  const TrainingState& s = job.state();
  const std::int64_t batch = s.epoch * s.batches + s.batch;
  if (last_batch_ < 0) last_batch_ = std::max<std::int64_t>(batch - 1, 0);
  const bool is_time =
      every_.batches > 0 ? batch - last_batch_ >= every_.batches : now_ms() - last_ms_ >= every_.ms;
  if (!is_time) return;
  last_batch_ = batch;
  write(job);
}

bool Checkpoints::write(const FitJob& job) {
  const bool failed_before = has_failed_;
  try {
    Snapshot snapshot = job.snapshot();
    snapshot.metadata()[kSettingsKey] = settings_;
    save(snapshot, path_);
    has_written_ = true;
    has_failed_ = false;
  } catch (const std::exception& e) {  // a full disk, no memory
    has_failed_ = true;
    if (!failed_before)
      say((on_terminal() ? "\n" : "") +
          std::string("Warning: no checkpoint could be written, the training goes on. ") + e.what() + "\n");
  }
  last_ms_ = now_ms();
  return !has_failed_;
}

std::string Checkpoints::how_to_go_on() const {
  if (!has_written_) return "";
  return "A checkpoint is in " + path_ + ". To go on: neurona train --resume " + shell_word(path_);
}

}  // namespace neurona::cli
