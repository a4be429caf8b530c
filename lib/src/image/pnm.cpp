// Netpbm's formats (netpbm.sourceforge.net/doc/pnm.html): P1 to P3 in ASCII, P4 to P6 binary; bitmaps, gray, color.
#include <cctype>

#include "image/other_formats.hpp"
#include "neurona/error.hpp"

namespace neurona::image {

namespace {

class Reader {
 public:
  Reader(Bytes bytes, const std::string& name) : bytes_(bytes), name_(name) {}

  FormatError wrong(const std::string& why) const {
    return FormatError("'" + name_ + "' is no image that can be read (" + why + "). It begins as a PBM, PGM or PPM.");
  }

  // The next number in ASCII; what stands before it may be space and, behind "#", comments.
  std::int64_t number(const char* what) {
    skip_space();
    constexpr std::size_t kMostDigits = 9;
    const std::size_t begin = at_;
    std::int64_t value = 0;
    while (at_ < bytes_.size() && std::isdigit(bytes_[at_]) != 0 && at_ - begin < kMostDigits) value = value * 10 + (bytes_[at_++] - '0');
    if (at_ == begin || (at_ < bytes_.size() && std::isdigit(bytes_[at_]) != 0)) throw wrong(at_ == bytes_.size() ? "its end is missing" : std::string("no ") + what + " where one should be");
    return value;
  }

  // A bitmap's digits need no space between them.
  int bit() {
    skip_space();
    if (at_ == bytes_.size()) throw wrong("its end is missing");
    const std::uint8_t c = bytes_[at_++];
    if (c != '0' && c != '1') throw wrong("a bitmap's pixel is neither 0 nor 1");
    return c - '0';
  }

  // Behind the header stands one space, then the pixels.
  Bytes data(std::uint64_t size) {
    if (at_ >= bytes_.size() || std::isspace(bytes_[at_]) == 0) throw wrong("its header is not complete");
    ++at_;
    if (bytes_.size() - at_ < size) throw wrong("its end is missing");
    return bytes_.subspan(at_, static_cast<std::size_t>(size));
  }

  std::size_t left() const { return bytes_.size() - at_; }
  void skip_magic() { at_ = 2; }

 private:
  void skip_space() {
    while (at_ < bytes_.size() && (std::isspace(bytes_[at_]) != 0 || bytes_[at_] == '#'))
      if (bytes_[at_] == '#')
        while (at_ < bytes_.size() && bytes_[at_] != '\n' && bytes_[at_] != '\r') ++at_;
      else
        ++at_;
  }

  Bytes bytes_;
  const std::string& name_;
  std::size_t at_ = 0;
};

}  // namespace

Image decode_pnm(Bytes bytes, const std::string& name) {
  Reader reader(bytes, name);
  reader.skip_magic();
  const int kind = bytes[1] - '0';
  const bool is_ascii = kind <= 3, is_bitmap = kind == 1 || kind == 4, is_color = kind == 3 || kind == 6;
  const std::int64_t width = reader.number("width"), height = reader.number("height"), largest = is_bitmap ? 1 : reader.number("largest value");
  check_size(width, height, name);
  if (largest < 1 || largest > 65535) throw reader.wrong("its values reach " + std::to_string(largest) + "; 1 to 65535 are read");
  const std::int64_t values = width * height * (is_color ? 3 : 1);
  const bool is_wide = largest > 255;
  // Each value in ASCII takes a byte or more: a file that is too short is found before memory is taken.
  if (is_ascii && reader.left() < static_cast<std::uint64_t>(values)) throw reader.wrong("its end is missing");
  const std::int64_t row_bytes = is_bitmap ? (width + 7) / 8 : width * (is_color ? 3 : 1) * (is_wide ? 2 : 1);
  const Bytes data = is_ascii ? Bytes() : reader.data(static_cast<std::uint64_t>(row_bytes * height));

  Image image{height, width, std::vector<std::uint8_t>(static_cast<std::size_t>(width * height * 3))};
  std::uint8_t* to = image.pixels.data();
  const std::int64_t in_row = width * (is_color ? 3 : 1);
  for (std::int64_t y = 0; y < height; ++y)
    for (std::int64_t i = 0; i < in_row; ++i) {
      std::int64_t value = 0;
      const std::uint8_t* row = is_ascii ? nullptr : data.data() + y * row_bytes;
      if (is_bitmap)
        value = 1 - (is_ascii ? reader.bit() : row[i / 8] >> (7 - i % 8) & 1);  // 1 is black
      else if (is_ascii)
        value = reader.number("value");
      else
        value = is_wide ? row[2 * i] * 256 + row[2 * i + 1] : row[i];
      if (value > largest) throw reader.wrong("a value of " + std::to_string(value) + " where " + std::to_string(largest) + " is the largest");
      const auto level = static_cast<std::uint8_t>((value * 255 + largest / 2) / largest);
      for (int c = 0; c < (is_color ? 1 : 3); ++c) *to++ = level;
    }
  return image;
}

}  // namespace neurona::image
