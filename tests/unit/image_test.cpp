#include "neurona/image.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "neurona/error.hpp"
#include "neurona/random.hpp"
#include "support/files.hpp"
#include "support/png.hpp"

using namespace neurona;
using Bytes = std::vector<std::uint8_t>;

namespace {

// 16x8, left half red, right half blue, EXIF's orientation 1; made with Pillow 9.4.
const Bytes kJpeg = {
    0xff, 0xd8, 0xff, 0xe0, 0x00, 0x10, 0x4a, 0x46, 0x49, 0x46, 0x00, 0x01, 0x01, 0x00, 0x00, 0x01, 0x00,
    0x01, 0x00, 0x00, 0xff, 0xe1, 0x00, 0x22, 0x45, 0x78, 0x69, 0x66, 0x00, 0x00, 0x49, 0x49, 0x2a, 0x00,
    0x08, 0x00, 0x00, 0x00, 0x01, 0x00, 0x12, 0x01, 0x03, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0xff, 0xdb, 0x00, 0x43, 0x00, 0x03, 0x02, 0x02, 0x03, 0x02, 0x02, 0x03,
    0x03, 0x03, 0x03, 0x04, 0x03, 0x03, 0x04, 0x05, 0x08, 0x05, 0x05, 0x04, 0x04, 0x05, 0x0a, 0x07, 0x07,
    0x06, 0x08, 0x0c, 0x0a, 0x0c, 0x0c, 0x0b, 0x0a, 0x0b, 0x0b, 0x0d, 0x0e, 0x12, 0x10, 0x0d, 0x0e, 0x11,
    0x0e, 0x0b, 0x0b, 0x10, 0x16, 0x10, 0x11, 0x13, 0x14, 0x15, 0x15, 0x15, 0x0c, 0x0f, 0x17, 0x18, 0x16,
    0x14, 0x18, 0x12, 0x14, 0x15, 0x14, 0xff, 0xdb, 0x00, 0x43, 0x01, 0x03, 0x04, 0x04, 0x05, 0x04, 0x05,
    0x09, 0x05, 0x05, 0x09, 0x14, 0x0d, 0x0b, 0x0d, 0x14, 0x14, 0x14, 0x14, 0x14, 0x14, 0x14, 0x14, 0x14,
    0x14, 0x14, 0x14, 0x14, 0x14, 0x14, 0x14, 0x14, 0x14, 0x14, 0x14, 0x14, 0x14, 0x14, 0x14, 0x14, 0x14,
    0x14, 0x14, 0x14, 0x14, 0x14, 0x14, 0x14, 0x14, 0x14, 0x14, 0x14, 0x14, 0x14, 0x14, 0x14, 0x14, 0x14,
    0x14, 0x14, 0x14, 0x14, 0x14, 0x14, 0x14, 0xff, 0xc0, 0x00, 0x11, 0x08, 0x00, 0x08, 0x00, 0x10, 0x03,
    0x01, 0x11, 0x00, 0x02, 0x11, 0x01, 0x03, 0x11, 0x01, 0xff, 0xc4, 0x00, 0x14, 0x00, 0x01, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x07, 0xff, 0xc4, 0x00,
    0x14, 0x10, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0xff, 0xc4, 0x00, 0x15, 0x01, 0x01, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x09, 0x07, 0xff, 0xc4, 0x00, 0x14, 0x11, 0x01, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xff, 0xda, 0x00, 0x0c,
    0x03, 0x01, 0x00, 0x02, 0x11, 0x03, 0x11, 0x00, 0x3f, 0x00, 0x1a, 0x49, 0x08, 0x58, 0x70, 0xb3, 0x0c,
    0x97, 0xff, 0xd9,
};
// 3x2, the upper row red, blue and red, the lower one blue, red and blue: 24 bits, rows of 12 bytes, the lower one first.
const Bytes kBmp = {
    'B', 'M', 78, 0, 0, 0, 0, 0, 0, 0, 54, 0, 0, 0,                                                 // size, place of the pixels
    40, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 24, 0, 0, 0, 0, 0, 24, 0, 0, 0,                      // width, height, bits
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    230, 30, 30, 30, 30, 230, 230, 30, 30, 0, 0, 0,
    30, 30, 230, 230, 30, 30, 30, 30, 230, 0, 0, 0,
};

// One red pixel: a table of two colors, a comment, codes of up to three bits: clear, 0, end.
const Bytes kGif = {
    'G', 'I', 'F', '8', '9', 'a', 1, 0, 1, 0, 0x80, 0, 0, 230, 30, 30, 30, 30, 230,
    0x21, 0xfe, 2, 'h', 'i', 0,
    0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 0x01, 0, 0x3b,
};
constexpr std::size_t kOrientation = 48;  // place of its low byte

struct Color {
  int red, green, blue;
};

bool is_near(const Image& image, std::int64_t y, std::int64_t x, Color color) {
  const std::uint8_t* pixel = image.pixels.data() + (y * image.width + x) * 3;
  constexpr int kTolerance = 6;  // JPEG's
  return std::abs(pixel[0] - color.red) <= kTolerance && std::abs(pixel[1] - color.green) <= kTolerance &&
         std::abs(pixel[2] - color.blue) <= kTolerance;
}

std::string error_of(const Bytes& bytes) {
  try {
    decode_image(bytes, "photo");
  } catch (const FormatError& e) {
    return e.what();
  }
  return "no error";
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

constexpr Color kRed{230, 30, 30}, kBlue{30, 30, 230};

}  // namespace

TEST_CASE("A JPEG is turned as its EXIF says") {
  // Where the left, red half comes to lie: at the left, right, top or bottom.
  struct Turn {
    std::uint8_t orientation;
    bool is_upright;  // 8 rows of 16
    bool red_first;   // red at the left or at the top
  };
  for (const Turn turn : {Turn{1, true, true},
                          {2, true, false},
                          {3, true, false},
                          {4, true, true},
                          {5, false, true},
                          {6, false, true},
                          {7, false, false},
                          {8, false, false},
                          {0, true, true},
                          {9, true, true}}) {
    CAPTURE(int(turn.orientation));
    Bytes bytes = kJpeg;
    bytes[kOrientation] = turn.orientation;
    const Image image = decode_image(bytes, "photo");
    CHECK(image.height == (turn.is_upright ? 8 : 16));
    CHECK(image.width == (turn.is_upright ? 16 : 8));
    REQUIRE(image.pixels.size() == 16 * 8 * 3);
    CHECK(is_near(image, 0, 0, turn.red_first ? kRed : kBlue));
    CHECK(is_near(image, image.height - 1, image.width - 1, turn.red_first ? kBlue : kRed));
    CHECK(is_near(image, turn.is_upright ? 7 : 0, turn.is_upright ? 0 : 7, turn.red_first ? kRed : kBlue));
  }
}

TEST_CASE("Mirrored and turned pictures are told apart, pixel by pixel") {
  // 1 2 3
  // 4 5 6
  const Bytes pixels = {1, 2, 3, 4, 5, 6};
  const std::vector<std::pair<std::uint8_t, Bytes>> turned = {
      {1, {1, 2, 3, 4, 5, 6}}, {2, {3, 2, 1, 6, 5, 4}}, {3, {6, 5, 4, 3, 2, 1}}, {4, {4, 5, 6, 1, 2, 3}},
      {5, {1, 4, 2, 5, 3, 6}}, {6, {4, 1, 5, 2, 6, 3}}, {7, {6, 3, 5, 2, 4, 1}}, {8, {3, 6, 2, 5, 1, 4}}};
  for (const bool little : {true, false})
    for (const auto& [orientation, expected] : turned) {
      CAPTURE(int(orientation));
      const Bytes tiff =
          little ? Bytes{'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0}
                 : Bytes{'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0};
      const Image image =
          decode_image(test::make_png({.width = 3, .height = 2, .color = 0}, pixels, 3, tiff), "photo");
      CHECK(image.width == (orientation < 5 ? 3 : 2));
      Bytes gray;
      for (std::size_t i = 0; i < image.pixels.size(); i += 3) gray.push_back(image.pixels[i]);
      CHECK(gray == expected);
    }
}

TEST_CASE("Gray, 16 bits and transparency become 8-bit RGB over white") {
  CHECK(decode_image(test::make_png({.width = 2, .color = 0}, {0, 200}, 2), "gray").pixels ==
        Bytes{0, 0, 0, 200, 200, 200});
  CHECK(decode_image(test::make_png({.depth = 16}, {0x12, 0x34, 0xab, 0xcd, 0xff, 0x00}, 6), "deep").pixels ==
        Bytes{0x12, 0xab, 0xff});
  CHECK(decode_image(test::make_png({.width = 2, .color = 4}, {100, 255, 100, 0}, 4), "gray and alpha")
            .pixels == Bytes{100, 100, 100, 255, 255, 255});
  CHECK(decode_image(test::make_png({.color = 6}, {0, 100, 200, 51}, 4), "alpha").pixels ==
        Bytes{204, 224, 244});
}

TEST_CASE("Netpbm's formats are read, ASCII and binary, of 1, 8 and 16 bits") {
  using namespace std::string_literals;
  const auto pixels = [](const std::string& text) { return decode_image(Bytes(text.begin(), text.end()), "pnm").pixels; };
  const Bytes gray{7, 7, 7, 255, 255, 255};
  CHECK(pixels("P5 2 1 255\n\x07\xff") == gray);
  CHECK(pixels("P2\n# by hand\n2 1\n# largest\n255\n7   255\n") == gray);
  CHECK(pixels("P2 2 1 65535 1799 65535") == gray);
  CHECK(pixels("P5 2 1 65535\n\x07\x07\xff\xff"s) == gray);
  CHECK(pixels("P5 2 1 1000\n\x00\x1b\x03\xe8"s) == gray);  // 27 of 1000
  CHECK(pixels("P3 1 2 255 255 0 9 0 128 255") == Bytes{255, 0, 9, 0, 128, 255});
  CHECK(pixels("P6 1 2 255\n\xff\x00\x09\x00\x80\xff"s) == Bytes{255, 0, 9, 0, 128, 255});
  CHECK(pixels("P6 1 1 65535\n\xff\xff\x00\x00\x09\x09"s) == Bytes{255, 0, 9});
  CHECK(pixels("P1 3 1\n101") == Bytes{0, 0, 0, 255, 255, 255, 0, 0, 0});  // 1 is black
  CHECK(pixels("P1 3 1\n1 0 1") == Bytes{0, 0, 0, 255, 255, 255, 0, 0, 0});
  CHECK(pixels("P4 3 2\n\xa0\x40"s).size() == 18);
  CHECK(pixels("P4 3 1\n\xa0") == Bytes{0, 0, 0, 255, 255, 255, 0, 0, 0});
}

TEST_CASE("What is transparent lies over white, or over what makes the drawing stand out") {
  const auto over = [](const Bytes& rgba, std::uint32_t width) {
    return decode_image(test::make_png({.width = width, .color = 6}, rgba, width * 4), "drawing", Ground::contrasting).pixels;
  };
  const Bytes white_ink{255, 255, 255, 255, 0, 0, 0, 0, 255, 255, 255, 128}, black_ink{0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 0, 128};
  CHECK(over(white_ink, 3) == Bytes{255, 255, 255, 0, 0, 0, 128, 128, 128});
  CHECK(over(black_ink, 3) == Bytes{0, 0, 0, 255, 255, 255, 127, 127, 127});
  // Ink on paper that ends: beyond it is more paper.
  CHECK(over({230, 230, 230, 255, 230, 230, 230, 255, 230, 230, 230, 255, 20, 20, 20, 255, 0, 0, 0, 0}, 5) ==
        Bytes{230, 230, 230, 230, 230, 230, 230, 230, 230, 20, 20, 20, 230, 230, 230});
}

TEST_CASE("A PNG that is written is read again, and a place that cannot be written is told") {
  const test::TemporaryFolder folder;
  const Image image{2, 3, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 255}};
  write_png(image, folder / "a.png");
  const Image again = read_image(folder / "a.png");
  CHECK(again.pixels == image.pixels);
  CHECK(again.width == 3);
  CHECK_THROWS_AS(write_png(image, folder / "no/such/a.png"), IoError);
  CHECK_THROWS_AS(write_png({2, 3, {1}}, folder / "b.png"), ValueError);
}

TEST_CASE("Pictures that are cut, damaged, empty or too large are refused before they cost memory") {
  for (std::size_t length = 1; length < kJpeg.size(); ++length) {
    CAPTURE(length);
    CHECK_THROWS_AS(decode_image(std::span(kJpeg).first(length), "photo"), FormatError);
  }
  CHECK(has(error_of(Bytes(kJpeg.begin(), kJpeg.end() - 2)), "'photo' is cut short"));
  CHECK(has(error_of({}), "'photo' is no image that can be read (it is empty)"));
  CHECK(has(error_of({'h', 'e', 'l', 'l', 'o'}), "is no image that can be read"));
  const Bytes good = test::make_png({.width = 40, .height = 30}, Bytes(40 * 30 * 3, 9), 120);
  for (std::size_t length = 8; length < good.size() - 12; ++length) {  // without IEND
    CAPTURE(length);
    CHECK_THROWS_AS(decode_image(std::span(good).first(length), "photo"), FormatError);
  }
  CHECK(has(error_of(test::make_png({.width = 0}, {0, 0, 0}, 3)), "photo"));
  CHECK(error_of(test::make_png({.width = 30000, .height = 30000}, {0, 0, 0}, 3)) ==
        "'photo' is 30000x30000; images of up to 100 million pixels are read.");
  // One pixel, and 20 MB packed behind it.
  CHECK(has(error_of(test::make_png({}, Bytes(20'000'000), 20'000'000)), "does not unpack to 1x1"));
  for (const auto& [text, wrong] : std::vector<std::pair<std::string, std::string>>{
           {"P5 2 1 65536\n1234", "its values reach 65536"}, {"P5 2 1 0\n12", "its values reach 0"}, {"P5 2 2 255\n123", "its end is missing"},
           {"P6 1 1 255\n12", "its end is missing"}, {"P5 99999999999 1 255\n1", "no width where one should be"}, {"P5 2 255\n12", "its header is not complete"},
           {"P5", "its end is missing"}, {"P6 30000 30000 255\n1", "30000x30000"}, {"P5 0 3 255\n", "has no pixels"}, {"P2 3 1 255 1 2", "its end is missing"},
           {"P2 2 1 255 1 256", "a value of 256 where 255 is the largest"}, {"P2 1 1 255 -1", "no value where one should be"}, {"P1 4 1 1021", "neither 0 nor 1"},
           {"P1 9 9 1", "its end is missing"}, {"P4 9 2\n123", "its end is missing"}, {"P5 1 1 65535\n1", "its end is missing"}, {"P2 10000 10000 255 1", "its end is missing"}})
    CHECK_MESSAGE(has(error_of(Bytes(text.begin(), text.end())), wrong), text, ": ", error_of(Bytes(text.begin(), text.end())));
  CHECK_THROWS_AS(read_image("no such picture.png"), IoError);
  CHECK_THROWS_AS(read_image("."), IoError);
}

TEST_CASE("BMP and GIF pictures are read whole or refused") {
  const Image bmp = decode_image(kBmp, "photo");
  REQUIRE(bmp.width == 3);
  REQUIRE(bmp.height == 2);
  for (std::int64_t x = 0; x < 3; ++x) {
    CHECK(is_near(bmp, 0, x, x == 1 ? kBlue : kRed));
    CHECK(is_near(bmp, 1, x, x == 1 ? kRed : kBlue));
  }
  const Image gif = decode_image(kGif, "photo");
  CHECK(gif.width == 1);
  CHECK(is_near(gif, 0, 0, kRed));

  // The last three bytes of the BMP fill its row up, the last one of the GIF says that nothing follows.
  const std::pair<const Bytes&, std::size_t> files[] = {{kBmp, 3}, {kGif, 1}};
  for (const auto& [good, spare] : files) {
    CHECK_NOTHROW(decode_image(std::span(good).first(good.size() - spare), "photo"));
    for (std::size_t length = 1; length < good.size() - spare; ++length) {
      CAPTURE(length);
      CHECK_THROWS_AS(decode_image(std::span(good).first(length), "photo"), FormatError);
    }
    CHECK(has(error_of(Bytes(good.begin(), good.end() - static_cast<std::ptrdiff_t>(spare) - 1)), "'photo' is cut short"));
  }
  Bytes tall = kBmp;  // as many rows as 32 bits can say, upside down
  tall[22] = 0, tall[25] = 0x80;
  CHECK_THROWS_AS(decode_image(tall, "photo"), FormatError);
}

TEST_CASE("Flipped bytes never do more than change the picture") {
  Rng rng(3);
  const Bytes png = test::make_png({.width = 9, .height = 7, .color = 6}, Bytes(9 * 7 * 4, 77), 36);
  int decoded = 0;
  for (const Bytes& good : {kJpeg, png, kBmp, kGif})
    for (int i = 0; i < 2000; ++i) {
      Bytes bytes = good;
      for (std::uint32_t flips = 1 + rng.below(3); flips > 0; --flips)
        bytes[rng.below(static_cast<std::uint32_t>(bytes.size()))] =
            static_cast<std::uint8_t>(rng.below(256));
      try {
        const Image image = decode_image(bytes, "photo");
        CHECK(static_cast<std::int64_t>(image.pixels.size()) == image.width * image.height * 3);
        ++decoded;
      } catch (const FormatError&) {
      }
    }
  CHECK(decoded > 0);
}

TEST_CASE("resize_with_pad: a triangle as wide as the scale, margins of zeros") {
  // Independent: the same in NumPy, in float64, as matrices.
  Image image{5, 11, Bytes(5 * 11 * 3)};
  for (int y = 0; y < 5; ++y)
    for (int x = 0; x < 11; ++x)
      for (int c = 0; c < 3; ++c)
        image.pixels[static_cast<std::size_t>((y * 11 + x) * 3 + c)] =
            static_cast<std::uint8_t>((37 * y + 53 * x + 91 * c + x * y % 7 * 11) % 256);
  const Tensor small = resize_with_pad(image, 6, 6);
  CHECK(small.shape() == Shape{6, 6, 3});
  const double expected[2][3][3] = {
      {{74.4026, 146.4519, 126.7403}, {125.8537, 112.1264, 115.4279}, {98.7675, 138.9, 115.1987}},
      {{144.5416, 149.7649, 92.1519}, {184.5953, 86.8592, 128.4756}, {139.6974, 190.1364, 84.6481}}};
  const int columns[] = {0, 3, 5};
  for (int y = 0; y < 2; ++y)
    for (int i = 0; i < 3; ++i)
      for (int c = 0; c < 3; ++c)
        CHECK(small.at(((y + 1) * 6 + columns[i]) * 3 + c) ==
              doctest::Approx(expected[y][i][c]).epsilon(1e-5));
  for (const int row : {0, 3, 4, 5})
    for (int i = 0; i < 18; ++i) CHECK(small.at(row * 18 + i) == 0.0);

  // By hand: 4 pixels to 2, each a mean with weights 3, 3, 1 (of 7).
  const Image ramp{1, 4, {0, 0, 0, 10, 10, 10, 20, 20, 20, 30, 30, 30}};
  const Tensor halved = resize_with_pad(ramp, 1, 2);
  CHECK(halved.at(0) == doctest::Approx((0 * 3 + 10 * 3 + 20 * 1) / 7.0));
  CHECK(halved.at(3) == doctest::Approx((10 * 1 + 20 * 3 + 30 * 3) / 7.0));
  // Without antialiasing: between the two nearest.
  CHECK(resize_with_pad(ramp, 1, 2, false).at(0) == doctest::Approx(5.0));
  // Twice as large: quarters between neighbors, the border repeated.
  const Tensor doubled = resize_with_pad(ramp, 2, 8);
  for (int row = 0; row < 2; ++row) {
    CHECK(doubled.at(row * 24) == doctest::Approx(0.0));
    CHECK(doubled.at(row * 24 + 3) == doctest::Approx(2.5));
    CHECK(doubled.at(row * 24 + 6) == doctest::Approx(7.5));
    CHECK(doubled.at(row * 24 + 21) == doctest::Approx(30.0));
  }
}

TEST_CASE("resize_with_pad: sizes and margins as TensorFlow's, whatever the shape") {
  struct Case {
    std::int64_t width, height, top, left, rows, columns;
  };
  // 1200x800 into 224x224: 149.33 rows, of which 149 stay, below floor(37.33). 333 / (333 / 224) is 223.99998
  // in float32.
  for (const Case& c : {Case{1200, 800, 37, 0, 149, 224},
                        {800, 1200, 0, 37, 224, 149},
                        {224, 224, 0, 0, 224, 224},
                        {100, 100, 0, 0, 224, 224},
                        {333, 17, 106, 0, 11, 223},
                        {1, 1000, 0, 111, 224, 1},
                        {5000, 3, 111, 0, 1, 224}}) {
    CAPTURE(c.width);
    CAPTURE(c.height);
    const Tensor result = resize_with_pad(
        {c.height, c.width, Bytes(static_cast<std::size_t>(c.width * c.height * 3), 80)}, 224, 224);
    for (std::int64_t y = 0; y < 224; ++y)
      for (std::int64_t x = 0; x < 224; ++x) {
        const bool inside = y >= c.top && y < c.top + c.rows && x >= c.left && x < c.left + c.columns;
        const double value = result.at((y * 224 + x) * 3);
        if (std::abs(value - (inside ? 80.0 : 0.0)) > 1e-3) FAIL_CHECK("(", y, ", ", x, ") is ", value);
      }
  }
  CHECK_THROWS_AS(resize_with_pad({1, 1, {0, 0, 0}}, 0, 3), ValueError);
  CHECK_THROWS_AS(resize_with_pad({0, 5, {}}, 2, 2), ValueError);
  CHECK_THROWS_AS(resize_with_pad({2, 2, {1, 2, 3}}, 2, 2), ValueError);
}

TEST_CASE("preprocess_input: BGR less the mean color") {
  Tensor photo({2, 1, 3}, std::vector<float>{10, 20, 30, 255, 0, 1});
  preprocess_input(photo);
  const double expected[] = {30 - 103.939, 20 - 116.779, 10 - 123.68, 1 - 103.939, 0 - 116.779, 255 - 123.68};
  for (int i = 0; i < 6; ++i) CHECK(photo.at(i) == doctest::Approx(expected[i]));
  Tensor gray({2, 2});
  CHECK_THROWS_AS(preprocess_input(gray), ShapeError);
}
