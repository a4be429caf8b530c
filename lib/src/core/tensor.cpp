#include "neurona/tensor.hpp"

#include <cstring>
#include <limits>
#include <new>
#include <string>

#include "neurona/error.hpp"

namespace neurona {

namespace {

constexpr std::size_t kAlignment = 64;

std::byte* allocate(std::size_t bytes) { return static_cast<std::byte*>(::operator new[](bytes > 0 ? bytes : 1, std::align_val_t{kAlignment})); }

template <class From, class To>
void convert(ConstTensorView from, TensorView to) {
  const From* source = from.as<From>();
  To* target = to.as<To>();
  for (std::int64_t i = 0; i < from.elements(); ++i) target[i] = static_cast<To>(source[i]);
}

}  // namespace

std::size_t size_of(DType dtype) { return dtype == DType::float64 ? sizeof(double) : sizeof(float); }

std::string_view to_string(DType dtype) { return dtype == DType::float64 ? "float64" : "float32"; }

namespace {

// A sum of products by zero is zero as long as every element is finite: no branch in the loop.
template <class T>
bool all_finite(const T* values, std::int64_t count) {
  T sum = T(0);
  for (std::int64_t i = 0; i < count; ++i) sum += values[i] * T(0);
  return sum == T(0);
}

}  // namespace

bool is_finite(ConstTensorView tensor) {
  return tensor.dtype == DType::float64 ? all_finite(tensor.as<double>(), tensor.elements())
                                        : all_finite(tensor.as<float>(), tensor.elements());
}

void detail::check_dtype(DType is, DType asked) {
  if (is != asked)
    throw ValueError("Tensor: its elements are " + std::string(to_string(is)) + ", asked for as " +
                     std::string(to_string(asked)) + ".");
}

void Tensor::AlignedDelete::operator()(std::byte* p) const { ::operator delete[](p, std::align_val_t{kAlignment}); }

Tensor::Tensor(Shape shape, DType dtype) : shape_(shape), dtype_(dtype) {
  if (static_cast<std::uint64_t>(elements()) > std::numeric_limits<std::size_t>::max() / 2 / size_of(dtype))
    throw ValueError("Tensor: shape " + shape.to_string() + " has more elements than this machine can address.");
  const std::size_t bytes = size_bytes();
  data_.reset(allocate(bytes));
  std::memset(data_.get(), 0, bytes);
}

Tensor::Tensor(Shape shape, std::span<const float> values) : Tensor(shape) {
  if (static_cast<std::int64_t>(values.size()) != elements())
    throw ShapeError("Tensor: " + std::to_string(values.size()) + " values for shape " + shape.to_string() + ", which has " +
                     std::to_string(elements()) + " elements.");
  std::memcpy(data_.get(), values.data(), values.size_bytes());
}

Tensor::Tensor(const Tensor& other) {
  if (other.empty()) return;
  shape_ = other.shape_;
  dtype_ = other.dtype_;
  data_.reset(allocate(size_bytes()));
  std::memcpy(data_.get(), other.data_.get(), size_bytes());
}

Tensor& Tensor::operator=(const Tensor& other) {
  if (this != &other) *this = Tensor(other);
  return *this;
}

std::size_t Tensor::size_bytes() const { return static_cast<std::size_t>(elements()) * size_of(dtype_); }

std::span<float> Tensor::values() { return {view().as<float>(), static_cast<std::size_t>(elements())}; }

std::span<const float> Tensor::values() const { return {view().as<float>(), static_cast<std::size_t>(elements())}; }

double Tensor::at(std::int64_t i) const {
  return dtype_ == DType::float64 ? view().as<double>()[i] : static_cast<double>(view().as<float>()[i]);
}

void Tensor::set(std::int64_t i, double value) {
  if (dtype_ == DType::float64)
    view().as<double>()[i] = value;
  else
    view().as<float>()[i] = static_cast<float>(value);
}

void copy(ConstTensorView from, TensorView to) {
  if (from.elements() != to.elements())
    throw ShapeError("copy: from shape " + from.shape.to_string() + " to " + to.shape.to_string() +
                     "; the numbers of elements differ.");
  if (from.dtype == to.dtype) {
    if (from.elements() > 0) std::memcpy(to.data, from.data, static_cast<std::size_t>(from.elements()) * size_of(from.dtype));
  } else if (from.dtype == DType::float32) {
    convert<float, double>(from, to);
  } else {
    convert<double, float>(from, to);
  }
}

}  // namespace neurona
