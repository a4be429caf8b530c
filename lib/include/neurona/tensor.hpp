// Dense arrays, row-major, and views of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "neurona/shape.hpp"

namespace neurona {

/// Type of a tensor's elements. Networks run in float32; float64 serves gradient checks (reference backend).
enum class DType : std::uint8_t { float32, float64 };

std::size_t size_of(DType dtype);
std::string_view to_string(DType dtype);

namespace detail {
template <class T>
inline constexpr DType kDTypeOf = DType::float32;
template <>
inline constexpr DType kDTypeOf<double> = DType::float64;
void check_dtype(DType is, DType asked);
}  // namespace detail

/// Borrowed elements that may be written. Valid as long as their owner is.
struct TensorView {
  void* data = nullptr;
  Shape shape;
  DType dtype = DType::float32;

  std::int64_t elements() const { return shape.elements(); }
  explicit operator bool() const { return data != nullptr; }
  /// The elements as T (float or double). Errors: ValueError when the tensor holds the other type.
  template <class T>
  T* as() const {
    detail::check_dtype(dtype, detail::kDTypeOf<T>);
    return static_cast<T*>(data);
  }
};

/// Borrowed elements that may only be read.
struct ConstTensorView {
  const void* data = nullptr;
  Shape shape;
  DType dtype = DType::float32;

  ConstTensorView() = default;
  ConstTensorView(const void* elements, Shape extents, DType type) : data(elements), shape(extents), dtype(type) {}
  ConstTensorView(const TensorView& view) : data(view.data), shape(view.shape), dtype(view.dtype) {}

  std::int64_t elements() const { return shape.elements(); }
  explicit operator bool() const { return data != nullptr; }
  template <class T>
  const T* as() const {
    detail::check_dtype(dtype, detail::kDTypeOf<T>);
    return static_cast<const T*>(data);
  }
};

/// Owns its elements (aligned to 64 bytes, zero at first). Copies are deep. Errors: ValueError when they would not fit
/// half of the address space.
class Tensor {
 public:
  Tensor() = default;
  explicit Tensor(Shape shape, DType dtype = DType::float32);
  Tensor(Shape shape, std::span<const float> values);
  Tensor(const Tensor& other);
  Tensor& operator=(const Tensor& other);
  Tensor(Tensor&&) noexcept = default;
  Tensor& operator=(Tensor&&) noexcept = default;
  ~Tensor() = default;

  const Shape& shape() const { return shape_; }
  DType dtype() const { return dtype_; }
  std::int64_t elements() const { return shape_.elements(); }
  std::size_t size_bytes() const;
  bool empty() const { return data_ == nullptr; }

  TensorView view() { return {data_.get(), shape_, dtype_}; }
  ConstTensorView view() const { return {data_.get(), shape_, dtype_}; }
  /// The elements of a float32 tensor. Errors: ValueError for a float64 tensor.
  std::span<float> values();
  std::span<const float> values() const;
  /// Element `i` of the flattened tensor, whatever its type.
  double at(std::int64_t i) const;
  void set(std::int64_t i, double value);

 private:
  struct AlignedDelete {
    void operator()(std::byte* p) const;
  };
  Shape shape_;
  DType dtype_ = DType::float32;
  std::unique_ptr<std::byte[], AlignedDelete> data_;
};

/// Whether no element is NaN or infinite.
bool is_finite(ConstTensorView tensor);

/// Copies elements between tensors of the same number of elements, converting the type where it differs.
void copy(ConstTensorView from, TensorView to);

}  // namespace neurona
