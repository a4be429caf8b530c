#include <zlib.h>

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_JPEG
#define STBI_ONLY_PNG
#define STBI_ONLY_BMP
#define STBI_ONLY_GIF
#define STBI_NO_STDIO
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#ifdef __clang__
// stb_image 2.27 (2.28 does not) shifts by 32 and more in JPEGs that were cut short: wrong bits for pixels that are not there, no more.
#pragma clang attribute push(__attribute__((no_sanitize("shift"))), apply_to = function)
#endif
#include <stb/stb_image.h>
#ifdef __clang__
#pragma clang attribute pop
#endif
#pragma GCC diagnostic pop

#include <array>
#include <fstream>
#include <memory>

#include "core/byte_order.hpp"
#include "image/exif.hpp"
#include "image/other_formats.hpp"
#include "image/segments.hpp"
#include "neurona/error.hpp"
#include "neurona/image.hpp"

namespace neurona {

namespace {

using image::Bytes;

constexpr std::size_t kMaxFileBytes = std::size_t{256} << 20;
constexpr std::size_t kPngSize = 16;  // where a PNG has its width and height
constexpr std::uint32_t kImageHeader = 0x49484452, kImageData = 0x49444154;  // IHDR, IDAT

// Bytes of a PNG's unpacked rows, each with its filter; what Adam7's seven passes add at most is added. 0:
// its header is wrong.
std::uint64_t unpacked_bytes(Bytes header) {
  constexpr std::array<std::uint64_t, 7> kChannels = {1, 0, 3, 1, 2, 0, 4};
  if (header.size() < 13 || header[9] >= kChannels.size()) return 0;
  const std::uint64_t width = big_endian(header, 0, 4), height = big_endian(header, 4, 4);
  const std::uint64_t row = (width * header[8] * kChannels[header[9]] + 7) / 8 + 1;
  return row * height + (header[12] != 0 ? 15 * (height + 8) + row * 8 : 0);
}

// stb_image unpacks whatever a PNG holds, though it is a thousand times as large as its pixels: count before.
bool png_unpacks_to_its_size(Bytes bytes) {
  std::uint64_t left = 0;
  z_stream stream{};
  if (inflateInit(&stream) != Z_OK) return false;
  const std::unique_ptr<z_stream, decltype(&inflateEnd)> end(&stream, &inflateEnd);
  bool good = true;
  std::array<std::uint8_t, 1 << 15> scratch;
  image::for_png_chunks(bytes, [&](std::uint32_t type, Bytes payload) {
    if (type == kImageHeader) left = unpacked_bytes(payload);
    if (type != kImageData) return true;
    stream.next_in = const_cast<Bytef*>(payload.data());  // zlib's interface is older than const
    stream.avail_in = static_cast<uInt>(payload.size());
    while (good && stream.avail_in > 0) {
      stream.next_out = scratch.data();
      stream.avail_out = scratch.size();
      const int status = inflate(&stream, Z_NO_FLUSH);
      const std::uint64_t made = scratch.size() - stream.avail_out;
      good = (status == Z_OK || status == Z_STREAM_END) && made <= left;
      left -= made;
      if (status == Z_STREAM_END) break;
    }
    return good;
  });
  return good;
}

// stb_image writes behind its tables where a JPEG claims more than 256 codes: ITU T.81, B.2.4.2.
bool has_sound_code_tables(Bytes jpeg) {
  constexpr std::uint8_t kHuffmanTables = 0xc4;
  constexpr std::size_t kLengths = 16, kMostCodes = 256;
  bool good = true;
  image::for_jpeg_segments(jpeg, [&](std::uint8_t marker, Bytes tables) {
    while (good && marker == kHuffmanTables && !tables.empty()) {
      std::size_t codes = 0;
      good = tables.size() > kLengths;
      for (std::size_t i = 1; good && i <= kLengths; ++i) codes += tables[i];
      good = good && codes <= kMostCodes && tables.size() >= 1 + kLengths + codes;
      if (good) tables = tables.subspan(1 + kLengths + codes);
    }
    return good;
  });
  return good;
}

// stb_image fills up what a cut file lacks.
bool is_cut_short(Bytes bytes) {
  if (image::is_jpeg(bytes))
    return !image::for_jpeg_segments(bytes, [](std::uint8_t, Bytes) { return true; });
  if (image::is_png(bytes)) return !image::for_png_chunks(bytes, [](std::uint32_t, Bytes) { return true; });
  if (image::is_gif(bytes)) return !image::gif_has_first_image(bytes);
  return image::is_bmp(bytes) && !image::bmp_has_its_rows(bytes);
}

// EXIF's orientations: 2 to 4 mirror and turn within the same sides, 5 to 8 exchange the sides.
Image upright(Image image, int orientation) {
  if (orientation == 1) return image;
  const bool exchange = orientation >= 5;
  const bool from_right = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool from_bottom = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  Image turned{exchange ? image.width : image.height, exchange ? image.height : image.width,
               std::vector<std::uint8_t>(image.pixels.size())};
  std::uint8_t* to = turned.pixels.data();
  for (std::int64_t y = 0; y < turned.height; ++y)
    for (std::int64_t x = 0; x < turned.width; ++x, to += 3) {
      const std::int64_t column = exchange ? y : x, row = exchange ? x : y;
      const std::int64_t from = (from_bottom ? image.height - 1 - row : row) * image.width +
                                (from_right ? image.width - 1 - column : column);
      for (std::int64_t c = 0; c < 3; ++c) to[c] = image.pixels[static_cast<std::size_t>(from * 3 + c)];
    }
  return turned;
}

constexpr int kWhite = 255;

// Pixels of red, green, blue and alpha over an even gray.
std::vector<std::uint8_t> laid_over(const unsigned char* from, std::size_t count, int ground) {
  std::vector<std::uint8_t> pixels(count * 3);
  for (std::uint8_t* to = pixels.data(); to != pixels.data() + pixels.size(); to += 3, from += 4) {
    const int alpha = from[3];
    for (int c = 0; c < 3; ++c) to[c] = static_cast<std::uint8_t>((from[c] * alpha + ground * (255 - alpha) + 127) / 255);
  }
  return pixels;
}

// Where what can be seen is all of one brightness, the opposite of it; else what most of it is, so that the transparent part is more of the
// same paper.
int contrasting_ground(const unsigned char* pixels, std::size_t count) {
  std::array<double, 256> levels{};
  double total = 0.0;
  for (std::size_t i = 0; i < count; ++i) {
    const unsigned char* p = pixels + i * 4;
    levels[static_cast<std::size_t>((p[0] * 299 + p[1] * 587 + p[2] * 114) / 1000)] += p[3];
    total += p[3];
  }
  const auto level_at = [&](double share) {
    double sum = 0.0;
    for (int level = 0; level < 255; ++level)
      if ((sum += levels[static_cast<std::size_t>(level)]) >= share * total) return level;
    return 255;
  };
  constexpr int kEven = 64;
  const int middle = level_at(0.5);
  if (level_at(0.97) - level_at(0.03) > kEven) return middle;
  return middle < 128 ? kWhite : 0;
}

}  // namespace

void image::check_size(std::int64_t width, std::int64_t height, const std::string& name) {
  const std::string size = std::to_string(width) + "x" + std::to_string(height);
  if (width <= 0 || height <= 0) throw FormatError("'" + name + "' has no pixels: it is " + size + ".");
  if (height > kMaxImagePixels / width)
    throw FormatError("'" + name + "' is " + size + "; images of up to " + std::to_string(kMaxImagePixels / 1'000'000) + " million pixels are read.");
}

Image decode_image(std::span<const std::uint8_t> bytes, const std::string& name, Ground ground) {
  const auto refused = [&](const std::string& why) {
    return FormatError("'" + name + "' is no image that can be read (" + why +
                       "). JPEG, PNG, BMP, GIF, WebP, TIFF, PBM, PGM and PPM can.");
  };
  if (bytes.empty()) throw refused("it is empty");
  if (bytes.size() > kMaxFileBytes) throw refused("it has more than 256 MiB");
  if (image::is_pnm(bytes)) return image::decode_pnm(bytes, name);
  if (image::is_webp(bytes) || image::is_tiff(bytes)) {
    const image::Rgba other = image::is_webp(bytes) ? image::decode_webp(bytes, name) : image::decode_tiff(bytes, name);
    const std::size_t count = other.pixels.size() / 4;
    return {other.height, other.width,
            laid_over(other.pixels.data(), count, ground == Ground::contrasting ? contrasting_ground(other.pixels.data(), count) : kWhite)};
  }
  // stb_image takes fill bytes for the beginning of a JPEG, whose checks below would then be missed.
  if (bytes[0] == 0xff && !image::is_jpeg(bytes)) throw refused("it begins like a JPEG and is none");
  const auto count = static_cast<int>(bytes.size());
  std::int64_t width = 0, height = 0;
  // stb_image calls a PNG that is too large for it no image.
  if (image::is_png(bytes) && bytes.size() >= kPngSize + 8) {
    width = big_endian(bytes, kPngSize, 4), height = big_endian(bytes, kPngSize + 4, 4);
    image::check_size(width, height, name);
  }
  if (is_cut_short(bytes))
    throw FormatError("'" + name + "' is cut short: its end is missing. Copy or download it again.");
  if (image::is_jpeg(bytes) && !has_sound_code_tables(bytes))
    throw FormatError("'" + name + "' is damaged: its Huffman tables are wrong.");
  int columns = 0, rows = 0, channels = 0;
  if (!stbi_info_from_memory(bytes.data(), count, &columns, &rows, &channels))
    throw refused(stbi_failure_reason());
  width = columns, height = rows;
  image::check_size(width, height, name);
  if (image::is_png(bytes) && !png_unpacks_to_its_size(bytes))
    throw FormatError("'" + name + "' is damaged: it does not unpack to " + std::to_string(width) + "x" + std::to_string(height) + ".");
  const bool has_alpha = channels == 2 || channels == 4;
  const std::unique_ptr<unsigned char, decltype(&stbi_image_free)> pixels(
      stbi_load_from_memory(bytes.data(), count, &columns, &rows, &channels, has_alpha ? 4 : 3), &stbi_image_free);
  if (!pixels) throw FormatError("'" + name + "' is damaged: " + stbi_failure_reason() + ".");
  const auto values = static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3;
  Image image{height, width, {}};
  if (has_alpha)
    image.pixels = laid_over(pixels.get(), values / 3, ground == Ground::contrasting ? contrasting_ground(pixels.get(), values / 3) : kWhite);
  else
    image.pixels.assign(pixels.get(), pixels.get() + values);
  return upright(std::move(image), image::orientation(bytes));
}

Image read_image(const std::filesystem::path& path, Ground ground) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error))
    throw IoError("Cannot read the image '" + path.string() + "': it is a folder.");
  std::ifstream file(path, std::ios::binary);
  if (!file)
    throw IoError("Cannot read the image '" + path.string() + "': it does not exist or may not be read.");
  std::vector<std::uint8_t> bytes;
  constexpr std::size_t kPiece = std::size_t{1} << 16;
  while (file && bytes.size() <= kMaxFileBytes) {  // pipes and devices do not tell their size
    bytes.resize(bytes.size() + kPiece);
    file.read(reinterpret_cast<char*>(bytes.data() + bytes.size() - kPiece), kPiece);
    bytes.resize(bytes.size() - kPiece + static_cast<std::size_t>(file.gcount()));
  }
  return decode_image(bytes, path.string(), ground);
}

}  // namespace neurona
