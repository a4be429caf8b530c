// Transforms of Winograd's minimal filtering for windows of 3x3 (Lavin and Gray 2016): tiles of (Tile+2)x(Tile+2) pixels to as many
// points, and products at those points to tiles of Tile x Tile results. Included by kernels_impl.hpp inside its namespace.

// One axis of the input's transform, B^T d.
inline void to_points(const Vector (&d)[4], Vector (&p)[4]) {
  p[0] = d[0] - d[2];
  p[1] = d[1] + d[2];
  p[2] = d[2] - d[1];
  p[3] = d[1] - d[3];
}

inline void to_points(const Vector (&d)[6], Vector (&p)[6]) {
  const Vector even = d[4] - 4.0f * d[2], odd = d[3] - 4.0f * d[1], near = d[4] - d[2], twice = 2.0f * (d[3] - d[1]);
  p[0] = 4.0f * d[0] - 5.0f * d[2] + d[4];
  p[1] = even + odd;
  p[2] = even - odd;
  p[3] = near + twice;
  p[4] = near - twice;
  p[5] = 4.0f * d[1] - 5.0f * d[3] + d[5];
}

// One axis of the output's transform, A^T p.
inline void from_points(const Vector (&p)[4], Vector (&y)[2]) {
  y[0] = p[0] + p[1] + p[2];
  y[1] = p[1] - p[2] - p[3];
}

inline void from_points(const Vector (&p)[6], Vector (&y)[4]) {
  const Vector sum = p[1] + p[2], difference = p[1] - p[2], far_sum = p[3] + p[4], far_difference = p[3] - p[4];
  y[0] = p[0] + sum + far_sum;
  y[1] = difference + 2.0f * far_difference;
  y[2] = sum + 4.0f * far_sum;
  y[3] = difference + 8.0f * far_difference + p[5];
}

template <int Tile>
void winograd_input_of(const WinogradInput& t) {
  constexpr int kSide = Tile + 2;
  for (std::int64_t c = 0; c < t.C; c += W) {
    Vector half[kSide][kSide];  // columns transformed
    for (int j = 0; j < kSide; ++j) {
      const std::int64_t ix = t.left + j;
      Vector column[kSide], points[kSide];
      for (int i = 0; i < kSide; ++i) {
        const std::int64_t iy = t.top + i;
        const bool inside = iy >= 0 && iy < t.H && ix >= 0 && ix < t.W;
        column[i] = inside ? load<Vector>(t.image + (iy * t.W + ix) * t.C + c) : Vector{};
      }
      to_points(column, points);
      for (int i = 0; i < kSide; ++i) half[i][j] = points[i];
    }
    for (int i = 0; i < kSide; ++i) {
      Vector points[kSide];
      to_points(half[i], points);
      for (int j = 0; j < kSide; ++j) store(t.points + (i * kSide + j) * t.point + c, points[j]);
    }
  }
}

template <int Tile>
void winograd_output_of(const WinogradOutput& t) {
  constexpr int kSide = Tile + 2;
  for (std::int64_t f = 0; f < t.F; f += W) {
    Vector half[Tile][kSide];
    for (int j = 0; j < kSide; ++j) {
      Vector column[kSide], values[Tile];
      for (int i = 0; i < kSide; ++i) column[i] = load<Vector>(t.points + (i * kSide + j) * t.point + f);
      from_points(column, values);
      for (int i = 0; i < Tile; ++i) half[i][j] = values[i];
    }
    for (int i = 0; i < Tile && i < t.rows; ++i) {
      Vector values[Tile];
      from_points(half[i], values);
      for (int j = 0; j < Tile && j < t.columns; ++j) {
        Vector value = values[j];
        const std::int64_t at = i * t.row + j * t.F + f;
        if (t.scale != nullptr) value *= load<Vector>(t.scale + f);
        if (t.bias != nullptr) value += load<Vector>(t.bias + f);
        if (t.addend != nullptr) value += load<Vector>(t.addend + at);
        if (t.clamps) value = clamped(value);
        store(t.y + at, value);
      }
    }
  }
}

void winograd_input(const WinogradInput& t) { t.tile == 2 ? winograd_input_of<2>(t) : winograd_input_of<4>(t); }
void winograd_output(const WinogradOutput& t) { t.tile == 2 ? winograd_output_of<2>(t) : winograd_output_of<4>(t); }
