// The matrix product, written once over vectors of NEURONA_WIDTH floats; included by kernels_impl.hpp inside its namespace.
// Every element is summed in the order of k, in slices that depend on the depth alone, whatever block it falls in: the result
// does not depend on how the work is cut.
template <int Width>
struct VectorOf {
  typedef float type __attribute__((vector_size(Width * sizeof(float))));
  typedef std::int32_t mask __attribute__((vector_size(Width * sizeof(float))));
  typedef std::uint8_t bytes __attribute__((vector_size(Width)));
};

template <class Vec, class Value>
inline Vec load(const Value* p) {
  Vec v;
  std::memcpy(&v, p, sizeof(Vec));
  return v;
}

template <class Vec>
inline void store(float* p, Vec v) {
  std::memcpy(p, &v, sizeof(Vec));
}

constexpr int W = NEURONA_WIDTH;
using Vector = VectorOf<W>::type;
using Mask = VectorOf<W>::mask;

struct WrittenLanes {
  constexpr WrittenLanes() {
    for (int i = 0; i < 2 * W; ++i) of[i] = i < W ? -1 : 0;
  }
  std::int32_t of[2 * W] = {};
};
// load<Mask>(kWritten.of + W - n): the first n lanes.
constexpr WrittenLanes kWritten;

// sum + a * b, fused where the instruction set can.
inline Vector multiply_add(float a, Vector b, Vector sum) {
#ifdef __wasm_relaxed_simd__
  return (Vector)wasm_f32x4_relaxed_madd(wasm_f32x4_splat(a), (v128_t)b, (v128_t)sum);
#else
  return sum + a * b;
#endif
}

// ReLU. A NaN is not below zero and stays. Vectors or single floats, here and below.
template <class Value>
inline Value clamped(Value v) {
  return v < 0.0f ? Value{} : v;
}

// The gradient behind a ReLU as that before it; y is what the ReLU gave. Where y is 0 or NaN the product is 0 or NaN.
template <class Value>
inline Value through_clamp(Value given, Value y) {
  return y > 0.0f ? given : given * y;
}

// Whether a value takes the place of the best so far. A NaN does, and keeps it.
template <class Value>
inline auto is_larger(Value value, Value best) {
  return (value > best) | (value != value);
}

// Without a fused instruction each term is rounded twice: what is lost is made up for by adding up half as many at a time.
#if defined(__FP_FAST_FMAF) || defined(__FMA__) || defined(__ARM_FEATURE_FMA) || defined(__wasm_relaxed_simd__)
constexpr bool kTwoChains = false;
#else
constexpr bool kTwoChains = true;
#endif

constexpr std::int64_t kDepth = kProductDepth;
// Rows of A that are copied (or gathered) at a time: with kDepth columns they fit the second-level cache.
constexpr std::int64_t kRowBlock = 112;
// Distance of the copied rows of a transposed A: no power of two, whose lines would crowd a few sets of the cache.
constexpr std::int64_t kCopiedRow = kRowBlock + 16;
// Accumulators of a register block, and its most rows where it is two vectors wide.
constexpr int kAccumulators = NEURONA_ACCUMULATORS;
constexpr int kMostRows = kAccumulators / 2;
constexpr int kMostVectors = 8;
// Vectors of a block of one row, whose B is read once and had better be read as it lies. Three registers are left; browsers need more.
#ifdef __wasm__
constexpr int kRowVectors = kMostVectors;
#else
constexpr int kRowVectors = 13;
#endif
// Additions under way at a time that hide their latency.
constexpr int kMostChains = kAccumulators < 16 ? kAccumulators : 16;
// From so many rows on it pays to copy a panel of B whose rows lie far apart, unless a whole slice stays in the first-level cache.
constexpr std::int64_t kRowsWorthPacking = 48;
constexpr std::int64_t kCachedValues = 6144;
constexpr std::int64_t kCrowdingRow = 64;  // floats: rows so far apart, or a multiple, share few sets of a cache
constexpr std::int64_t kNearValues = 1 << 17;  // of a B that stays in the second-level cache

// Memory that is wanted soon. What lies far away in steps is not foreseen by the processor.
#ifdef __wasm__
constexpr bool kFetches = false;
#else
constexpr bool kFetches = true;
#endif
constexpr int kCacheLine = 16;  // floats

inline void fetch_early([[maybe_unused]] const float* p) {
  if constexpr (kFetches) __builtin_prefetch(p, 0, 2);
}

inline void fetch_to_change([[maybe_unused]] const float* p) {
  if constexpr (kFetches) __builtin_prefetch(p, 1, 3);
}

// c (MR, NV vectors) from a (MR, depth) . b (depth, NV vectors); the last vector may begin before the others end.
struct RegisterBlock {
  const float* a;
  std::int64_t a_step;  // from k to k + 1
  const float* b;
  std::int64_t b_row;
  std::int64_t last;   // where the last vector of the block begins
  std::int64_t ahead;  // from b to what is wanted next of it, or 0
  std::int64_t depth;
  float* c;
  std::int64_t c_row;
  const float* bias;    // where the sums begin; may be null
  const float* scale;   // of the last slice; may be null
  const float* shift;   // likewise
  const float* addend;  // of the last slice; may be null; rows as c
  bool fetches;         // of the first slice: c may be far away
  bool continues;       // c holds the slices before
  bool clamps;          // of the last slice: negative results become 0
  float factor;         // of what is added to c, where it continues
  int skip;             // lanes of the last vector that the vector before has written already
  bool only_adds;       // continues, and none of the rest
};

// Rows of a lie RowStride apart: kDepth where they were copied, 1 where A is transposed.
template <int MR, int NV, int RowStride>
void block(const RegisterBlock& t) {
  Vector acc[MR][NV];
  for (int v = 0; v < NV; ++v) {
    const std::int64_t column = v == NV - 1 ? t.last : v * W;
    const Vector start = t.bias != nullptr ? load<Vector>(t.bias + column) : Vector{};
    for (int i = 0; i < MR; ++i) acc[i][v] = start;
  }
  if (t.fetches)
    for (int i = 0; i < MR; ++i)
      for (int v = 0; v < NV; ++v) fetch_to_change(t.c + i * t.c_row + v * W);
  const float* a = t.a;
  const float* b = t.b;
  const float* b_last = b + t.last;
  const auto add_terms = [&]<bool Fetches>(std::int64_t terms, std::bool_constant<Fetches>) __attribute__((always_inline)) {
#ifndef __wasm__  // whose compiler would spill
#pragma GCC unroll 4
#endif
    for (std::int64_t k = 0; k < terms; ++k, a += t.a_step, b += t.b_row, b_last += t.b_row) {
      Vector row[NV];
      for (int v = 0; v < NV - 1; ++v) row[v] = load<Vector>(b + v * W);
      row[NV - 1] = load<Vector>(b_last);
      if constexpr (Fetches) {
        fetch_early(b + t.ahead);
        if constexpr (NV * W > kCacheLine) fetch_early(b_last + t.ahead);
      }
      for (int i = 0; i < MR; ++i) {
        const float factor = a[i * RowStride];
        for (int v = 0; v < NV; ++v) acc[i][v] = multiply_add(factor, row[v], acc[i][v]);
      }
    }
  };
  const auto add_up = [&](std::int64_t terms) __attribute__((always_inline)) {
    kFetches && t.ahead != 0 ? add_terms(terms, std::true_type()) : add_terms(terms, std::false_type());
  };
  if constexpr (kTwoChains) {
    Vector first[MR][NV];
    add_up(t.depth / 2);
    for (int i = 0; i < MR; ++i)
      for (int v = 0; v < NV; ++v) first[i][v] = acc[i][v], acc[i][v] = Vector{};
    add_up(t.depth - t.depth / 2);
    for (int i = 0; i < MR; ++i)
      for (int v = 0; v < NV; ++v) acc[i][v] += first[i][v];
  } else {
    add_up(t.depth);
  }
  // Pass by pass over all sums, so that they stay in registers.
  const auto for_all = [&](auto&& change) {
#pragma GCC unroll 16
    for (int i = 0; i < MR; ++i)
#pragma GCC unroll 8
      for (int v = 0; v < NV; ++v) {
        const std::int64_t column = v == NV - 1 ? t.last : v * W;
        change(acc[i][v], i * t.c_row + column, column);
      }
  };
  using Index = std::int64_t;
  if (t.only_adds) return for_all([&](Vector& sum, Index at, Index) { store(t.c + at, load<Vector>(t.c + at) + t.factor * sum); });
  if (t.continues) for_all([&](Vector& sum, Index at, Index) { sum = load<Vector>(t.c + at) + t.factor * sum; });
  if (t.scale != nullptr) for_all([&](Vector& sum, Index, Index column) { sum *= load<Vector>(t.scale + column); });
  if (t.shift != nullptr) for_all([&](Vector& sum, Index, Index column) { sum += load<Vector>(t.shift + column); });
  if (t.addend != nullptr) for_all([&](Vector& sum, Index at, Index) { sum += load<Vector>(t.addend + at); });
  if (t.clamps) for_all([&](Vector& sum, Index, Index) { sum = clamped(sum); });
  if (t.skip == 0) return for_all([&](Vector& sum, Index at, Index) { store(t.c + at, sum); });
  const Mask written = load<Mask>(kWritten.of + W - t.skip);
#pragma GCC unroll 16
  for (int i = 0; i < MR; ++i) {
    float* c = t.c + i * t.c_row;
    for (int v = 0; v < NV - 1; ++v) store(c + v * W, acc[i][v]);
    store(c + t.last, written ? load<Vector>(c + t.last) : acc[i][NV - 1]);
  }
}

using BlockFunction = void (*)(const RegisterBlock&);

// Null where the sums would not fit the registers.
template <int MR, int NV, int RowStride>
constexpr BlockFunction block_if_it_fits() {
  if constexpr (MR == 1 || (NV <= kMostVectors && NV * MR <= kAccumulators))
    return block<MR, NV, RowStride>;
  else
    return nullptr;
}

template <int RowStride, std::size_t... I>
constexpr std::array<BlockFunction, sizeof...(I)> blocks_of(std::index_sequence<I...>) {
  return {block_if_it_fits<static_cast<int>(I) % kMostRows + 1, static_cast<int>(I) / kMostRows + 1, RowStride>()...};
}

// By vectors - 1 and rows - 1.
template <int RowStride>
constexpr auto kBlocks = blocks_of<RowStride>(std::make_index_sequence<kMostRows * kRowVectors>());

// Vectors of a panel: few rows take more, so that there are enough sums under way to hide an addition's latency.
int panel_vectors(std::int64_t rows) {
  if (rows == 1) return kRowVectors;
  for (const int vectors : {kMostVectors, 4})
    if (rows * vectors <= kAccumulators) return vectors;
  return 2;
}

// One slice of depth of a row block: everything that changes from panel to panel and from strip to strip is set here.
class Slice {
 public:
  Slice(const GemmTile& tile, std::int64_t m, std::int64_t rows, std::int64_t k0, std::int64_t k1)
      : t_(tile), m_(m), rows_(rows), k0_(k0) {
    const bool first = k0 == 0, finishes = k1 == tile.K;
    base_.depth = k1 - k0;
    base_.c_row = tile.c_row;
    base_.fetches = first;
    base_.continues = !first || tile.accumulate;
    base_.factor = tile.factor;
    base_.clamps = finishes && tile.clamps;
    starts_ = first && !tile.accumulate;
    finishes_ = finishes;
  }

  // a (rows, depth): rows RowStride apart.
  template <int RowStride>
  void multiply(const float* a, std::int64_t a_step) {
    base_.a_step = a_step;
    if (t_.N < W) return narrow<RowStride>(a);
    const int vectors = t_.panels ? 2 : panel_vectors(rows_);
    const std::int64_t wide = vectors * W;
    const bool crowds = t_.b_row % kCrowdingRow == 0 && rows_ >= kRowsWorthPacking / 3;
    const bool packs = !t_.panels && (crowds || (rows_ >= kRowsWorthPacking && t_.b_row > wide && base_.depth * t_.b_row > kCachedValues));
    for (std::int64_t n = 0; n < t_.N;) {
      // The last panel may be narrower, and its last vector overlap the one before.
      const std::int64_t columns = std::min(wide, t_.N - n);
      const int used = static_cast<int>((columns + W - 1) / W);
      const std::int64_t last = columns - W;  // may lie before n: those columns exist, as N >= W
      const int skip = static_cast<int>(used * W - columns);
      panel<RowStride>(a, n, used, last, skip, packs);
      n += columns;
    }
  }

 private:
  template <int RowStride>
  void panel(const float* a, std::int64_t n, int vectors, std::int64_t last, int skip, bool packs) {
    alignas(64) float packed[kDepth * 2 * W];
    next_ = nullptr;
    RegisterBlock s = base_;
    s.last = last;
    s.skip = skip;
    s.b_row = t_.panels ? 2 * W : t_.b_row;
    s.b = t_.b + k0_ * s.b_row + n * (t_.panels ? t_.K : 1);
    s.ahead = t_.panels ? 0 : rows_ < kRowsWorthPacking && t_.K * t_.b_row > kNearValues ? s.depth * t_.b_row : 0;
    if (packs && vectors == 2 && last == W) {
      for (std::int64_t k = 0; k < s.depth; ++k)
        for (int v = 0; v < 2; ++v) store(packed + (k * 2 + v) * W, load<Vector>(s.b + k * s.b_row + v * W));
      next_ = n + 4 * W <= t_.N ? s.b + 2 * W : s.b - n + s.depth * s.b_row;
      s.b = packed;
      s.b_row = 2 * W;
    }
    set_offsets(s, n, t_.bias, t_.scale);
    strips<RowStride>(s, a, vectors, t_.c + m_ * t_.c_row + n, finishes_ && t_.addend != nullptr ? t_.addend + m_ * t_.c_row + n : nullptr);
  }

  // Without a scale the bias is what the sums begin with.
  void set_offsets(RegisterBlock& s, std::int64_t n, const float* bias, const float* scale) const {
    if (starts_ && bias != nullptr && scale == nullptr) s.bias = bias + n;
    if (!finishes_ || scale == nullptr) return;
    s.scale = scale + n;
    if (bias != nullptr) s.shift = bias + n;
  }

  // All rows, in strips as even as can be.
  template <int RowStride>
  void strips(RegisterBlock& s, const float* a, int vectors, float* c, const float* addend) {
    s.only_adds = s.continues && s.scale == nullptr && s.shift == nullptr && addend == nullptr && !s.clamps && s.skip == 0;
    const std::int64_t most = std::clamp<std::int64_t>(kAccumulators / vectors, 1, kMostRows);
    const std::int64_t count = (rows_ + most - 1) / most;
    std::int64_t m = 0;
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t rows = (rows_ - m + count - i - 1) / (count - i);
      s.a = a + m * RowStride;
      s.c = c + m * s.c_row;
      s.addend = addend != nullptr ? addend + m * s.c_row : nullptr;
      if (kFetches && next_ != nullptr)  // a part for each strip: all at once would keep what is wanted now waiting
        for (std::int64_t k = i * s.depth / count; k < (i + 1) * s.depth / count; ++k) fetch_early(next_ + k * t_.b_row);
      kBlocks<RowStride>[static_cast<std::size_t>((vectors - 1) * kMostRows + rows - 1)](s);
      m += rows;
    }
  }

  // Fewer columns than a vector has lanes: B and C pass through padded copies.
  template <int RowStride>
  void narrow(const float* a) {
    alignas(64) float b[kDepth * W] = {}, c[kRowBlock * W], addend[kRowBlock * W], bias[W] = {}, scale[W] = {};
    const auto bytes = static_cast<std::size_t>(t_.N) * sizeof(float);
    for (std::int64_t k = 0; k < base_.depth; ++k) std::memcpy(b + k * W, t_.b + (k0_ + k) * t_.b_row, bytes);
    if (t_.bias != nullptr) std::memcpy(bias, t_.bias, bytes);
    if (t_.scale != nullptr) std::memcpy(scale, t_.scale, bytes);
    float* rows = t_.c + m_ * t_.c_row;
    const bool adds = finishes_ && t_.addend != nullptr;
    for (std::int64_t m = 0; m < rows_; ++m) {
      if (base_.continues) std::memcpy(c + m * W, rows + m * t_.c_row, bytes);
      if (adds) std::memcpy(addend + m * W, t_.addend + (m_ + m) * t_.c_row, bytes);
    }
    RegisterBlock s = base_;
    s.last = 0;
    s.skip = 0;
    s.b = b;
    s.b_row = W;
    s.c_row = W;
    set_offsets(s, 0, t_.bias != nullptr ? bias : nullptr, t_.scale != nullptr ? scale : nullptr);
    strips<RowStride>(s, a, 1, c, adds ? addend : nullptr);
    for (std::int64_t m = 0; m < rows_; ++m) std::memcpy(rows + m * t_.c_row, c + m * W, bytes);
  }

  const GemmTile& t_;
  std::int64_t m_, rows_, k0_;
  bool starts_, finishes_;
  const float* next_ = nullptr;  // the panel that will be copied next
  RegisterBlock base_ = {};
};

// `ahead`: from what is copied to what will be next. Whole vectors are copied wherever they do not reach over the end: the rest of
// a row of `to` may be written too.
void copy_rows(const float* from, std::int64_t from_row, std::int64_t ahead, std::int64_t rows, std::int64_t columns, float* to,
               std::int64_t to_row) {
  const std::int64_t whole = rows - 1 - W / std::max<std::int64_t>(from_row, 1);
  for (std::int64_t r = 0; r < rows; ++r, from += from_row, to += to_row) {
    const std::int64_t vectors = r < whole ? (columns + W - 1) / W : columns / W;
    for (std::int64_t i = 0; i < vectors; ++i) {
      fetch_early(from + i * W + ahead);
      store(to + i * W, load<Vector>(from + i * W));
    }
    for (std::int64_t i = vectors * W; i < columns; ++i) to[i] = from[i];
  }
}

void gemm(const GemmTile& t) {
  const std::int64_t slices = std::max<std::int64_t>(1, (t.K + kDepth - 1) / kDepth);
  const std::int64_t depth = (t.K + slices - 1) / slices;
  alignas(64) float copied[std::max(kRowBlock * kDepth, kDepth * kCopiedRow)];
  for (std::int64_t m = 0; m < t.M; m += kRowBlock) {
    const std::int64_t rows = std::min(kRowBlock, t.M - m);
    for (std::int64_t i = 0; i < slices; ++i) {
      const std::int64_t k0 = std::min(i * depth, t.K), k1 = std::min(k0 + depth, t.K);
      Slice slice(t, m, rows, k0, k1);
      if (t.transposed) {
        if (t.gather != nullptr)
          t.gather(t.gathers, t.gather_at + k0, k1 - k0, t.gather_from + m, rows, copied, kCopiedRow);
        else
          copy_rows(t.a + k0 * t.a_row + m, t.a_row, kRowBlock, k1 - k0, rows, copied, kCopiedRow);
        slice.multiply<1>(copied, kCopiedRow);
      } else if (t.gather == nullptr && rows == 1) {
        slice.multiply<static_cast<int>(kDepth)>(t.a + m * t.a_row + k0, 1);
      } else {
        const std::int64_t ahead = k1 < t.K ? depth : m + kRowBlock < t.M ? kRowBlock * t.a_row - k0 : 0;
        if (t.gather != nullptr)
          t.gather(t.gathers, t.gather_from + m, rows, t.gather_at + k0, k1 - k0, copied, kDepth);
        else
          copy_rows(t.a + m * t.a_row + k0, t.a_row, ahead, rows, k1 - k0, copied, kDepth);
        slice.multiply<static_cast<int>(kDepth)>(copied, 1);
      }
    }
  }
}

double multiply_adds(std::int64_t rounds) {
  // Values that the compiler does not know, and that neither grow nor vanish.
  volatile float one = 1.0f;
  const float factor = one;
  Vector start{}, sums[kMostChains];
  for (int i = 0; i < kMostChains; ++i) sums[i] = start + static_cast<float>(i) * one;
  const Vector step = start + one;
  for (std::int64_t r = 0; r < rounds; ++r)
#pragma GCC unroll 16
    for (int i = 0; i < kMostChains; ++i) sums[i] = multiply_add(factor, step, sums[i]);
  for (int i = 0; i < kMostChains; ++i) start += sums[i];
  one = start[0];
  return 2.0 * static_cast<double>(rounds) * kMostChains * W;
}
