#include "neurona/data/digit_picture.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <vector>

#include "data/plane.hpp"
#include "neurona/error.hpp"

namespace neurona::data {

namespace {

// --- measures, as shares of the picture's longer side unless they say otherwise ---
constexpr double kMostWorkingPixels = 1'000'000;
constexpr int kLeastSide = 112;          // smaller pictures are enlarged before they are searched
constexpr double kTinySide = 64;
constexpr double kGroundWindow = 0.3;    // wider than any stroke, narrower than what light does
constexpr double kTinyGroundWindow = 0.7;  // of a tiny picture, which is all digit
constexpr float kDarkestGround = 0.35f;  // darker ground counts as this: there noise would look like ink
constexpr float kLeastInk = 0.10f;       // of the ground: fainter is no ink
constexpr float kNoiseDeviations = 5.0f;
constexpr float kFaintest = 0.35f;       // of the strong ink
constexpr double kLeastHeight = 0.03;    // of a digit
constexpr double kThinLine = 0.025;      // a ruled line is at most so thick
constexpr double kMargin = 0.04;         // a ruled line comes so near the border on both sides
constexpr double kLineLength = 0.45;     // and has so much of the side, without the gaps where strokes cross it
constexpr float kThinStroke = 1.4f, kPenStroke = 2.2f;  // pixels of the 28x28 image: strokes below the first are thickened to the second

struct Component {
  int left = 1 << 30, top = 1 << 30, right = 0, bottom = 0;  // right and bottom excluded
  std::int64_t area = 0;
  double mass = 0.0;  // sum of ink
  float strongest = 0.0f;
  bool touches_border = false;
  int width() const { return right - left; }
  int height() const { return bottom - top; }
  int side() const { return std::max(width(), height()); }
};

struct Components {
  std::vector<int> label;  // by pixel; -1: ground
  std::vector<Component> all;
};

// Connected pixels (8 neighbors) of at least `threshold`.
Components components_of(const Plane& ink, float threshold) {
  Components found;
  found.label.assign(ink.values.size(), -1);
  std::vector<int> stack;
  for (int start = 0; start < static_cast<int>(ink.values.size()); ++start) {
    if (ink.values[static_cast<std::size_t>(start)] < threshold || found.label[static_cast<std::size_t>(start)] >= 0) continue;
    const int id = static_cast<int>(found.all.size());
    Component c;
    stack.assign(1, start);
    found.label[static_cast<std::size_t>(start)] = id;
    while (!stack.empty()) {
      const int at = stack.back(), x = at % ink.width, y = at / ink.width;
      stack.pop_back();
      const float value = ink.values[static_cast<std::size_t>(at)];
      c.left = std::min(c.left, x), c.top = std::min(c.top, y), c.right = std::max(c.right, x + 1), c.bottom = std::max(c.bottom, y + 1);
      ++c.area, c.mass += static_cast<double>(value), c.strongest = std::max(c.strongest, value);
      for (int dy = -1; dy <= 1; ++dy)
        for (int dx = -1; dx <= 1; ++dx) {
          const int nx = x + dx, ny = y + dy;
          if (nx < 0 || ny < 0 || nx >= ink.width || ny >= ink.height) continue;
          const auto next = static_cast<std::size_t>(ny * ink.width + nx);
          if (found.label[next] >= 0 || ink.values[next] < threshold) continue;
          found.label[next] = id;
          stack.push_back(static_cast<int>(next));
        }
    }
    c.touches_border = c.left == 0 || c.top == 0 || c.right == ink.width || c.bottom == ink.height;
    found.all.push_back(c);
  }
  return found;
}

// How much darker each pixel is than the ground around it, as a share of that. The ground is the morphological closing of the picture: what
// is darker and narrower than the window is filled, light that falls off or ends at an edge stays.
Plane ink_on(const Plane& gray, double window) {
  const int radius = std::max(3, static_cast<int>(window * std::max(gray.width, gray.height) / 2));
  const Plane ground = closing(gray, radius);
  Plane ink(gray.width, gray.height);
  for (std::size_t i = 0; i < ink.values.size(); ++i)
    ink.values[i] = std::max(0.0f, ground.values[i] - gray.values[i]) / std::max(ground.values[i], kDarkestGround);
  return ink;
}

// --- lines of ruled and squared paper, frames ---

struct Run {
  int column, begin, end;
  int thickness() const { return end - begin; }
};

// The thin vertical runs of ink in each column: parts of lines that go across.
std::vector<Run> thin_runs(const Plane& ink, float threshold, int most) {
  std::vector<Run> runs;
  for (int x = 0; x < ink.width; ++x)
    for (int y = 0; y < ink.height;) {
      if (ink.at(x, y) < threshold) {
        ++y;
        continue;
      }
      const int begin = y;
      while (y < ink.height && ink.at(x, y) >= threshold) ++y;
      if (y - begin <= most) runs.push_back({x, begin, y});
    }
  return runs;
}

struct Line {
  double offset, slope;  // y = offset + slope * x
  int thickness;         // the median of its runs
  bool reaches_borders;
};

// Straight lines that go across the picture: of all slopes up to about 6 degrees that with the longest lines, then its peaks.
std::vector<Line> lines_across(const Plane& ink, const std::vector<Run>& runs) {
  constexpr double kSteepest = 0.105, kStep = 0.0025;
  const int bins = ink.height + 2 * static_cast<int>(kSteepest * ink.width) + 4, shift = static_cast<int>(kSteepest * ink.width) + 2;
  std::vector<int> votes(static_cast<std::size_t>(bins)), best_votes;
  double best = 0.0, best_slope = 0.0;
  for (double slope = -kSteepest; slope <= kSteepest + kStep / 2; slope += kStep) {
    std::fill(votes.begin(), votes.end(), 0);
    for (const Run& run : runs) ++votes[static_cast<std::size_t>(std::lround(0.5 * (run.begin + run.end - 1) - slope * run.column) + shift)];
    double squares = 0.0;
    for (std::size_t i = 1; i < votes.size(); ++i) squares += std::pow(static_cast<double>(votes[i] + votes[i - 1]), 2);
    if (squares > best) best = squares, best_slope = slope, best_votes = votes;
  }
  std::vector<Line> lines;
  if (best_votes.empty()) return lines;
  const auto near = [&](int bin) {
    int sum = 0;
    for (int i = std::max(bin - 1, 0); i <= std::min(bin + 1, bins - 1); ++i) sum += best_votes[static_cast<std::size_t>(i)];
    return sum;
  };
  for (int bin = 1; bin + 1 < bins; ++bin) {
    if (near(bin) < kLineLength * ink.width) continue;
    int peak = bin;
    while (bin + 1 < bins && near(bin + 1) >= kLineLength * ink.width) {
      ++bin;
      if (near(bin) > near(peak)) peak = bin;
    }
    std::vector<int> thicknesses;
    int first = ink.width, last = 0;
    for (const Run& run : runs)
      if (std::abs(0.5 * (run.begin + run.end - 1) - best_slope * run.column + shift - peak) <= 2.0) {
        thicknesses.push_back(run.thickness());
        first = std::min(first, run.column), last = std::max(last, run.column);
      }
    std::nth_element(thicknesses.begin(), thicknesses.begin() + std::ssize(thicknesses) / 2, thicknesses.end());
    lines.push_back({static_cast<double>(peak - shift), best_slope, thicknesses[thicknesses.size() / 2],
                     first <= kMargin * ink.width && last >= (1.0 - kMargin) * ink.width});
  }
  return lines;
}

// A line that is missing among equally distant ones is there, too, under a stroke that goes along it.
void fill_gaps(std::vector<Line>& lines) {
  if (lines.size() < 3) return;
  std::vector<double> steps;
  for (std::size_t i = 1; i < lines.size(); ++i) steps.push_back(lines[i].offset - lines[i - 1].offset);
  std::nth_element(steps.begin(), steps.begin() + std::ssize(steps) / 2, steps.end());
  const double step = steps[steps.size() / 2];
  const std::size_t known = lines.size();
  for (std::size_t i = 1; i < known; ++i) {
    const double gap = lines[i].offset - lines[i - 1].offset;
    const auto missing = std::lround(gap / step) - 1;
    if (missing < 1 || missing > 3 || std::abs(gap / static_cast<double>(missing + 1) - step) > 0.15 * step) continue;
    for (long k = 1; k <= missing; ++k) {
      Line line = lines[i - 1];
      line.offset += gap * static_cast<double>(k) / static_cast<double>(missing + 1);
      lines.push_back(line);
    }
  }
}

// Takes a line's ink away but where a stroke crosses it: there it is thicker than elsewhere.
void erase(Plane& ink, const std::vector<Run>& runs, const Line& line) {
  for (const Run& run : runs) {
    if (std::abs(0.5 * (run.begin + run.end - 1) - line.slope * run.column - line.offset) > 1.0 + line.thickness) continue;
    if (run.thickness() > 1.5 * line.thickness + 2.0) continue;
    // The soft edges of the line go, too.
    for (int y = std::max(run.begin - 2, 0); y < std::min(run.end + 2, ink.height); ++y) ink.at(run.column, y) = 0.0f;
  }
}

// Lines that reach both borders are the paper's; two across and two along are a frame's. One or two that end within the picture may be a
// digit's own strokes.
bool erase_lines(Plane& ink, float threshold) {
  const int most = std::max(3, static_cast<int>(kThinLine * std::max(ink.width, ink.height)));
  Plane turned = transposed(ink);
  const std::vector<Run> across = thin_runs(ink, threshold, most), along = thin_runs(turned, threshold, most);
  std::vector<Line> rows = lines_across(ink, across), columns = lines_across(turned, along);
  const bool is_frame = rows.size() >= 2 && columns.size() >= 2;
  fill_gaps(rows);
  fill_gaps(columns);
  bool any = false;
  for (const Line& line : rows)
    if (line.reaches_borders || is_frame) erase(ink, across, line), any = true;
  Plane kept(turned.width, turned.height);
  std::fill(kept.values.begin(), kept.values.end(), 1.0f);
  for (const Line& line : columns)
    if (line.reaches_borders || is_frame) erase(kept, along, line), any = true;
  const Plane kept_back = transposed(kept);
  for (std::size_t i = 0; i < ink.values.size(); ++i) ink.values[i] *= kept_back.values[i];
  return any;
}

// A frame that is thicker than a line: wide and high, around others, its ink near the sides of its box.
bool is_frame(const Component& c, const std::vector<Component>& all, const Plane& ink, const std::vector<int>& label, int id) {
  if (c.width() < 0.4 * ink.width || c.height() < 0.4 * ink.height) return false;
  const bool encloses = std::any_of(all.begin(), all.end(), [&](const Component& other) {
    return &other != &c && other.left > c.left && other.right < c.right && other.top > c.top && other.bottom < c.bottom && other.area >= 12 &&
           other.side() > 0.08 * c.side();
  });
  if (!encloses) return false;
  const int band = std::max(2, c.side() / 8);
  std::int64_t inside = 0;
  for (int y = c.top + band; y < c.bottom - band; ++y)
    for (int x = c.left + band; x < c.right - band; ++x) inside += label[static_cast<std::size_t>(y * ink.width + x)] == id ? 1 : 0;
  return static_cast<double>(inside) < 0.1 * static_cast<double>(c.area);
}

// --- the digit among the components ---

// Pixels between two boxes; 0 where they overlap.
int distance(const Component& a, const Component& b) {
  const int dx = std::max({0, a.left - b.right, b.left - a.right}), dy = std::max({0, a.top - b.bottom, b.top - a.bottom});
  return std::max(dx, dy);
}

// The ink below which nine tenths of all ink lie.
float strong_ink(const Plane& ink, float threshold) {
  std::vector<float> inks;
  for (const float value : ink.values)
    if (value >= threshold) inks.push_back(value);
  if (inks.empty()) return 0.0f;
  const auto place = inks.begin() + static_cast<std::ptrdiff_t>(0.9 * static_cast<double>(inks.size() - 1));
  std::nth_element(inks.begin(), place, inks.end());
  return *place;
}

struct Candidate {
  Plane ink;
  std::vector<std::uint8_t> is_digit;  // by pixel
  Component box;
  float stroke = 0.0f;  // its thickness
  int others = 0;
};

// Mean thickness of the strokes: area over half of the edge's length.
float stroke_width(const std::vector<std::uint8_t>& mask, int width, int height) {
  std::int64_t area = 0, edges = 0;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      const auto at = static_cast<std::size_t>(y * width + x);
      if (mask[at] == 0) continue;
      ++area;
      edges += (x == 0 || mask[at - 1] == 0) + (x == width - 1 || mask[at + 1] == 0) + (y == 0 || mask[at - static_cast<std::size_t>(width)] == 0) +
               (y == height - 1 || mask[at + static_cast<std::size_t>(width)] == 0);
    }
  constexpr double kStaircase = 4.0 / 3.14159265358979;  // a slanted edge counts for so much more than its length
  return edges > 0 ? static_cast<float>(2.0 * static_cast<double>(area) / (static_cast<double>(edges) / kStaircase)) : 0.0f;
}

// `is_tiny`: a picture of so few pixels has no room for more than a digit, whose strokes may break and fade.
std::optional<Candidate> look_for_digit(const Plane& gray, float noise, bool is_tiny) {
  Candidate found{.ink = ink_on(gray, is_tiny ? kTinyGroundWindow : kGroundWindow), .is_digit = {}, .box = {}};
  const float threshold = std::max(kLeastInk, kNoiseDeviations * noise / std::max(median_of(gray), kDarkestGround));
  erase_lines(found.ink, threshold);
  const int side = std::max(gray.width, gray.height);
  // Of what is left, a digit's strokes are about as strong as each other: fainter lines that touch them fall away.
  Components parts = components_of(found.ink, std::max(threshold, (is_tiny ? 0.0f : kFaintest) * strong_ink(found.ink, threshold)));

  const auto weight = [&](const Component& c) { return c.mass * (c.touches_border ? 0.05 : 1.0); };
  std::vector<int> usable;
  std::vector<char> is_apart(parts.all.size(), 0);  // frames
  for (int i = 0; i < static_cast<int>(parts.all.size()); ++i) {
    const Component& c = parts.all[static_cast<std::size_t>(i)];
    if (c.side() < kLeastHeight * side || c.strongest < 1.5f * threshold) continue;
    if (is_frame(c, parts.all, found.ink, parts.label, i))
      is_apart[static_cast<std::size_t>(i)] = 1;
    else
      usable.push_back(i);
  }
  if (usable.empty()) return std::nullopt;
  const int main = *std::max_element(usable.begin(), usable.end(), [&](int a, int b) {
    return weight(parts.all[static_cast<std::size_t>(a)]) < weight(parts.all[static_cast<std::size_t>(b)]);
  });
  Component box = parts.all[static_cast<std::size_t>(main)];
  // A strip along the border is no digit.
  if (box.touches_border && (box.width() > 0.98 * gray.width || box.height() > 0.98 * gray.height)) return std::nullopt;

  // What stands near and is made of like strokes belongs to it: the bar of a 5, the halves of a 4.
  const Component first = box;
  std::vector<char> belongs(parts.all.size(), 0);
  belongs[static_cast<std::size_t>(main)] = 1;
  for (bool grows = true; grows;) {
    grows = false;
    for (std::size_t i = 0; i < parts.all.size(); ++i) {
      const Component& c = parts.all[i];
      if (belongs[i] != 0 || is_apart[i] != 0 || (c.touches_border && !is_tiny) || c.area < std::max<std::int64_t>(6, first.area / 30)) continue;
      if (c.strongest < 0.45f * first.strongest || c.side() > 2 * first.side()) continue;
      const bool is_part = c.area >= first.area / 6;  // a stroke of its own; smaller ones must be nearer
      if (distance(c, box) > (is_tiny ? 0.25 : is_part ? 0.14 : 0.07) * first.side()) continue;
      // Beside it and as high is another digit.
      const bool beside = c.left >= box.right || c.right <= box.left;
      if (beside && c.height() > 0.6 * first.height() && c.area > first.area / 3 && first.height() > 0.6 * first.width() && distance(c, box) > 0.05 * first.side()) continue;
      belongs[i] = 1, grows = true;
      box.left = std::min(box.left, c.left), box.top = std::min(box.top, c.top);
      box.right = std::max(box.right, c.right), box.bottom = std::max(box.bottom, c.bottom);
      box.area += c.area, box.mass += c.mass;
    }
  }
  for (const int i : usable) {
    const Component& c = parts.all[static_cast<std::size_t>(i)];
    if (belongs[static_cast<std::size_t>(i)] == 0 && !c.touches_border && c.height() > 0.5 * box.height() && c.area > box.area / 4 &&
        c.strongest > 0.5f * box.strongest)
      ++found.others;
  }
  found.is_digit.resize(parts.label.size());
  for (std::size_t i = 0; i < parts.label.size(); ++i)
    found.is_digit[i] = parts.label[i] >= 0 && belongs[static_cast<std::size_t>(parts.label[i])] != 0 ? 1 : 0;
  found.stroke = stroke_width(found.is_digit, gray.width, gray.height);
  found.box = box;
  return found;
}

// --- 28x28 ---

// `picture_scale`: working pixels for each of the picture's.
DigitImage prepared(const Candidate& c, double picture_scale) {
  constexpr int kBox = 20;
  const Component& box = c.box;
  // The strongest ink, without outliers, becomes 1; what is faint at the edges stays soft.
  std::vector<float> inks;
  for (int y = box.top; y < box.bottom; ++y)
    for (int x = box.left; x < box.right; ++x)
      if (c.is_digit[static_cast<std::size_t>(y * c.ink.width + x)] != 0) inks.push_back(c.ink.at(x, y));
  const auto high = inks.begin() + static_cast<std::ptrdiff_t>(0.8 * static_cast<double>(inks.size() - 1));
  std::nth_element(inks.begin(), high, inks.end());
  const float full = std::max(*high, 0.01f);

  double scale = kBox / static_cast<double>(box.side());
  const bool is_thin = c.stroke * static_cast<float>(scale) < kThinStroke;
  const float radius = is_thin ? (kPenStroke / static_cast<float>(scale) - c.stroke) / 2 : 0.0f;
  scale = kBox / (static_cast<double>(box.side()) + 2.0 * static_cast<double>(radius));
  // Of a picture that has MNIST's measures, more or less, each pixel stays what it is.
  constexpr double kSnaps = 0.08;
  const bool stays = radius == 0.0f && std::abs(scale * picture_scale - 1.0) < kSnaps;
  if (stays) scale = 1.0 / picture_scale;
  const int margin = static_cast<int>(std::ceil(radius)) + 3;
  Plane digit(box.width() + 2 * margin, box.height() + 2 * margin);
  for (int y = 0; y < digit.height; ++y)
    for (int x = 0; x < digit.width; ++x) {
      const int px = x + box.left - margin, py = y + box.top - margin;
      if (px < 0 || py < 0 || px >= c.ink.width || py >= c.ink.height) continue;
      bool near = stays;  // the soft edge of the strokes counts, too
      for (int dy = -2; dy <= 2 && !near; ++dy)
        for (int dx = -2; dx <= 2 && !near; ++dx) {
          const int nx = px + dx, ny = py + dy;
          near = nx >= 0 && ny >= 0 && nx < c.ink.width && ny < c.ink.height && c.is_digit[static_cast<std::size_t>(ny * c.ink.width + nx)] != 0;
        }
      if (near) digit.at(x, y) = std::min(1.0f, c.ink.at(px, py) / full);
    }
  if (radius > 0.0f) digit = thickened(digit, radius);

  double mass = 0.0, mx = 0.0, my = 0.0;
  for (int y = 0; y < digit.height; ++y)
    for (int x = 0; x < digit.width; ++x) {
      const auto ink = static_cast<double>(digit.at(x, y));
      mass += ink, mx += ink * (x + 0.5), my += ink * (y + 0.5);
    }
  mx /= mass, my /= mass;
  if (stays) {  // by whole pixels
    mx = std::round((mx + box.left - margin) / picture_scale) * picture_scale - box.left + margin;
    my = std::round((my + box.top - margin) / picture_scale) * picture_scale - box.top + margin;
  }
  DigitImage image{};
  for (int y = 0; y < kDigitSide; ++y)
    for (int x = 0; x < kDigitSide; ++x) {
      const double x0 = (x - kDigitSide / 2) / scale + mx, y0 = (y - kDigitSide / 2) / scale + my;
      image[static_cast<std::size_t>(y * kDigitSide + x)] =
          static_cast<std::uint8_t>(std::lround(255.0 * std::min(1.0, mean_of(digit, x0, y0, x0 + 1 / scale, y0 + 1 / scale))));
    }
  return image;
}

// The inside of a dark 0 looks like light ink, too. Ground is what there is more of, there where dark and light meet.
bool is_ground_dark(const Plane& gray) {
  constexpr double kReach = 0.12;
  const int radius = std::max(3, static_cast<int>(kReach * std::max(gray.width, gray.height)));
  const Plane high = largest_near(gray, radius), low = smallest_near(gray, radius);
  float most = 0.0f;
  for (std::size_t i = 0; i < gray.values.size(); ++i) most = std::max(most, high.values[i] - low.values[i]);
  std::int64_t dark = 0, light = 0;
  for (std::size_t i = 0; i < gray.values.size(); ++i) {
    if (high.values[i] - low.values[i] < 0.5f * most) continue;
    // Light multiplies: between the two lies their geometric mean, so that paper in a shadow is still light.
    const float darkest = std::max(low.values[i], 0.02f);
    ++(gray.values[i] * gray.values[i] < high.values[i] * darkest ? dark : light);
  }
  return dark > light;
}

}  // namespace

std::optional<DigitPicture> find_digit(const Image& picture, std::string* reason) {
  const auto nothing = [&](const char* why) -> std::optional<DigitPicture> {
    if (reason != nullptr) *reason = why;
    return std::nullopt;
  };
  if (static_cast<std::int64_t>(picture.pixels.size()) != picture.height * picture.width * 3 || picture.height < 1 || picture.width < 1)
    throw ValueError("find_digit: " + std::to_string(picture.pixels.size()) + " values for a picture of " + std::to_string(picture.width) + "x" +
                     std::to_string(picture.height) + " pixels of 3.");
  // Working pixels for each of the picture's: below 1 for large pictures, whole numbers for small ones.
  const auto pixels = static_cast<double>(picture.height) * static_cast<double>(picture.width);
  const double longer = static_cast<double>(std::max(picture.height, picture.width));
  double scale = std::min(1.0, std::sqrt(kMostWorkingPixels / pixels));
  if (longer < kLeastSide) scale = std::ceil(kLeastSide / longer);
  const Plane gray = gray_of(picture, scale);
  const auto [darkest, lightest] = std::minmax_element(gray.values.begin(), gray.values.end());
  if (*lightest - *darkest < 0.02f) return nothing("it is all of one color");
  const bool is_tiny = longer <= kTinySide;
  const float noise = longer < kLeastSide ? 0.0f : noise_of(gray);
  const Plane smooth = scale < 1.0 || longer < kLeastSide ? gray : smoothed(gray);

  std::optional<Candidate> dark = look_for_digit(smooth, noise, is_tiny), light = look_for_digit(inverted(smooth), noise, is_tiny);
  if (!dark && !light) return nothing("nothing stands out from its ground but lines, specks or noise");
  const bool is_light = is_ground_dark(smooth);
  if (!(is_light ? light : dark)) return nothing("nothing stands out but the ground between lines and other things");
  const Candidate& digit = is_light ? *light : *dark;
  const double fill = static_cast<double>(digit.box.area) / (static_cast<double>(digit.box.width()) * digit.box.height());
  if (fill > 0.92 && digit.box.width() > 0.35 * digit.box.height()) return nothing("what stands out is a blot, no strokes");
  const auto back = [&](int at, std::int64_t most) { return std::clamp<std::int64_t>(std::llround(at / scale), 0, most); };
  return DigitPicture{.digit = prepared(digit, scale),
                      .box = {back(digit.box.left, picture.width), back(digit.box.top, picture.height), back(digit.box.right, picture.width),
                              back(digit.box.bottom, picture.height)},
                      .is_light = is_light,
                      .others = digit.others};
}

}  // namespace neurona::data
