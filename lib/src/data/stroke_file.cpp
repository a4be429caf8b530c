// Digits as strokes in a file: one JSON object a line.
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string_view>

#include "neurona/data/idx.hpp"
#include "neurona/data/strokes.hpp"
#include "neurona/error.hpp"

namespace neurona::data {

namespace {

using Json = nlohmann::json;

constexpr std::int64_t kMaxBytes = std::int64_t{256} << 20;
constexpr std::size_t kMaxLine = std::size_t{1} << 20;
constexpr std::size_t kMaxStrokes = 64;
constexpr std::size_t kMaxPoints = 20000;
constexpr std::size_t kMaxWriter = 256;

Point point_of(const Json& json) {
  if (!json.is_array() || json.size() != 2 || !json[0].is_number() || !json[1].is_number())
    throw FormatError("a point is " + json.dump().substr(0, 40) + "; expected [x, y]");
  const Point p{json[0].get<float>(), json[1].get<float>()};
  if (!std::isfinite(p.x) || !std::isfinite(p.y)) throw FormatError("a coordinate is too large for a number of 32 bits");
  return p;
}

Strokes strokes_of(const Json& json) {
  if (!json.is_array()) throw FormatError("\"strokes\" is not a list");
  if (json.size() > kMaxStrokes)
    throw FormatError(std::to_string(json.size()) + " strokes; at most " + std::to_string(kMaxStrokes) + " are read");
  Strokes strokes;
  std::size_t points = 0;
  for (const Json& one : json) {
    if (!one.is_array()) throw FormatError("a stroke is not a list of points");
    points += one.size();
    if (points > kMaxPoints) throw FormatError("more than " + std::to_string(kMaxPoints) + " points");
    Stroke& stroke = strokes.emplace_back();
    stroke.reserve(one.size());
    for (const Json& point : one) stroke.push_back(point_of(point));
  }
  return strokes;
}

LabeledStrokes digit_of(std::string_view line) {
  if (line.size() > kMaxLine) throw FormatError(std::to_string(line.size()) + " bytes; at most " + std::to_string(kMaxLine) + " are read");
  // Nested deeper than strokes are: a parser that recurses would run out of stack before it could say so.
  const auto too_deep = [](int depth, Json::parse_event_t event, Json&) {
    if (depth > 4 && event != Json::parse_event_t::value) throw FormatError("nested more deeply than strokes are");
    return true;
  };
  Json json;
  try {
    json = Json::parse(line, too_deep);
  } catch (const Json::exception& error) {
    throw FormatError(std::string("no JSON: ") + error.what());
  }
  if (!json.is_object()) throw FormatError("expected an object {\"writer\", \"label\", \"strokes\"}");
  for (const char* name : {"writer", "label", "strokes"})
    if (!json.contains(name)) throw FormatError(std::string("\"") + name + "\" is missing");
  const Json& label = json["label"];
  if (!label.is_number_unsigned() || label.get<std::uint64_t>() > 9)
    throw FormatError("label " + label.dump().substr(0, 40) + "; labels from 0 to 9 were expected");
  if (!json["writer"].is_string() || json["writer"].get_ref<const std::string&>().size() > kMaxWriter)
    throw FormatError("\"writer\" is not a text of at most " + std::to_string(kMaxWriter) + " bytes");
  return {json["writer"].get<std::string>(), label.get<std::uint8_t>(), strokes_of(json["strokes"])};
}

}  // namespace

std::vector<LabeledStrokes> read_strokes(std::span<const std::uint8_t> bytes) {
  std::vector<std::uint8_t> unpacked;
  if (is_gzip(bytes)) bytes = unpacked = gunzip(bytes, kMaxBytes, "strokes");
  std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  std::vector<LabeledStrokes> digits;
  for (std::int64_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    try {
      digits.push_back(digit_of(line));
    } catch (const FormatError& error) {
      throw FormatError("strokes, line " + std::to_string(number) + ": " + error.what() + ".");
    }
  }
  return digits;
}

std::vector<LabeledStrokes> read_strokes(const std::filesystem::path& file) {
  std::error_code error;
  if (std::filesystem::is_directory(file, error)) throw IoError(file.string() + ": it is a folder; a file of strokes was expected.");
  std::ifstream stream(file, std::ios::binary | std::ios::ate);
  const std::streamoff size = stream ? static_cast<std::streamoff>(stream.tellg()) : -1;
  if (size < 0) throw IoError(file.string() + ": cannot be read.\n  Does it exist, and may it be read?");
  if (size > kMaxBytes) throw FormatError(file.string() + ": " + std::to_string(size) + " bytes; at most " + std::to_string(kMaxBytes) + " are read.");
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(size));
  stream.seekg(0);
  if (!stream.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size))) throw IoError(file.string() + ": reading failed.");
  return read_strokes(bytes);
}

}  // namespace neurona::data
