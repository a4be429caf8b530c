// The index of ImageNet's classes.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "neurona/data/imagenet.hpp"
#include "neurona/error.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    (void)neurona::data::parse_imagenet_classes(std::string_view(reinterpret_cast<const char*>(data), size), "index");
  } catch (const neurona::FormatError&) {
  }
  return 0;
}
