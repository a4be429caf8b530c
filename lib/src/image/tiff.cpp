#include <tiffio.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>

#include "image/other_formats.hpp"
#include "neurona/error.hpp"

namespace neurona::image {

namespace {

// A file in memory, as libtiff asks for it.
struct Memory {
  Bytes bytes;
  toff_t at = 0;
};

tmsize_t read(thandle_t handle, void* to, tmsize_t size) {
  Memory& file = *static_cast<Memory*>(handle);
  const toff_t left = file.at < file.bytes.size() ? file.bytes.size() - file.at : 0;
  const toff_t count = std::min<toff_t>(left, static_cast<toff_t>(std::max<tmsize_t>(size, 0)));
  if (count > 0) std::memcpy(to, file.bytes.data() + file.at, static_cast<std::size_t>(count));
  file.at += count;
  return static_cast<tmsize_t>(count);
}

tmsize_t refuse_to_write(thandle_t, void*, tmsize_t) { return 0; }

toff_t seek(thandle_t handle, toff_t offset, int from) {
  Memory& file = *static_cast<Memory*>(handle);
  file.at = offset + (from == SEEK_CUR ? file.at : from == SEEK_END ? static_cast<toff_t>(file.bytes.size()) : 0);
  return file.at;
}

int close(thandle_t) { return 0; }

// It would print them. 1: handled.
int keep_message(TIFF*, void* to, const char*, const char* format, va_list arguments) {
  char text[200];
  std::vsnprintf(text, sizeof text, format, arguments);
  if (std::string& kept = *static_cast<std::string*>(to); kept.empty()) kept = text;
  return 1;
}
int ignore_message(TIFF*, void*, const char*, const char*, va_list) { return 1; }

constexpr tmsize_t kMostMemory = tmsize_t{1} << 29;  // at a time, whatever a file claims: 100 megapixels packed have 400 MB
toff_t size(thandle_t handle) { return static_cast<toff_t>(static_cast<Memory*>(handle)->bytes.size()); }

}  // namespace

Rgba decode_tiff(Bytes bytes, const std::string& name) {
  std::string reason;
  const auto damaged = [&] {
    return FormatError("'" + name + "' is cut short or damaged, or a kind of TIFF that libtiff cannot show" + (reason.empty() ? "" : " (" + reason + ")") +
                       ". Copy it again, or save it as PNG.");
  };
  const std::unique_ptr<TIFFOpenOptions, decltype(&TIFFOpenOptionsFree)> options(TIFFOpenOptionsAlloc(), &TIFFOpenOptionsFree);
  TIFFOpenOptionsSetMaxSingleMemAlloc(options.get(), kMostMemory);
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), keep_message, &reason);
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), ignore_message, nullptr);
  Memory file{bytes};
  const std::unique_ptr<TIFF, decltype(&TIFFClose)> tiff(
      TIFFClientOpenExt(name.c_str(), "rm", &file, read, refuse_to_write, seek, close, size, nullptr, nullptr, options.get()), &TIFFClose);
  if (!tiff) throw damaged();
  std::uint32_t width = 0, height = 0;
  if (TIFFGetField(tiff.get(), TIFFTAG_IMAGEWIDTH, &width) != 1 || TIFFGetField(tiff.get(), TIFFTAG_IMAGELENGTH, &height) != 1) throw damaged();
  check_size(width, height, name);
  std::vector<std::uint32_t> packed(static_cast<std::size_t>(width) * height);
  constexpr int kStopAtErrors = 1;
  if (TIFFReadRGBAImageOriented(tiff.get(), width, height, packed.data(), ORIENTATION_TOPLEFT, kStopAtErrors) != 1) throw damaged();
  Rgba image{height, width, std::vector<std::uint8_t>(packed.size() * 4)};
  std::uint8_t* to = image.pixels.data();
  for (const std::uint32_t pixel : packed) {
    const std::uint32_t alpha = TIFFGetA(pixel);
    const auto plain = [&](std::uint32_t value) {  // they are multiplied by alpha
      return static_cast<std::uint8_t>(alpha == 0 ? 0 : std::min<std::uint32_t>(255, value * 255 / alpha));
    };
    *to++ = plain(TIFFGetR(pixel)), *to++ = plain(TIFFGetG(pixel)), *to++ = plain(TIFFGetB(pixel)), *to++ = static_cast<std::uint8_t>(alpha);
  }
  return image;
}

}  // namespace neurona::image
