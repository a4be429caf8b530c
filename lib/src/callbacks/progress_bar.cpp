// The format is that of keras.utils.Progbar in TensorFlow 2.0, unit "sample".
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ostream>

#include "neurona/callback.hpp"
#include "neurona/job.hpp"

namespace neurona {

namespace {

constexpr int kBarWidth = 30;

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

}  // namespace

std::string format_metric(double value) { return std::abs(value) > 1e-3 ? format("%.4f", value) : format("%.4e", value); }

std::string progress_line(std::int64_t done, std::int64_t total, double seconds, const Logs& logs) {
  const std::string goal = std::to_string(total), count = std::to_string(done);
  std::string line(goal.size() > count.size() ? goal.size() - count.size() : 0, ' ');
  line += count + "/" + goal + " [";
  const auto filled = static_cast<int>(total > 0 ? kBarWidth * std::min(done, total) / total : kBarWidth);
  if (filled > 0) {
    line.append(static_cast<std::size_t>(filled - 1), '=');
    line += done < total ? '>' : '=';
  }
  line.append(static_cast<std::size_t>(kBarWidth - filled), '.');
  line += "]";
  const double each = done > 0 ? seconds / static_cast<double>(done) : 0.0;
  if (done < total)
    line += " - ETA: " + eta(each * static_cast<double>(total - done));
  else
    line += format(" - %.0fs ", seconds) + per_sample(each);
  for (const auto& [name, value] : logs) line += " - " + name + ": " + format_metric(value);
  return line;
}

ProgressBar::ProgressBar(Sink sink, ProgressBarOptions options) : sink_(std::move(sink)), options_(options) {}

ProgressBar::ProgressBar(std::ostream& stream, ProgressBarOptions options)
    : ProgressBar([&stream](std::string_view text) { stream << text << std::flush; }, options) {}

void ProgressBar::on_train_begin(TrainingContext& context) {
  std::string line = "Train on " + std::to_string(context.samples) + " samples";
  if (context.validation_samples > 0) line += ", validate on " + std::to_string(context.validation_samples) + " samples";
  sink_(line + "\n");
}

void ProgressBar::on_epoch_begin(TrainingContext& context, std::int64_t epoch) {
  sink_("Epoch " + std::to_string(epoch + 1) + "/" + std::to_string(context.epochs) + "\n");
  epoch_start_ms_ = now_ms();
  last_draw_ms_ = 0.0;
  last_length_ = 0;
}

void ProgressBar::on_batch_end(TrainingContext& context, std::int64_t, const Logs& logs) {
  const double now = now_ms();
  if (!options_.redraw || now - last_draw_ms_ < options_.min_interval_ms) return;
  last_draw_ms_ = now;
  draw(progress_line(context.samples_done, context.samples, (now - epoch_start_ms_) / 1e3, logs), false);
}

void ProgressBar::on_epoch_end(TrainingContext& context, std::int64_t, const Logs& logs) {
  draw(progress_line(context.samples, context.samples, (now_ms() - epoch_start_ms_) / 1e3, logs), true);
}

void ProgressBar::draw(std::string line, bool finished) {
  const std::size_t length = line.size();
  if (length < last_length_) line.append(last_length_ - length, ' ');
  last_length_ = length;
  sink_((options_.redraw ? "\r" : "") + line + (finished ? "\n" : ""));
}

}  // namespace neurona
