// The extent of a tensor along each axis.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>

namespace neurona {

/// Up to six axes, outermost first (row-major). Images are (N, H, W, C). An empty shape is a scalar of
/// one element. Errors: ValueError for a negative extent, for more than six axes, and when the number of
/// elements would not fit 62 bits.
class Shape {
 public:
  static constexpr int kMaxRank = 6;

  Shape() = default;
  Shape(std::initializer_list<std::int64_t> dims);

  int rank() const { return rank_; }
  /// Extent of one axis; a negative axis counts from the end, as in Python.
  std::int64_t operator[](int axis) const { return dims_[static_cast<std::size_t>(axis < 0 ? axis + rank_ : axis)]; }
  std::int64_t back() const { return (*this)[-1]; }
  /// Product of all extents; 1 for a scalar.
  std::int64_t elements() const;

  /// The shape with one more axis.
  Shape with_leading(std::int64_t extent) const;
  Shape with_trailing(std::int64_t extent) const;
  /// The shape less its first axis (the shape of one sample of a batch).
  Shape without_leading() const;

  const std::int64_t* begin() const { return dims_.data(); }
  const std::int64_t* end() const { return dims_.data() + rank_; }
  /// As Python prints a tuple: "(32, 784)", "(10,)", "()".
  std::string to_string() const;

  friend bool operator==(const Shape& a, const Shape& b);

 private:
  void push(std::int64_t extent);
  std::array<std::int64_t, kMaxRank> dims_{};
  int rank_ = 0;
};

}  // namespace neurona
