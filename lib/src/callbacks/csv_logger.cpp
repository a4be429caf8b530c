#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "core/number_text.hpp"
#include "neurona/callback.hpp"
#include "neurona/error.hpp"

namespace neurona {

namespace {

// Empty when there is no such file, or nothing in it.
std::string first_line(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

}  // namespace

CSVLogger::CSVLogger(CSVLoggerOptions options) : options_(std::move(options)) {
  if (options_.filename.empty() && !options_.write) throw ValueError("CSVLogger: filename is empty; it names the file to write.");
  if (options_.separator.empty()) throw ValueError("CSVLogger: separator is empty; \",\" is usual.");
}

void CSVLogger::on_train_begin(TrainingContext&) {
  names_.clear();
  std::error_code error;
  if (!options_.write && std::filesystem::exists(options_.filename, error) && !std::filesystem::is_regular_file(options_.filename, error))
    stream_ = std::make_shared<std::ofstream>(options_.filename, std::ios::binary | std::ios::app);
  if (!options_.append) write("", true);
}

void CSVLogger::on_epoch_end(TrainingContext&, std::int64_t epoch, const Logs& logs) {
  std::string lines;
  if (names_.empty()) {
    for (const auto& [name, value] : logs) names_.push_back(name);
    std::sort(names_.begin(), names_.end());
    std::string header = "epoch";
    for (const std::string& name : names_) header += options_.separator + name;
    const std::string there = options_.write || stream_ ? "" : first_line(options_.filename);
    if (there.empty())
      lines = header + "\n";
    else if (there != header)
      throw ValueError("CSVLogger: '" + options_.filename.string() + "' begins with '" + there + "', this run has '" +
                       header + "'.\n  Give another file, or leave append out to begin it anew.");
  }
  lines += std::to_string(epoch);
  for (const std::string& name : names_) {
    const std::optional<double> value = find_log(logs, name);
    lines += options_.separator + (value ? detail::shortest_text(*value) : "NA");
  }
  write(lines + "\n", false);
}

void CSVLogger::write(const std::string& text, bool anew) {
  if (options_.write) return options_.write(text);
  if (stream_) {
    *stream_ << text << std::flush;
    if (!*stream_) throw IoError("CSVLogger: cannot write '" + options_.filename.string() + "': " + std::strerror(errno) + ".");
    return;
  }
  std::ofstream file(options_.filename, std::ios::binary | (anew ? std::ios::trunc : std::ios::app));
  file << text;
  file.close();
  if (!file)
    throw IoError("CSVLogger: cannot write '" + options_.filename.string() + "': " + std::strerror(errno) + ".");
}

}  // namespace neurona
