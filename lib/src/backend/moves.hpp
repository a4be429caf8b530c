// Operations that only move elements: the same for every backend in main memory, and for every type.
#pragma once

#include <cstring>

#include "neurona/tensor.hpp"

namespace neurona::moves {

inline void copy_columns(ConstTensorView x, std::int64_t from, TensorView y, std::int64_t to,
                         std::int64_t count) {
  const std::size_t each = size_of(x.dtype);
  const auto* source = static_cast<const std::byte*>(x.data) + static_cast<std::size_t>(from) * each;
  auto* target = static_cast<std::byte*>(y.data) + static_cast<std::size_t>(to) * each;
  const std::size_t source_row = static_cast<std::size_t>(x.shape[1]) * each,
                    target_row = static_cast<std::size_t>(y.shape[1]) * each;
  for (std::int64_t r = 0; r < x.shape[0]; ++r, source += source_row, target += target_row)
    std::memcpy(target, source, static_cast<std::size_t>(count) * each);
}

// small (N,H,W,C) lies in large (N,H',W',C) at (top, left).
inline void move_image(const std::byte* from, std::int64_t from_columns, std::byte* to,
                       std::int64_t to_columns, std::int64_t rows, std::size_t row_bytes,
                       std::size_t pixel_bytes) {
  for (std::int64_t h = 0; h < rows; ++h)
    std::memcpy(to + static_cast<std::size_t>(h * to_columns) * pixel_bytes,
                from + static_cast<std::size_t>(h * from_columns) * pixel_bytes, row_bytes);
}

inline void pad2d(ConstTensorView x, std::int64_t top, std::int64_t left, TensorView y) {
  const std::size_t pixel = static_cast<std::size_t>(x.shape[3]) * size_of(x.dtype);
  const std::int64_t H = x.shape[1], W = x.shape[2], OH = y.shape[1], OW = y.shape[2];
  std::memset(y.data, 0, static_cast<std::size_t>(y.elements()) * size_of(y.dtype));
  for (std::int64_t n = 0; n < x.shape[0]; ++n)
    move_image(static_cast<const std::byte*>(x.data) + static_cast<std::size_t>(n * H * W) * pixel, W,
               static_cast<std::byte*>(y.data) + static_cast<std::size_t>((n * OH + top) * OW + left) * pixel,
               OW, H, static_cast<std::size_t>(W) * pixel, pixel);
}

inline void crop2d(ConstTensorView x, std::int64_t top, std::int64_t left, TensorView y) {
  const std::size_t pixel = static_cast<std::size_t>(x.shape[3]) * size_of(x.dtype);
  const std::int64_t H = y.shape[1], W = y.shape[2], XH = x.shape[1], XW = x.shape[2];
  for (std::int64_t n = 0; n < x.shape[0]; ++n)
    move_image(
        static_cast<const std::byte*>(x.data) + static_cast<std::size_t>((n * XH + top) * XW + left) * pixel,
        XW, static_cast<std::byte*>(y.data) + static_cast<std::size_t>(n * H * W) * pixel, W, H,
        static_cast<std::size_t>(W) * pixel, pixel);
}

// Whether element i is dropped is a hash of seed and i (the finalizer of splitmix64, Steele et al. 2014), so
// the backward pass needs no mask and any order of elements gives the same.
inline bool drops(std::uint64_t threshold, std::uint64_t seed, std::int64_t i) {
  std::uint64_t z = seed + static_cast<std::uint64_t>(i) * 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return ((z ^ (z >> 31)) >> 32) < threshold;
}

inline std::uint64_t dropout_threshold(double rate) { return static_cast<std::uint64_t>(rate * 0x1.0p32); }

template <class T>
void dropout(double rate, std::uint64_t seed, std::int64_t begin, std::int64_t count, const T* x, T* y) {
  const T scale = static_cast<T>(1.0 / (1.0 - rate));
  const std::uint64_t threshold = dropout_threshold(rate);
  for (std::int64_t i = begin; i < begin + count; ++i) y[i] = drops(threshold, seed, i) ? T(0) : x[i] * scale;
}

}  // namespace neurona::moves
