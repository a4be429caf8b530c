#include "neurona/data/image_folder.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "core/letter_case.hpp"
#include "data/mnist_files.hpp"
#include "data/unpack.hpp"
#include "neurona/data/idx.hpp"
#include "neurona/error.hpp"

namespace neurona::data {

namespace {

namespace fs = std::filesystem;
using neurona::detail::lower;

constexpr std::int64_t kMaxFileBytes = std::int64_t{1} << 30;
constexpr int kAnyLabel = 255;

// The four files of a set: training images and labels, test images and labels.
using Four = std::array<fs::path, 4>;

std::vector<fs::path> files_in(const fs::path& folder) {
  std::vector<fs::path> all;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) all.push_back(it->path());
  std::sort(all.begin(), all.end());
  return all;
}

// What a name says: of which set, training or test, images or labels. Nothing for other names.
struct Part {
  std::string set;
  std::size_t index;  // in Four
};
std::optional<Part> part_of(std::string name) {
  name = lower(name);
  if (name.ends_with(".gz")) name.resize(name.size() - 3);
  std::replace(name.begin(), name.end(), '.', '-');
  for (const auto& [ending, labels] : {std::pair("-images-idx3-ubyte", false), {"-labels-idx1-ubyte", true}}) {
    if (!name.ends_with(ending)) continue;
    name.resize(name.size() - std::string_view(ending).size());
    for (const auto& [split, test] : {std::pair("train", false), {"test", true}, {"t10k", true}}) {
      if (!name.ends_with(split)) continue;
      name.resize(name.size() - std::string_view(split).size());
      if (name.ends_with('-')) name.pop_back();
      return Part{name, (test ? 2u : 0u) + (labels ? 1u : 0u)};
    }
  }
  return std::nullopt;
}

// The IDX sets of a folder, by what stands before "train-"; a file may lie in a folder of its own name, or all in "gzip" (EMNIST).
std::map<std::string, Four> idx_sets(const fs::path& folder) {
  std::map<std::string, Four> sets;
  std::error_code error;
  const auto take = [&](const fs::path& path) {
    if (!fs::is_regular_file(path, error)) return;
    const std::optional<Part> part = part_of(path.filename().string());
    if (part && sets[part->set][part->index].empty()) sets[part->set][part->index] = path;
  };
  for (const fs::path& path : files_in(folder)) {
    take(path);
    if (!fs::is_directory(path, error)) continue;
    if (part_of(path.filename().string()) || path.filename() == "gzip" || path.filename() == "raw")
      for (const fs::path& inside : files_in(path)) take(inside);
  }
  return sets;
}

std::string listed(const std::map<std::string, Four>& sets) {
  std::string names;
  for (const auto& [name, files] : sets) names += (names.empty() ? "" : ", ") + name;
  return names;
}

// The set that is meant, or nothing where the folder has none. `wanted`: its name, or empty.
std::optional<Four> choose(const fs::path& folder, const std::string& wanted) {
  std::map<std::string, Four> sets = idx_sets(folder);
  if (sets.empty()) return std::nullopt;
  if (!wanted.empty() && !sets.contains(lower(wanted))) return std::nullopt;
  if (wanted.empty() && sets.size() > 1 && !sets.contains(""))
    throw IoError("'" + folder.string() + "' has several sets of data: " + listed(sets) + ". Name one behind the folder, as '" +
                  (folder / sets.begin()->first).string() + "'.");
  const auto& [name, files] = !wanted.empty() ? *sets.find(lower(wanted)) : sets.contains("") ? *sets.find("") : *sets.begin();
  for (std::size_t i = 0; i < files.size(); ++i)
    if (files[i].empty()) {
      std::string lacks(mnist_files()[i].name);
      if (!name.empty()) lacks = name + "-" + (i >= 2 ? "test" + lacks.substr(4) : lacks);
      throw IoError("'" + lacks + "' (or with .gz) is not in '" + folder.string() + "', which has others of its set.");
    }
  return files;
}

// --- CSV ---

struct Rows {
  ImageSet images;
  bool has_labels = true;
};

Rows read_csv(const fs::path& path) {
  const std::vector<std::uint8_t> bytes = read_data_file(path, kMaxFileBytes);
  const char* at = reinterpret_cast<const char*>(bytes.data());
  const char* const end = at + bytes.size();
  std::int64_t line = 1;
  const auto refuse = [&](const std::string& what) { return FormatError("'" + path.string() + "', line " + std::to_string(line) + ": " + what); };
  if (bytes.empty()) throw FormatError("'" + path.string() + "' is empty.");
  if (const std::string page = web_page(bytes); !page.empty()) throw FormatError("'" + path.string() + "' is " + page);
  Rows rows;
  std::size_t columns = 0;
  std::vector<std::uint8_t> values;
  for (; at < end; ++line) {
    const char* const stop = std::find(at, end, '\n');
    const char* last = stop;
    while (last > at && (last[-1] == '\r' || last[-1] == ' ')) --last;
    const char* const next = stop < end ? stop + 1 : end;
    if (last == at) {
      at = next;
      continue;
    }
    if (line == 1 && (*at < '0' || *at > '9')) {  // names of the columns
      const std::string first = lower(std::string_view(at, std::find(at, last, ',')));
      rows.has_labels = first.find("label") != std::string::npos || first.find("class") != std::string::npos;
      at = next;
      continue;
    }
    values.clear();
    while (at <= last) {
      unsigned value = 0;
      const auto [behind, problem] = std::from_chars(at, last, value);
      if (problem != std::errc() || value > 255 || (behind != last && *behind != ','))
        throw refuse("column " + std::to_string(values.size() + 1) + " is no whole number from 0 to 255.");
      values.push_back(static_cast<std::uint8_t>(value));
      at = behind + 1;
    }
    if (columns == 0) {
      columns = values.size();
      // Without names a side that is a whole number tells whether a label stands before the pixels.
      const auto is_square = [](std::size_t n) { const auto side = static_cast<std::size_t>(std::lround(std::sqrt(static_cast<double>(n)))); return n > 0 && side * side == n; };
      if (line == 1) rows.has_labels = is_square(columns - 1);
      const std::size_t pixels = columns - (rows.has_labels ? 1 : 0);
      if (!is_square(pixels)) throw refuse(std::to_string(pixels) + " pixels are no square image; MNIST's have 784.");
      rows.images.height = rows.images.width = static_cast<int>(std::lround(std::sqrt(static_cast<double>(pixels))));
    }
    if (values.size() != columns) throw refuse(std::to_string(values.size()) + " columns; the lines before have " + std::to_string(columns) + ". The file was cut short or is damaged.");
    const std::size_t skip = rows.has_labels ? 1 : 0;
    rows.images.pixels.insert(rows.images.pixels.end(), values.begin() + static_cast<std::ptrdiff_t>(skip), values.end());
    rows.images.labels.push_back(rows.has_labels ? values[0] : 0);
    at = next;
  }
  if (rows.images.labels.empty()) throw FormatError("'" + path.string() + "' has no images.");
  return rows;
}

ImageSet cut_off_tail(ImageSet& images, std::int64_t count) {
  const auto kept = static_cast<std::size_t>(images.size() - count);
  const auto pixels = static_cast<std::ptrdiff_t>(static_cast<std::int64_t>(kept) * images.pixels_per_image());
  ImageSet tail{.height = images.height, .width = images.width, .pixels = {images.pixels.begin() + pixels, images.pixels.end()},
                .labels = {images.labels.begin() + static_cast<std::ptrdiff_t>(kept), images.labels.end()}};
  images.pixels.resize(static_cast<std::size_t>(pixels));
  images.labels.resize(kept);
  return tail;
}

std::optional<Mnist> read_csv_folder(const fs::path& folder) {
  fs::path train, test;
  for (const fs::path& path : files_in(folder)) {
    const std::string name = lower(path.filename().string());
    if (!name.ends_with(".csv")) continue;
    if (name.find("train") != std::string::npos && train.empty()) train = path;
    if (name.find("test") != std::string::npos && test.empty()) test = path;
  }
  if (train.empty()) return std::nullopt;
  Mnist data;
  Rows rows = read_csv(train);
  if (!rows.has_labels) throw FormatError("'" + train.string() + "' has no column of labels; its first line should begin with 'label'.");
  data.train = std::move(rows.images);
  std::optional<Rows> judged;
  if (!test.empty()) judged = read_csv(test);
  if (judged && judged->has_labels) {
    data.test = std::move(judged->images);
  } else {
    constexpr std::int64_t kShare = 7;  // as MNIST: 10,000 of 70,000
    data.test = cut_off_tail(data.train, std::max<std::int64_t>(data.train.size() / kShare, 1));
    data.notes.push_back((test.empty() ? "There is no CSV file with 'test' in its name" : "'" + test.filename().string() + "' has no labels") +
                         std::string(": the last ") + std::to_string(data.test.size()) + " images of '" + train.filename().string() +
                         "' serve as test images.");
  }
  return data;
}

// --- labels and names ---

std::vector<std::string> lines_of(const fs::path& path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  constexpr std::size_t kMost = 1000, kLongest = 200;
  for (std::string line; lines.size() < kMost && std::getline(file, line);) {
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (!line.empty()) lines.push_back(line.substr(0, kLongest));
  }
  return lines;
}

// EMNIST's mapping: a line for each label with the character codes of what it stands for.
std::map<int, std::string> read_mapping(const fs::path& path) {
  std::map<int, std::string> names;
  for (const std::string& line : lines_of(path)) {
    std::istringstream numbers(line);
    int label = 0, code = 0;
    if (!(numbers >> label)) continue;
    while (numbers >> code)
      if (code > 32 && code < 127) names[label] += static_cast<char>(code);
  }
  return names;
}

std::vector<std::string> class_names(const fs::path& folder, const std::string& set, const std::vector<int>& labels) {
  std::vector<std::string> names;
  for (const int label : labels) names.push_back(std::to_string(label));
  for (const fs::path& path : files_in(folder)) {
    const std::string name = lower(path.filename().string());
    if (name.ends_with("mapping.txt") && name.starts_with(set)) {
      const std::map<int, std::string> mapping = read_mapping(path);
      for (std::size_t i = 0; i < labels.size(); ++i)
        if (const auto found = mapping.find(labels[i]); found != mapping.end()) names[i] = found->second;
      return names;
    }
    if (name == "classes.txt" || name == "labels.txt")
      if (const std::vector<std::string> lines = lines_of(path); lines.size() == labels.size()) return lines;
  }
  return names;
}

// The labels that occur become 0, 1, ...; returns what they were.
std::vector<int> count_labels(Mnist& data, const std::string& test_name) {
  const std::set<int> found(data.train.labels.begin(), data.train.labels.end());
  const std::vector<int> labels(found.begin(), found.end());
  std::array<int, 256> place;
  place.fill(-1);
  for (std::size_t i = 0; i < labels.size(); ++i) place[static_cast<std::size_t>(labels[i])] = static_cast<int>(i);
  for (std::uint8_t& label : data.train.labels) label = static_cast<std::uint8_t>(place[label]);
  for (std::uint8_t& label : data.test.labels) {
    if (place[label] < 0) throw FormatError("'" + test_name + "' has label " + std::to_string(label) + ", which no training image has. Do the files belong together?");
    label = static_cast<std::uint8_t>(place[label]);
  }
  return labels;
}

void set_upright(ImageSet& set) {
  if (set.height != set.width) return;
  const auto side = static_cast<std::size_t>(set.height);
  for (std::size_t i = 0; i < set.labels.size(); ++i) {
    std::uint8_t* image = set.pixels.data() + i * side * side;
    for (std::size_t y = 0; y < side; ++y)
      for (std::size_t x = 0; x < y; ++x) std::swap(image[y * side + x], image[x * side + y]);
  }
}

// Which of the four files are MNIST's own.
struct Verified {
  Mnist data;
  std::array<bool, 4> is_mnists{};
};

Verified read_idx(const Four& files, const std::function<void(const Progress&)>& on_progress) {
  Verified result;
  for (const bool test : {false, true}) {
    std::vector<std::uint8_t> plain[2];
    for (std::size_t i = 0; i < 2; ++i) {
      const std::size_t index = (test ? 2 : 0) + i;
      if (on_progress) on_progress({.done = static_cast<std::int64_t>(index), .total = 4, .unit = "files", .detail = "reading " + files[index].filename().string()});
      Unpacked file = unpack_and_hash(read_data_file(files[index], kMaxFileBytes), kMaxFileBytes, files[index].string());
      plain[i] = std::move(file.plain);
      result.is_mnists[index] = file.sha256 == mnist_files()[index].sha256;
    }
    (test ? result.data.test : result.data.train) =
        read_idx_pair(std::move(plain[0]), plain[1], {.name = files[test ? 2 : 0].string(), .max_label = kAnyLabel},
                      {.name = files[test ? 3 : 1].string(), .max_label = kAnyLabel});
  }
  return result;
}

}  // namespace

Mnist read_image_folder(const fs::path& given, const std::function<void(const Progress&)>& on_progress) {
  std::error_code error;
  const bool is_folder = fs::is_directory(given, error);
  // "data/emnist-letters": of the sets in "data", that one.
  const fs::path folder = is_folder ? given : given.parent_path().empty() ? fs::path(".") : given.parent_path();
  const std::string wanted = is_folder ? "" : given.filename().string();
  if (fs::is_regular_file(given, error))
    throw IoError("'" + given.string() + "' is a file; --data takes the folder with the four files, or CSV files, of MNIST's form.");
  Mnist data;
  std::string test_name, set;
  if (const std::optional<Four> files = choose(folder, wanted)) {
    Verified read = read_idx(*files, on_progress);
    data = std::move(read.data);
    const auto of_mnist = std::count(read.is_mnists.begin(), read.is_mnists.end(), true);
    data.is_mnist = of_mnist == 4;
    for (std::size_t i = 0; i < 4 && of_mnist == 3; ++i)
      if (!read.is_mnists[i])
        throw FormatError("'" + (*files)[i].string() + "' is not MNIST's file, though the three others are: its SHA-256 differs. It is damaged; download it again.");
    test_name = (*files)[3].string();
    set = part_of((*files)[0].filename().string())->set;
    if (set.starts_with("emnist")) {
      set_upright(data.train), set_upright(data.test);
      data.notes.push_back("EMNIST's images lie on their side; they were set upright.");
    }
  } else if (std::optional<Mnist> csv = wanted.empty() ? read_csv_folder(folder) : std::nullopt) {
    data = std::move(*csv);
    data.is_mnist = false;
    test_name = "the test file";
  } else if (!is_folder) {
    throw IoError("There is no folder '" + given.string() + "'.");
  } else {
    throw IoError("MNIST: '" + std::string(mnist_files()[0].name) + "' (or with .gz) is not in '" + given.string() +
                  "'. Put the four files there, of MNIST or of other data in its formats (also emnist-...-ubyte, or train.csv and test.csv).");
  }
  data.source = given.string();
  if (data.is_mnist) return data;
  const std::vector<int> labels = count_labels(data, test_name);
  data.class_names = class_names(folder, set, labels);
  std::string names;
  for (const std::string& name : data.class_names) names += (names.empty() ? "" : ", ") + name;
  data.notes.push_back("These are not MNIST's digits, but other data in its format: " + std::to_string(data.train.size()) + " training and " +
                       std::to_string(data.test.size()) + " test images of " + std::to_string(data.train.height) + "x" +
                       std::to_string(data.train.width) + " in " + std::to_string(labels.size()) + " classes (" + names + ").");
  return data;
}

}  // namespace neurona::data
