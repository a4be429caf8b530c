// Cutting work into pieces of a fixed size, so that results do not depend on the number of threads.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "backend/cpu/kernels.hpp"
#include "neurona/backend.hpp"
#include "runtime/parallel_for.hpp"

namespace neurona::cpu {

// Pieces are large enough to outweigh handing them out, small enough to share among cores.
inline constexpr std::int64_t kTileUnit = 16;  // rows or columns
inline constexpr std::int64_t kLargeMatrix = 1 << 18;  // values: 1 MB
inline constexpr std::int64_t kPiecesPerThread = 2;
inline constexpr std::int64_t kPiece = 1 << 14;
// Less work than this (some ten microseconds) is not worth sharing. Between the layers of a training step the other threads are
// awake; one that sleeps takes 60 microseconds to come, much longer where the machine has other work.
inline constexpr std::int64_t kMultiplyAddsWorthSharing = 1 << 19;
inline constexpr std::int64_t kElementsWorthSharing = 1 << 16;

/// Scratch that grows to the largest needed.
inline float* reserve(std::vector<float>& buffer, std::int64_t count) {
  buffer.resize(std::max(buffer.size(), static_cast<std::size_t>(count)));
  return buffer.data();
}

inline std::int64_t pieces_of(std::int64_t total, std::int64_t piece) { return (total + piece - 1) / piece; }

/// How the K inputs of a dense layer are summed: up to four groups of whole slices of the products.
struct Groups {
  static constexpr std::int64_t kMost = 4;

  explicit Groups(std::int64_t inputs)
      : K(inputs), slices(std::max<std::int64_t>(1, pieces_of(K, kProductDepth))), count(slices < kMost ? 1 : kMost) {}
  std::int64_t begin(std::int64_t group) const { return std::min(group * slices / count * pieces_of(K, slices), K); }

  std::int64_t K, slices, count;
};

/// body(task) for each task, on several threads where `elements` of work are worth it.
template <class Body>
void share(std::int64_t tasks, std::int64_t elements, Body body) {
  if (elements >= kElementsWorthSharing) return runtime::parallel_for(tasks, body);
  for (std::int64_t i = 0; i < tasks; ++i) body(i);
}

/// body(begin, count) over [0, total) in pieces.
template <class Body>
void for_pieces(std::int64_t total, std::int64_t piece, Body body) {
  if (total < kElementsWorthSharing) return body(std::int64_t{0}, total);
  runtime::parallel_for(pieces_of(total, piece), [&](std::int64_t i) {
    const std::int64_t begin = i * piece;
    body(begin, std::min(piece, total - begin));
  });
}

/// The form of B (K,N) whose panels lie one after the other in memory: what the product reads is foreseen by the processor, and copied
/// by nobody. N must be a multiple of panel_columns.
inline std::int64_t panel_columns(const Kernels& kernels) { return 2 * kernels.vector; }
inline void to_panels(const Kernels& kernels, std::int64_t K, std::int64_t N, const float* b, float* to) {
  const std::int64_t columns = panel_columns(kernels);
  for (std::int64_t n = 0; n < N; n += columns)
    for (std::int64_t k = 0; k < K; ++k, to += columns) std::copy_n(b + k * N + n, columns, to);
}

/// A product of any size. How it is cut does not matter to the result: each element is summed in the order of k, in slices
/// that depend on K alone.
inline void gemm(const Kernels& kernels, const GemmTile& whole) {
  const std::int64_t threads = num_threads();
  if (threads == 1 || whole.M * whole.N * whole.K < kMultiplyAddsWorthSharing) return kernels.gemm(whole);
  // By columns each thread reads its own part of B, by rows all of it: B is large where it does not stay in a core's cache.
  const bool b_is_large = whole.K * whole.N > kLargeMatrix;
  const bool by_rows = whole.M >= kTileUnit * threads && (whole.M >= whole.N || !b_is_large);
  // Whole units; the last piece takes what is left.
  const std::int64_t unit = whole.panels && !by_rows ? panel_columns(kernels) : kTileUnit;
  const std::int64_t units = std::max<std::int64_t>(1, (by_rows ? whole.M : whole.N) / unit);
  const std::int64_t pieces = std::min(units, units >= 4 * kPiecesPerThread * threads ? kPiecesPerThread * threads : threads);
  runtime::parallel_for(pieces, [&](std::int64_t i) {
    const std::int64_t begin = i * units / pieces * unit, end = (i + 1) * units / pieces * unit;
    GemmTile tile = whole;
    if (by_rows) {
      tile.M = (i + 1 == pieces ? whole.M : end) - begin;
      if (tile.gather != nullptr) {
        tile.gather_from += begin;
      } else {
        tile.a += begin * (whole.transposed ? 1 : whole.a_row);
      }
      tile.c += begin * whole.c_row;
      if (tile.addend != nullptr) tile.addend += begin * whole.c_row;
    } else {
      tile.N = (i + 1 == pieces ? whole.N : end) - begin;
      tile.b += begin * (whole.panels ? whole.K : 1);
      tile.c += begin;
      if (tile.bias != nullptr) tile.bias += begin;
      if (tile.scale != nullptr) tile.scale += begin;
      if (tile.addend != nullptr) tile.addend += begin;
    }
    kernels.gemm(tile);
  });
}

}  // namespace neurona::cpu
