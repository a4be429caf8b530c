#include "neurona/data/embedded_digits.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "neurona/data/strokes.hpp"
#include "neurona/error.hpp"
#include "runtime/parallel_for.hpp"

namespace neurona::data {

namespace {

// One way of writing a digit: strokes through control points, in a box of width about 0.7 and height 1, y down. A point given
// twice is a corner; between corners the pen moves along a smooth curve.
struct Glyph {
  int label;
  float weight;  // how often people write it so
  Strokes strokes;
};

const std::vector<Glyph>& glyphs() {
  static const std::vector<Glyph> all = {
      // 0: an oval, closed, or not quite.
      {0, 3, {{{.42f, 0}, {.15f, .12f}, {.02f, .45f}, {.1f, .85f}, {.36f, 1}, {.62f, .85f}, {.7f, .48f}, {.62f, .12f}, {.4f, 0}}}},
      {0, 2, {{{.55f, .06f}, {.3f, .02f}, {.06f, .3f}, {.04f, .7f}, {.25f, .98f}, {.52f, .9f}, {.68f, .5f}, {.62f, .15f}, {.35f, .03f}}}},
      {0, 1, {{{.35f, .02f}, {.0f, .35f}, {.12f, .9f}, {.5f, .98f}, {.8f, .6f}, {.7f, .15f}, {.4f, .05f}, {.25f, .12f}}}},
      // 1: a line; with a flag; with flag and base.
      {1, 6, {{{.3f, 0}, {.3f, .5f}, {.3f, 1}}}},
      {1, 2, {{{.1f, .25f}, {.33f, 0}, {.33f, 0}, {.33f, .5f}, {.33f, 1}}}},
      {1, 1, {{{.1f, .22f}, {.33f, 0}, {.33f, 0}, {.33f, 1}}, {{.08f, 1}, {.6f, 1}}}},
      // 2: with a corner at the foot; with a loop; with a flat foot.
      {2, 3, {{{.05f, .2f}, {.25f, .01f}, {.55f, .05f}, {.64f, .28f}, {.45f, .6f}, {.05f, .97f}, {.05f, .97f}, {.35f, .95f}, {.75f, .95f}}}},
      {2, 3, {{{.05f, .22f}, {.3f, 0}, {.6f, .12f}, {.58f, .42f}, {.35f, .78f}, {.1f, .97f}, {.02f, .85f}, {.15f, .74f}, {.4f, .88f}, {.78f, .93f}}}},
      {2, 2, {{{.0f, .3f}, {.15f, .05f}, {.5f, 0}, {.66f, .2f}, {.5f, .5f}, {.2f, .8f}, {.0f, 1}, {.0f, 1}, {.3f, .93f}, {.55f, 1}, {.8f, .92f}}}},
      // 3: two bows; with a flat top; with a deep waist.
      {3, 4, {{{.05f, .1f}, {.35f, 0}, {.6f, .15f}, {.5f, .4f}, {.22f, .47f}, {.22f, .47f}, {.55f, .52f}, {.65f, .78f}, {.4f, .99f}, {.02f, .9f}}}},
      {3, 1, {{{.05f, .02f}, {.6f, .02f}, {.6f, .02f}, {.28f, .4f}, {.28f, .4f}, {.58f, .5f}, {.62f, .8f}, {.35f, 1}, {.0f, .9f}}}},
      {3, 2, {{{.02f, .15f}, {.3f, 0}, {.58f, .12f}, {.52f, .36f}, {.25f, .48f}, {.5f, .5f}, {.68f, .7f}, {.5f, .95f}, {.2f, 1}, {.0f, .88f}}}},
      // 4: open, two strokes; closed; like a lightning bolt.
      {4, 4, {{{.1f, .05f}, {.05f, .3f}, {.06f, .52f}, {.06f, .52f}, {.35f, .52f}, {.66f, .46f}}, {{.58f, .05f}, {.54f, .5f}, {.5f, 1}}}},
      {4, 2, {{{.5f, 0}, {.02f, .62f}, {.02f, .62f}, {.7f, .62f}}, {{.5f, 0}, {.5f, 1}}}},
      {4, 3, {{{.12f, .02f}, {.02f, .36f}, {.15f, .5f}, {.42f, .48f}, {.6f, .3f}, {.64f, .02f}, {.64f, .02f}, {.58f, .5f}, {.52f, 1}}}},
      {4, 2, {{{.45f, .02f}, {.05f, .5f}, {.05f, .5f}, {.62f, .48f}}, {{.48f, .28f}, {.42f, .6f}, {.38f, 1}}}},
      // 5: the roof last; in one go; with a straight neck.
      {5, 3, {{{.15f, .05f}, {.1f, .42f}, {.1f, .42f}, {.4f, .38f}, {.6f, .6f}, {.5f, .9f}, {.2f, 1}, {.0f, .9f}}, {{.15f, .05f}, {.62f, .03f}}}},
      {5, 3, {{{.65f, .02f}, {.2f, .04f}, {.2f, .04f}, {.12f, .42f}, {.12f, .42f}, {.45f, .42f}, {.58f, .68f}, {.4f, .96f}, {.02f, .95f}}}},
      {5, 2, {{{.75f, .0f}, {.35f, .05f}, {.22f, .3f}, {.3f, .45f}, {.52f, .6f}, {.5f, .88f}, {.25f, 1}, {.02f, .88f}}}},
      // 6: a slanted back with a small bow; round back; narrow.
      {6, 4, {{{.5f, 0}, {.22f, .25f}, {.05f, .6f}, {.12f, .92f}, {.38f, 1}, {.6f, .8f}, {.5f, .58f}, {.25f, .6f}, {.1f, .78f}}}},
      {6, 2, {{{.6f, .08f}, {.35f, .02f}, {.1f, .3f}, {.04f, .7f}, {.22f, .98f}, {.55f, .92f}, {.62f, .68f}, {.4f, .52f}, {.1f, .68f}}}},
      {6, 3, {{{.25f, 0}, {.08f, .35f}, {.03f, .7f}, {.2f, .98f}, {.48f, .95f}, {.55f, .72f}, {.35f, .6f}, {.08f, .75f}}}},
      // 7: plain; with a bar; with a bent back; with a serif.
      {7, 4, {{{.02f, .06f}, {.3f, .04f}, {.65f, .03f}, {.65f, .03f}, {.48f, .4f}, {.32f, 1}}}},
      {7, 1.5f, {{{.02f, .06f}, {.65f, .03f}, {.65f, .03f}, {.4f, .5f}, {.25f, 1}}, {{.15f, .52f}, {.62f, .48f}}}},
      {7, 2, {{{.02f, .15f}, {.08f, .04f}, {.35f, .08f}, {.66f, .02f}, {.66f, .02f}, {.55f, .35f}, {.42f, .7f}, {.4f, 1}}}},
      {7, 1, {{{.05f, .22f}, {.05f, .05f}, {.05f, .05f}, {.65f, .05f}, {.65f, .05f}, {.45f, .5f}, {.35f, 1}}}},
      // 8: an S closed by a rising line; two rings; begun in the middle.
      {8, 4, {{{.55f, .1f}, {.3f, .0f}, {.08f, .15f}, {.2f, .4f}, {.48f, .58f}, {.58f, .82f}, {.32f, 1}, {.06f, .85f}, {.18f, .6f}, {.48f, .35f}, {.6f, .12f}, {.42f, .01f}}}},
      {8, 1, {{{.32f, 0}, {.08f, .15f}, {.12f, .4f}, {.32f, .48f}, {.54f, .38f}, {.56f, .12f}, {.32f, 0}}, {{.32f, .48f}, {.05f, .62f}, {.06f, .9f}, {.32f, 1}, {.6f, .88f}, {.6f, .6f}, {.32f, .48f}}}},
      {8, 2, {{{.32f, .46f}, {.1f, .28f}, {.15f, .05f}, {.4f, .0f}, {.55f, .18f}, {.38f, .42f}, {.1f, .68f}, {.1f, .93f}, {.35f, 1}, {.56f, .85f}, {.48f, .6f}, {.3f, .46f}}}},
      // 9: a ring with a straight leg; with a bent leg; in one bow.
      {9, 4, {{{.58f, .15f}, {.35f, .02f}, {.08f, .18f}, {.12f, .42f}, {.4f, .44f}, {.58f, .18f}, {.58f, .18f}, {.55f, .6f}, {.5f, 1}}}},
      {9, 3, {{{.6f, .2f}, {.35f, .0f}, {.06f, .2f}, {.16f, .48f}, {.45f, .42f}, {.6f, .12f}, {.6f, .5f}, {.45f, .85f}, {.12f, 1}}}},
      {9, 2, {{{.52f, .06f}, {.25f, .02f}, {.04f, .28f}, {.22f, .5f}, {.5f, .35f}, {.55f, .08f}, {.55f, .08f}, {.45f, .55f}, {.3f, 1}}}},
  };
  return all;
}

bool same(Point a, Point b) { return a.x == b.x && a.y == b.y; }

// Points along a Catmull-Rom curve through those of one corner-free piece.
void trace(std::span<const Point> piece, Stroke& out) {
  constexpr int kSteps = 6;
  if (piece.size() == 1) out.push_back(piece[0]);
  for (std::size_t i = 0; i + 1 < piece.size(); ++i) {
    const Point b = piece[i], c = piece[i + 1];
    const Point a = i > 0 ? piece[i - 1] : Point{2 * b.x - c.x, 2 * b.y - c.y};
    const Point d = i + 2 < piece.size() ? piece[i + 2] : Point{2 * c.x - b.x, 2 * c.y - b.y};
    for (int s = i == 0 ? 0 : 1; s <= kSteps; ++s) {
      const float t = static_cast<float>(s) / kSteps;
      const auto curve = [t](float p, float q, float r, float u) {
        return q + 0.5f * t * (r - p + t * (2 * p - 5 * q + 4 * r - u + t * (3 * (q - r) + u - p)));
      };
      out.push_back({curve(a.x, b.x, c.x, d.x), curve(a.y, b.y, c.y, d.y)});
    }
  }
}

// The glyph by a shaking hand: each control point moves a little, corners stay corners.
Strokes written(const Glyph& glyph, Rng& rng) {
  constexpr float kShake = 0.035f;
  Strokes strokes;
  for (const Stroke& controls : glyph.strokes) {
    Stroke shaken = controls;
    for (std::size_t i = 0; i < shaken.size(); ++i)
      shaken[i] = i > 0 && same(controls[i], controls[i - 1])
                      ? shaken[i - 1]
                      : Point{shaken[i].x + kShake * rng.normal(), shaken[i].y + kShake * rng.normal()};
    Stroke& out = strokes.emplace_back();
    std::size_t begin = 0;
    for (std::size_t i = 1; i <= shaken.size(); ++i) {
      if (i < shaken.size() && !same(shaken[i], shaken[i - 1])) continue;
      trace(std::span(shaken).subspan(begin, i - begin), out);
      begin = i;
    }
  }
  return strokes;
}

const Glyph& choose(int label, Rng& rng) {
  float total = 0.0f;
  for (const Glyph& glyph : glyphs()) total += glyph.label == label ? glyph.weight : 0.0f;
  float ticket = rng.uniform(0.0f, total);
  const Glyph* chosen = nullptr;
  for (const Glyph& glyph : glyphs()) {
    if (glyph.label != label) continue;
    chosen = &glyph;
    ticket -= glyph.weight;
    if (ticket < 0.0f) break;
  }
  return *chosen;
}

}  // namespace

ImageSet embedded_digits(const EmbeddedDigitsOptions& options) {
  // People slant to the right more than to the left.
  constexpr float kMeanSlant = 0.12f;
  const DistortOptions variation{.rotation = 8.0f, .shear = 0.22f, .aspect = 0.2f, .elastic = 0.05f, .jitter = 0.004f};
  constexpr float kThinnest = 1.7f, kThickest = 4.0f;

  if (options.count < 0 || options.first < 0)
    throw ValueError("embedded_digits: count = " + std::to_string(options.count) + ", first = " + std::to_string(options.first) +
                     "; both must be 0 or more.");
  ImageSet set;
  set.height = set.width = kDigitSide;
  const auto count = static_cast<std::size_t>(options.count);
  set.pixels.resize(count * kDigitSide * kDigitSide);
  set.labels.resize(count);
  const Rng seed_rng(options.seed);
  glyphs();  // made before the threads ask for them
  runtime::parallel_for(static_cast<std::int64_t>(count), [&](std::int64_t i) {
    Rng rng = seed_rng.fork(static_cast<std::uint64_t>(options.first + i));
    const int label = static_cast<int>((options.first + i) % 10);
    Strokes strokes = written(choose(label, rng), rng);
    for (Stroke& stroke : strokes)
      for (Point& p : stroke) p.x -= kMeanSlant * p.y;
    const DigitImage image =
        prepare_digit(distort(strokes, rng, variation), {.thickness = rng.uniform(kThinnest, kThickest)});
    std::copy(image.begin(), image.end(), set.pixels.data() + i * kDigitSide * kDigitSide);
    set.labels[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(label);
  });
  return set;
}

}  // namespace neurona::data
