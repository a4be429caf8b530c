// IDX files, gzip-compressed or not: the first byte says where images end and labels begin.
#include <cstddef>
#include <cstdint>
#include <span>

#include "neurona/data/idx.hpp"
#include "neurona/error.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::span<const std::uint8_t> bytes(data + 1, size - 1);
  const std::size_t cut = bytes.size() * data[0] / 255;
  constexpr std::int64_t kLimit = 1 << 20;
  try {
    (void)neurona::data::read_idx_pair(bytes.first(cut), bytes.subspan(cut), {.max_bytes = kLimit}, {.max_bytes = kLimit});
  } catch (const neurona::FormatError&) {
  }
  return 0;
}
