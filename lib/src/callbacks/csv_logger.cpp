#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <span>
#include <sstream>

#include "core/number_text.hpp"
#include "core/whole_file.hpp"
#include "neurona/callback.hpp"
#include "neurona/error.hpp"
#include "neurona/formats.hpp"

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

// The file's first bytes, which earlier runs wrote, then the text; at once, so that whoever is killed meanwhile loses no line.
void set_back(const std::filesystem::path& path, std::int64_t bytes_before, const std::string& text) {
  remove_leftovers(path);
  std::ifstream old(path, std::ios::binary);
  const std::string content{std::istreambuf_iterator<char>(old), {}};
  const std::string whole = content.substr(0, static_cast<std::size_t>(std::clamp<std::int64_t>(bytes_before, 0, std::ssize(content)))) + text;
  if (whole == content && std::filesystem::exists(path)) return;
  detail::TemporaryFile file(detail::behind_links(path));
  file.write(std::as_bytes(std::span(whole)));
  file.put_in_place();
}

}  // namespace

CSVLogger::CSVLogger(CSVLoggerOptions options) : options_(std::move(options)) {
  if (options_.filename.empty() && !options_.write) throw ValueError("CSVLogger: filename is empty; it names the file to write.");
  if (options_.separator.empty()) throw ValueError("CSVLogger: separator is empty; \",\" is usual.");
}

void CSVLogger::on_train_begin(TrainingContext& context) {
  names_.clear();
  written_.clear();
  bytes_before_ = 0;
  std::error_code error;
  if (!options_.write && std::filesystem::exists(options_.filename, error) && !std::filesystem::is_regular_file(options_.filename, error))
    stream_ = std::make_shared<std::ofstream>(options_.filename, std::ios::binary | std::ios::app);
  if (options_.append && !stream_ && !options_.write && std::filesystem::exists(options_.filename, error))
    bytes_before_ = static_cast<std::int64_t>(std::filesystem::file_size(options_.filename, error));
  if (!options_.append && !context.continues) write("", true);
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
  lines += "\n";
  write(lines, false);
  written_ += lines;
}

CallbackState CSVLogger::save_state() const {
  CallbackState state{.kind = "CSVLogger"};
  state.options.set("separator", options_.separator);
  state.options.set("append", options_.append);
  state.values.set("bytes_before", bytes_before_);
  state.values.set("written", written_);
  std::string names;
  for (const std::string& name : names_) names += name + "\n";
  state.values.set("names", names);
  return state;
}

void CSVLogger::restore_state(TrainingContext&, const CallbackState& state) {
  const std::int64_t before = state.values.integer("bytes_before");
  std::string written = state.values.text("written"), names = state.values.text("names");
  if (!options_.write && !stream_) set_back(options_.filename, before, written);
  names_.clear();
  std::istringstream lines(names);
  for (std::string name; std::getline(lines, name);) names_.push_back(name);
  bytes_before_ = before;
  written_ = std::move(written);
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
