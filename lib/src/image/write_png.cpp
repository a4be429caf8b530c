#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#define STBI_WRITE_NO_STDIO
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#include <stb/stb_image_write.h>
#pragma GCC diagnostic pop

#include <span>
#include <string>
#include <vector>

#include "core/whole_file.hpp"
#include "neurona/error.hpp"
#include "neurona/image.hpp"

namespace neurona {

void write_png(const Image& image, const std::filesystem::path& path) {
  constexpr int kChannels = 3;
  if (image.width < 1 || image.height < 1 || static_cast<std::int64_t>(image.pixels.size()) != image.width * image.height * kChannels)
    throw ValueError("write_png: " + std::to_string(image.pixels.size()) + " values for a picture of " + std::to_string(image.width) + "x" +
                     std::to_string(image.height) + " pixels of 3.");
  std::vector<std::byte> bytes;
  const auto keep = [](void* to, void* data, int size) {
    const auto piece = std::span(static_cast<const std::byte*>(data), static_cast<std::size_t>(size));
    auto& all = *static_cast<std::vector<std::byte>*>(to);
    all.insert(all.end(), piece.begin(), piece.end());
  };
  const int width = static_cast<int>(image.width), height = static_cast<int>(image.height);
  if (!stbi_write_png_to_func(keep, &bytes, width, height, kChannels, image.pixels.data(), width * kChannels))
    throw IoError("Cannot write '" + path.string() + "': not enough memory.");
  detail::TemporaryFile file(detail::behind_links(path));
  file.write(bytes);
  file.put_in_place();
}

}  // namespace neurona
