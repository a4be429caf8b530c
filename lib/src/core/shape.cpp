#include "neurona/shape.hpp"

#include "neurona/error.hpp"

namespace neurona {

Shape::Shape(std::initializer_list<std::int64_t> dims) {
  for (std::int64_t d : dims) push(d);
}

void Shape::push(std::int64_t extent) {
  if (extent < 0) throw ValueError("Shape: an extent of " + std::to_string(extent) + "; extents are 0 or more.");
  if (rank_ == kMaxRank) throw ValueError("Shape: more than " + std::to_string(kMaxRank) + " axes.");
  std::int64_t product = 1;
  for (int i = 0; i < rank_; ++i) product *= dims_[static_cast<std::size_t>(i)] > 0 ? dims_[static_cast<std::size_t>(i)] : 1;
  if (extent > 0 && product > (std::int64_t{1} << 62) / extent)
    throw ValueError("Shape: " + to_string() + " with one more axis of " + std::to_string(extent) +
                     " has more elements than 62 bits can count.");
  dims_[static_cast<std::size_t>(rank_++)] = extent;
}

std::int64_t Shape::elements() const {
  std::int64_t n = 1;
  for (std::int64_t d : *this) n *= d;
  return n;
}

Shape Shape::with_leading(std::int64_t extent) const {
  Shape s;
  s.push(extent);
  for (std::int64_t d : *this) s.push(d);
  return s;
}

Shape Shape::with_trailing(std::int64_t extent) const {
  Shape s = *this;
  s.push(extent);
  return s;
}

Shape Shape::without_leading() const {
  Shape s;
  for (int i = 1; i < rank_; ++i) s.push((*this)[i]);
  return s;
}

std::string Shape::to_string() const {
  std::string text = "(";
  for (int i = 0; i < rank_; ++i) {
    if (i > 0) text += ", ";
    text += std::to_string((*this)[i]);
  }
  if (rank_ == 1) text += ",";
  return text + ")";
}

bool operator==(const Shape& a, const Shape& b) {
  if (a.rank_ != b.rank_) return false;
  for (int i = 0; i < a.rank_; ++i)
    if (a[i] != b[i]) return false;
  return true;
}

}  // namespace neurona
