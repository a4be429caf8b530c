// A training that goes on after its program was stopped: --checkpoint, --every, --resume.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "common.hpp"
#include "neurona/train.hpp"
#include "train_options.hpp"

namespace neurona::cli {

/// How often a checkpoint is written: after so many batches, or so much time.
struct Interval {
  std::int64_t batches = 0;  ///< 0: by time
  double ms = 0.0;
};
/// "100", "30s", "5m"; nothing for another text.
std::optional<Interval> parse_interval(std::string_view text);

/// A run's settings, as its checkpoints have them: the options that were given, with whole paths.
struct Settings {
  std::string command;      ///< as the run was called at first
  std::string data_sha256;  ///< of its training pixels
  Json options = Json::object();
};
/// Those of the command, without the ones that do not belong to the run (--threads, --json, --checkpoint,
/// --resume).
Json options_of(const CLI::App& command);

/// A run that goes on.
struct Resumption {
  Snapshot snapshot;
  Settings settings;
};
/// Reads the checkpoint that --resume names, and gives its options to the command as if they had been typed.
/// Errors: IoError, FormatError; CLI::ValidationError for an option that was typed and is another one in the
/// checkpoint.
Resumption take_up(CLI::App& command, TrainOptions& options);

/// Writes a run's checkpoints.
class Checkpoints {
 public:
  Checkpoints(std::string path, Interval every, Settings settings);
  /// Behind a step: writes one when it is time.
  void after_step(const FitJob& job);
  /// Writes one now. Where that fails it is said, once, and the one from before stays; returns whether there
  /// is a new one.
  bool write(const FitJob& job);
  /// "A checkpoint is in run.safetensors. To go on: neurona train --resume run.safetensors"; empty where none
  /// was written.
  std::string how_to_go_on() const;

 private:
  std::string path_;
  Interval every_;
  std::string settings_;
  std::int64_t last_batch_ = -1;
  double last_ms_;
  bool has_written_ = false, has_failed_ = false;
};

}  // namespace neurona::cli
