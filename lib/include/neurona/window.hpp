// Windows that slide over images.
#pragma once

#include <cstdint>
#include <string_view>

namespace neurona {

/// Height and width; one number stands for both: `.kernel_size = 3`.
struct Extent2D {
  std::int64_t height = 1;
  std::int64_t width = 1;

  constexpr Extent2D() = default;
  constexpr Extent2D(std::int64_t both) : height(both), width(both) {}
  constexpr Extent2D(std::int64_t h, std::int64_t w) : height(h), width(w) {}
  bool operator==(const Extent2D&) const = default;
};

/// valid: the window stays inside the image. same: zeros around it, so that stride 1 keeps the extent; where
/// their number is odd, the odd one lies at the bottom and at the right.
enum class Padding : std::uint8_t { valid, same };

std::string_view to_string(Padding padding);
/// Errors: ValueError that lists the known names.
Padding padding_from_string(std::string_view name);

}  // namespace neurona
