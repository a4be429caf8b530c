// Cutting work into pieces of a fixed size, so that results do not depend on the number of threads.
#pragma once

#include <algorithm>
#include <cstdint>

#include "backend/cpu/kernels.hpp"
#include "runtime/parallel_for.hpp"

namespace neurona::cpu {

// Pieces are large enough to outweigh handing them out, small enough to share among cores.
inline constexpr std::int64_t kTileRows = 128;
inline constexpr std::int64_t kTileColumns = 64;
inline constexpr std::int64_t kPiece = 1 << 14;
// Less work than this (a quarter of a millisecond or so) is not worth waking another thread for: a sleeping
// one takes 60 microseconds, much longer where the machine has other work.
inline constexpr std::int64_t kMultiplyAddsWorthSharing = 1 << 24;
inline constexpr std::int64_t kElementsWorthSharing = 1 << 19;

inline std::int64_t pieces_of(std::int64_t total, std::int64_t piece) { return (total + piece - 1) / piece; }

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

/// A product of any size, in tiles.
inline void gemm(const Kernels& kernels, const GemmTile& whole) {
  const std::int64_t row_tiles = pieces_of(whole.M, kTileRows),
                     column_tiles = pieces_of(whole.N, kTileColumns);
  const auto one = [&](std::int64_t i) {
    const std::int64_t m = i / column_tiles * kTileRows, n = i % column_tiles * kTileColumns;
    GemmTile tile = whole;
    tile.M = std::min(kTileRows, whole.M - m);
    tile.N = std::min(kTileColumns, whole.N - n);
    tile.a += m * whole.a_row;
    tile.b += n;
    if (tile.bias != nullptr) tile.bias += n;
    tile.c += m * whole.c_row + n;
    kernels.gemm(tile);
  };
  if (whole.M * whole.N * whole.K >= kMultiplyAddsWorthSharing)
    return runtime::parallel_for(row_tiles * column_tiles, one);
  for (std::int64_t i = 0; i < row_tiles * column_tiles; ++i) one(i);
}

}  // namespace neurona::cpu
