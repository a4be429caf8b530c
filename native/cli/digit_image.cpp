#include "digit_image.hpp"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "neurona/error.hpp"
#include "neurona/image.hpp"

namespace neurona::cli {

namespace {

// Brightness as ink in [0, 1], light on dark as MNIST's; a light border is a ground that was meant the other way round.
DigitPicture as_it_is(const Image& picture, const std::string& path) {
  if (picture.width != data::kDigitSide || picture.height != data::kDigitSide)
    throw FormatError("'" + path + "' has " + std::to_string(picture.width) + "x" + std::to_string(picture.height) + " pixels; --as-is takes 28x28.");
  DigitPicture found;
  found.box = {0, 0, picture.width, picture.height};
  for (std::size_t i = 0; i < found.digit.size(); ++i) {
    const std::uint8_t* p = &picture.pixels[i * 3];
    found.digit[i] = static_cast<std::uint8_t>((299 * p[0] + 587 * p[1] + 114 * p[2] + 500) / 1000);
  }
  return found;
}

}  // namespace

DigitPicture read_digit_picture(const std::string& path, bool as_is) {
  const Image picture = read_image(path, Ground::contrasting);
  if (as_is) return as_it_is(picture, path);
  std::string reason;
  std::optional<DigitPicture> found = data::find_digit(picture, &reason);
  if (!found) throw FormatError("'" + path + "' shows no digit that could be found: " + reason + ".");
  return *std::move(found);
}

std::pair<std::string, std::string> show_digit_picture(const std::string& path, const DigitPicture& found, const std::string& folder) {
  constexpr std::int64_t kMostPixels = 1000;
  const std::string name = std::filesystem::path(path).filename().string();
  const auto place = [&](const char* ending) { return (std::filesystem::path(folder) / (name + ending)).string(); };
  Image prepared{data::kDigitSide, data::kDigitSide, {}};
  for (const std::uint8_t ink : found.digit) prepared.pixels.insert(prepared.pixels.end(), 3, ink);
  write_png(prepared, place(".28x28.png"));

  const Image picture = read_image(path, Ground::contrasting);
  const std::int64_t step = (std::max(picture.width, picture.height) + kMostPixels - 1) / kMostPixels;
  Image shown{(picture.height + step - 1) / step, (picture.width + step - 1) / step, {}};
  shown.pixels.resize(static_cast<std::size_t>(shown.width * shown.height * 3));
  const auto pixel = [](auto& image, std::int64_t x, std::int64_t y) { return &image.pixels[static_cast<std::size_t>((y * image.width + x) * 3)]; };
  for (std::int64_t y = 0; y < shown.height; ++y)
    for (std::int64_t x = 0; x < shown.width; ++x) std::copy_n(pixel(picture, x * step, y * step), 3, pixel(shown, x, y));
  const std::int64_t left = found.box.left / step, right = std::min((found.box.right - 1) / step, shown.width - 1);
  const std::int64_t top = found.box.top / step, bottom = std::min((found.box.bottom - 1) / step, shown.height - 1);
  const auto mark = [&](std::int64_t x, std::int64_t y) {
    constexpr std::uint8_t kRed[] = {230, 30, 30};
    std::copy_n(kRed, 3, pixel(shown, x, y));
  };
  for (std::int64_t x = left; x <= right; ++x) mark(x, top), mark(x, bottom);
  for (std::int64_t y = top; y <= bottom; ++y) mark(left, y), mark(right, y);
  write_png(shown, place(".box.png"));
  return {place(".28x28.png"), place(".box.png")};
}

Tensor as_sample(const data::DigitImage& digit, float scale) {
  Tensor sample({1, data::kDigitSide, data::kDigitSide});
  for (std::size_t i = 0; i < digit.size(); ++i) sample.values()[i] = static_cast<float>(digit[i]) * scale;
  return sample;
}

}  // namespace neurona::cli
