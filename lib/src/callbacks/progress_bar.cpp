// The format is that of keras.utils.Progbar in TensorFlow 2.0, unit "sample".
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iterator>
#include <limits>
#include <ostream>
#include <utility>
#include <vector>

#include "neurona/callback.hpp"
#include "neurona/job.hpp"

namespace neurona {

namespace {

constexpr int kBarWidth = 30, kShortestBar = 5;

template <class... Args>
std::string format(const char* pattern, Args... args) {
  char text[96];
  std::snprintf(text, sizeof text, pattern, args...);
  return text;
}

std::string eta(double seconds) {
  const auto s = static_cast<long long>(seconds);
  if (s > 3600) return format("%lld:%02lld:%02lld", s / 3600, s % 3600 / 60, s % 60);
  if (s > 60) return format("%lld:%02lld", s / 60, s % 60);
  return format("%llds", s);
}

std::string per_sample(double seconds) {
  if (seconds >= 1.0) return format("%.0fs/sample", seconds);
  if (seconds >= 1e-3) return format("%.0fms/sample", seconds * 1e3);
  return format("%.0fus/sample", seconds * 1e6);
}

std::string bar(std::int64_t done, std::int64_t total, int width) {
  const auto filled = static_cast<int>(total > 0 ? width * std::min(done, total) / total : width);
  std::string text = "[";
  if (filled > 0) text += std::string(static_cast<std::size_t>(filled - 1), '=') + (done < total ? '>' : '=');
  return text + std::string(static_cast<std::size_t>(width - filled), '.') + "]";
}

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += part;
  return text;
}

// The parts on as many lines as they take, those behind the first indented.
std::string broken(std::string text, const std::vector<std::string>& parts, std::int64_t room) {
  std::int64_t used = std::ssize(text);
  for (const std::string& part : parts) {
    if (used + std::ssize(part) > room) {
      text += "\n   ";
      used = 3;
    }
    text += part;
    used += std::ssize(part);
  }
  return text;
}

}  // namespace

std::string format_metric(double value) { return std::abs(value) > 1e-3 ? format("%.4f", value) : format("%.4e", value); }

std::string progress_line(std::int64_t done, std::int64_t total, double seconds, const Logs& logs, int columns, bool is_last) {
  const std::string goal = std::to_string(total), number = std::to_string(done);
  const std::string count = std::string(goal.size() > number.size() ? goal.size() - number.size() : 0, ' ') + number + "/" + goal;
  const double each = done > 0 ? seconds / static_cast<double>(done) : 0.0;
  const std::string time = done < total ? " - ETA: " + eta(each * static_cast<double>(total - done))
                                        : format(" - %.0fs ", seconds) + per_sample(each);
  std::vector<std::string> metrics;
  for (const auto& [name, value] : logs) metrics.push_back(" - " + name + ": " + format_metric(value));

  const auto length = [](const std::vector<std::string>& parts) {
    std::size_t sum = 0;
    for (const std::string& part : parts) sum += part.size();
    return static_cast<std::int64_t>(sum);
  };
  constexpr std::int64_t kAroundBar = 3;  // a space and the brackets
  const std::int64_t room = columns > 0 ? columns : std::numeric_limits<int>::max();
  const std::int64_t bar_room = room - std::ssize(count) - kAroundBar - std::ssize(time) - length(metrics);
  if (bar_room >= kShortestBar) return count + " " + bar(done, total, static_cast<int>(std::min<std::int64_t>(bar_room, kBarWidth))) + time + joined(metrics);
  if (is_last) {
    std::vector<std::string> parts{" " + bar(done, total, kShortestBar), time};
    parts.insert(parts.end(), metrics.begin(), metrics.end());
    return broken(count, parts, room);
  }
  const auto fits = [&](const std::string& line) { return std::ssize(line) <= room; };
  if (const std::string line = count + time + joined(metrics); fits(line)) return line;
  while (!metrics.empty() && !fits(count + joined(metrics))) metrics.pop_back();
  const std::string line = count + joined(metrics);
  return line.substr(0, static_cast<std::size_t>(room));
}

ProgressBar::ProgressBar(Sink sink, ProgressBarOptions options) : sink_(std::move(sink)), options_(std::move(options)) {}

ProgressBar::ProgressBar(std::ostream& stream, ProgressBarOptions options)
    : ProgressBar([&stream](std::string_view text) { stream << text << std::flush; }, std::move(options)) {}

// A line that fills the last column can make a terminal go to the next one.
int ProgressBar::columns() const {
  const int columns = options_.redraw && options_.columns ? options_.columns() : 0;
  return columns > 1 ? columns - 1 : columns;
}

void ProgressBar::on_train_begin(TrainingContext& context) {
  epoch_ = -1;
  std::string line = "Train on " + std::to_string(context.samples) + " samples";
  if (context.validation_samples > 0) line += ", validate on " + std::to_string(context.validation_samples) + " samples";
  sink_(line + "\n");
}

void ProgressBar::on_epoch_begin(TrainingContext& context, std::int64_t epoch) {
  sink_("Epoch " + std::to_string(epoch + 1) + "/" + std::to_string(context.epochs) + "\n");
  epoch_ = epoch;
  epoch_start_ms_ = now_ms();
  last_draw_ms_ = 0.0;
  last_length_ = 0;
}

void ProgressBar::on_batch_end(TrainingContext& context, std::int64_t, const Logs& logs) {
  const double now = now_ms();
  if (!options_.redraw || now - last_draw_ms_ < options_.min_interval_ms) return;
  last_draw_ms_ = now;
  draw(progress_line(context.samples_done, context.samples, (now - epoch_start_ms_) / 1e3, logs, columns()), false);
}

void ProgressBar::on_epoch_end(TrainingContext& context, std::int64_t, const Logs& logs) {
  draw(progress_line(context.samples, context.samples, (now_ms() - epoch_start_ms_) / 1e3, logs, columns(), true), true);
  epoch_ = -1;
}

void ProgressBar::draw(std::string line, bool finished) {
  const std::size_t length = std::min(line.size(), line.find('\n'));
  // What the line before leaves is blanked, but not behind the edge of a terminal that was made narrower meanwhile.
  std::size_t blanked = last_length_;
  if (const int most = columns(); most > 0) blanked = std::min(blanked, static_cast<std::size_t>(most));
  if (length < blanked) line.insert(length, blanked - length, ' ');
  last_length_ = length;
  sink_((options_.redraw ? "\r" : "") + line + (finished ? "\n" : ""));
}

CallbackState ProgressBar::save_state() const {
  CallbackState state{.kind = "ProgressBar"};
  state.values.set("epoch", epoch_);
  state.values.set("elapsed_ms", epoch_ < 0 ? 0.0 : now_ms() - epoch_start_ms_);
  return state;
}

void ProgressBar::restore_state(TrainingContext& context, const CallbackState& state) {
  const std::int64_t epoch = state.values.integer("epoch");
  const double elapsed_ms = state.values.number("elapsed_ms");
  epoch_ = -1;
  if (epoch < 0) return;
  on_epoch_begin(context, epoch);
  epoch_start_ms_ -= elapsed_ms;
}

}  // namespace neurona
