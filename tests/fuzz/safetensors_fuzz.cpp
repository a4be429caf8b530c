// Files of models and of snapshots: whatever the bytes are, a network, a run or a FormatError.
#include <cstddef>
#include <cstdint>
#include <span>

#include "neurona/error.hpp"
#include "neurona/formats.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    (void)neurona::from_safetensors(std::as_bytes(std::span(data, size)));
  } catch (const neurona::FormatError&) {
  }
  try {
    (void)neurona::snapshot_from_safetensors(std::as_bytes(std::span(data, size)));
  } catch (const neurona::FormatError&) {
  }
  return 0;
}
