#include "neurona/data/strokes.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <limits>

#include "neurona/error.hpp"
#include "support/files.hpp"

using namespace neurona;
using namespace neurona::data;

namespace {

// What another rounding of the same sums may change; the header promises no more.
constexpr int kOneGrayLevel = 1;

Strokes seven() { return {{{0, 0}, {60, 2}, {25, 100}}, {{10, 50}, {50, 48}}}; }

Strokes moved(Strokes strokes, float dx, float dy, float scale) {
  for (Stroke& stroke : strokes)
    for (Point& p : stroke) p = {p.x * scale + dx, p.y * scale + dy};
  return strokes;
}

int largest_difference(const DigitImage& a, const DigitImage& b) {
  int largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(int{a[i]} - int{b[i]}));
  return largest;
}

// The ink: where it lies, how far it reaches.
struct Ink {
  double mass = 0.0, x = 0.0, y = 0.0;
  int left = kDigitSide, right = -1, top = kDigitSide, bottom = -1;  // of pixels at least half covered

  explicit Ink(const DigitImage& image) {
    for (int py = 0; py < kDigitSide; ++py)
      for (int px = 0; px < kDigitSide; ++px) {
        const int value = image[static_cast<std::size_t>(py * kDigitSide + px)];
        mass += value, x += value * px, y += value * py;
        if (value < 128) continue;
        left = std::min(left, px), right = std::max(right, px), top = std::min(top, py),
        bottom = std::max(bottom, py);
      }
    x /= mass, y /= mass;
  }
  int longer_side() const { return std::max(right - left, bottom - top) + 1; }
};

}  // namespace

TEST_CASE("A drawing's ink is scaled into 20x20 and its center of mass comes to pixel 14, as in MNIST") {
  const Ink ink(prepare_digit(seven()));
  CHECK(std::abs(ink.longer_side() - 20) <= 1);
  CHECK(std::abs(ink.x - 14.0) < 0.1);
  CHECK(std::abs(ink.y - 14.0) < 0.1);
  // The box keeps the drawing's aspect: 60 wide, 100 high.
  CHECK(std::abs((ink.right - ink.left + 1) - 20 * 0.62) < 2.0);
}

TEST_CASE("Neither where nor how large somebody drew changes the image") {
  const DigitImage image = prepare_digit(seven());
  for (float scale : {0.01f, 0.5f, 4.0f, 1000.0f})
    for (float dx : {-700.0f, 0.0f, 12.5f}) {
      CAPTURE(scale);
      CAPTURE(dx);
      CHECK(largest_difference(image, prepare_digit(moved(seven(), dx * scale, -3 * dx * scale, scale))) <=
            kOneGrayLevel);
    }
}

TEST_CASE("How densely a stroke was sampled changes the image little") {
  Strokes dense;
  for (const Stroke& stroke : seven()) {
    Stroke& fine = dense.emplace_back();
    for (std::size_t i = 0; i + 1 < stroke.size(); ++i)
      for (int s = 0; s <= 200; ++s) {
        const float t = static_cast<float>(s) / 200;
        fine.push_back({stroke[i].x + t * (stroke[i + 1].x - stroke[i].x),
                        stroke[i].y + t * (stroke[i + 1].y - stroke[i].y)});
      }
  }
  // Points nearer than 0.12 pixels to the last one are left out, which may cut a corner by as much: 0.12 *
  // 255 gray levels.
  CHECK(largest_difference(prepare_digit(seven()), prepare_digit(dense)) <= 31);
}

TEST_CASE("A thicker pen gives more ink within the same box") {
  double before = 0.0;
  for (float thickness : {1.0f, 2.0f, 4.0f}) {
    CAPTURE(thickness);
    const Ink ink(prepare_digit(seven(), {.thickness = thickness}));
    CHECK(std::abs(ink.longer_side() - 20) <= 1);
    CHECK(ink.mass > 1.5 * before);
    before = ink.mass;
  }
}

TEST_CASE("Nothing drawn gives a black image, one point a dot in the middle") {
  CHECK(prepare_digit({}) == DigitImage{});
  CHECK(prepare_digit({{}, {}}) == DigitImage{});
  const Ink dot(prepare_digit({{{3, 4}}}));
  CHECK(dot.longer_side() <= 4);
  CHECK(std::abs(dot.x - 14.0) < 0.1);
  CHECK(std::abs(dot.y - 14.0) < 0.1);
  const Strokes scribble = {{{0, 0}, {0.5f, 1}}};
  CHECK(Ink(prepare_digit(scribble, {.tap_size = 2.0f})).longer_side() <= 4);
  CHECK(Ink(prepare_digit(scribble)).longer_side() >= 19);
}

TEST_CASE("Points that are not finite are left out, extreme ones do no harm") {
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  Strokes strokes = seven();
  strokes[0].insert(strokes[0].begin() + 1, {{nan, 5}, {inf, -inf}, {3, nan}});
  strokes.push_back({{nan, nan}});
  CHECK(prepare_digit(strokes) == prepare_digit(seven()));
  const float huge = std::numeric_limits<float>::max();
  CHECK(Ink(prepare_digit({{{-huge, -huge}, {huge, huge}}})).mass > 0.0);
}

TEST_CASE("Options of prepare_digit out of their range are refused") {
  CHECK_THROWS_WITH_AS(prepare_digit(seven(), {.thickness = 0.4f}),
                       doctest::Contains("prepare_digit: thickness 0.4"), ValueError);
  CHECK_THROWS_AS(prepare_digit(seven(), {.softness = std::numeric_limits<float>::quiet_NaN()}), ValueError);
  CHECK_THROWS_AS(prepare_digit(seven(), {.box = 29.0f}), ValueError);
}

TEST_CASE("A distortion depends on the random numbers alone, and none leaves the drawing as it was") {
  Rng a(3), b(3), c(4);
  const DigitImage first = prepare_digit(distort(seven(), a)), same = prepare_digit(distort(seven(), b));
  CHECK(first == same);
  CHECK(largest_difference(first, prepare_digit(distort(seven(), a))) > 50);
  CHECK(largest_difference(first, prepare_digit(distort(seven(), c))) > 50);
  const DistortOptions none{.rotation = 0, .shear = 0, .aspect = 0, .elastic = 0, .jitter = 0};
  CHECK(largest_difference(prepare_digit(seven()), prepare_digit(distort(seven(), a, none))) <=
        kOneGrayLevel);
  CHECK_THROWS_AS(distort(seven(), a, {.shear = -1.0f}), ValueError);
  CHECK_THROWS_AS(distort(seven(), a, {.elastic_cells = 9}), ValueError);
}

TEST_CASE("Strokes are read from JSON lines, plain and gzip-compressed; empty lines do not count") {
  const test::Bytes file = test::bytes_of(
      "{\"writer\": \"anna\", \"label\": 7, \"strokes\": [[[0, 1], [2.5, -3]], [[4, 4]]]}\r\n"
      "\n  \t\n"
      "{\"label\": 0, \"strokes\": [], \"writer\": \"\", \"more\": [1, 2]}");
  for (const test::Bytes& bytes : {file, test::gzip(file)}) {
    const std::vector<LabeledStrokes> digits = read_strokes(bytes);
    REQUIRE(digits.size() == 2);
    CHECK(digits[0].writer == "anna");
    CHECK(digits[0].label == 7);
    REQUIRE(digits[0].strokes.size() == 2);
    CHECK(digits[0].strokes[0][1].x == 2.5f);
    CHECK(digits[0].strokes[0][1].y == -3.0f);
    CHECK(digits[1].label == 0);
    CHECK(digits[1].strokes.empty());
  }
  CHECK(read_strokes(std::span<const std::uint8_t>()).empty());
}

TEST_CASE("A bad line of strokes is refused with its number and what is wrong") {
  const auto refuses = [](const std::string& line, const char* text) {
    CAPTURE(line.substr(0, 100));
    const test::Bytes bytes =
        test::bytes_of("{\"writer\":\"a\",\"label\":1,\"strokes\":[]}\n\n" + line + "\n");
    CHECK_THROWS_WITH_AS(read_strokes(bytes), doctest::Contains("strokes, line 3: "), FormatError);
    CHECK_THROWS_WITH_AS(read_strokes(bytes), doctest::Contains(text), FormatError);
  };
  const auto digit = [](const std::string& label, const std::string& strokes) {
    return R"({"writer":"a","label":)" + label + R"(,"strokes":)" + strokes + "}";
  };
  refuses("{\"writer\":\"a\",\"la", "no JSON");
  refuses("not JSON at all", "no JSON");
  refuses(std::string("\0\0\0", 3), "no JSON");
  refuses("[1, 2]", "expected an object");
  refuses(R"({"writer":"a","strokes":[]})", "\"label\" is missing");
  refuses(digit("10", "[]"), "label 10; labels from 0 to 9 were expected");
  refuses(digit("-1", "[]"), "label -1");
  refuses(digit("1.5", "[]"), "label 1.5");
  refuses(digit("\"7\"", "[]"), "label \"7\"");
  refuses(digit("18446744073709551617", "[]"), "label 1.84467");
  refuses(digit("1", "7"), "\"strokes\" is not a list");
  refuses(digit("1", "[3]"), "a stroke is not a list of points");
  refuses(digit("1", "[[[1]]]"), "a point is [1]; expected [x, y]");
  refuses(digit("1", "[[[1,2,3]]]"), "expected [x, y]");
  refuses(digit("1", "[[[1,null]]]"), "expected [x, y]");
  refuses(digit("1", "[[[1,1e39]]]"), "a coordinate is too large");
  refuses(R"({"writer":7,"label":1,"strokes":[]})", "\"writer\" is not a text");
  refuses(R"({"writer":")" + std::string(257, 'a') + R"(","label":1,"strokes":[]})",
          "\"writer\" is not a text of at most 256 bytes");
  refuses("{\"writer\":\"\xff\xfe\",\"label\":1,\"strokes\":[]}", "no JSON");
  std::string many = "[[]";
  for (int i = 0; i < 64; ++i) many += ",[]";
  refuses(digit("1", many + "]"), "65 strokes; at most 64 are read");
  std::string points = "[[[0,0]";
  for (int i = 0; i < 20000; ++i) points += ",[0,0]";
  refuses(digit("1", points + "]]"), "more than 20000 points");
  refuses(digit("1", std::string(100000, '[')), "nested more deeply than strokes are");
  refuses(digit("1", std::string(1 << 20, ' ') + "[]"), "at most 1048576 are read");
}

TEST_CASE("A file of strokes that is cut short or missing is told") {
  test::TemporaryFolder folder;
  const test::Bytes packed = test::gzip(test::bytes_of("{\"writer\":\"a\",\"label\":1,\"strokes\":[]}\n"));
  test::write_file(folder / "cut.jsonl.gz", std::span(packed).first(packed.size() - 5));
  CHECK_THROWS_WITH_AS(read_strokes(folder / "cut.jsonl.gz"), doctest::Contains("cut short"), FormatError);
  CHECK_THROWS_WITH_AS(read_strokes(folder / "missing.jsonl"),
                       doctest::Contains("missing.jsonl: cannot be read"), IoError);
  CHECK_THROWS_WITH_AS(read_strokes(folder.path()), doctest::Contains("it is a folder"), IoError);
}

TEST_CASE("The pen-drawn digits of STROKES_DIR are read and prepared" *
          doctest::skip(test::lacks("STROKES_DIR"))) {
  const std::vector<LabeledStrokes> digits =
      read_strokes(std::filesystem::path(std::getenv("STROKES_DIR")) / "dev.jsonl.gz");
  REQUIRE(digits.size() > 100);
  int seen[10] = {};
  for (std::size_t i = 0; i < digits.size(); i += 10) {
    const DigitImage image = prepare_digit(digits[i].strokes);
    const Ink ink(image);
    CAPTURE(i);
    CHECK(ink.mass > 0.0);
    CHECK(std::abs(ink.longer_side() - 20) <= 1);
    ++seen[digits[i].label];
  }
  for (int count : seen) CHECK(count > 0);
}
