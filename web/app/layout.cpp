#include "layout.hpp"

#include <algorithm>
#include <memory>
#include <numeric>

#include "widgets/controls.hpp"

namespace neurona::app {
namespace {

// The parts of a column or row, shared by its two functions.
using Blocks = std::shared_ptr<const std::vector<Block>>;

Blocks keep(std::vector<Block> blocks) {
  std::erase_if(blocks, [](const Block& b) { return b.empty(); });
  return std::make_shared<const std::vector<Block>>(std::move(blocks));
}

float gaps(const Blocks& blocks, float gap) {
  return blocks->empty() ? 0 : gap * float(blocks->size() - 1);
}

float column_least(const Blocks& blocks, float gap, float width) {
  float height = gaps(blocks, gap);
  for (const Block& b : *blocks) height += b.least_height(width);
  return height;
}

/// Gives what is left over to those that share it; what one cannot use goes to the others.
std::vector<float> column_heights(const std::vector<Block>& blocks, float width, float height) {
  std::vector<float> heights(blocks.size());
  for (std::size_t i = 0; i < blocks.size(); ++i) heights[i] = blocks[i].least_height(width);
  float left = height - std::accumulate(heights.begin(), heights.end(), 0.f);
  for (bool again = true; again && left > 0.5f;) {
    float shares = 0;
    for (std::size_t i = 0; i < blocks.size(); ++i)
      if (heights[i] < blocks[i].most) shares += blocks[i].share;
    if (shares <= 0) break;
    again = false;
    const float before = left;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      if (heights[i] >= blocks[i].most || blocks[i].share <= 0) continue;
      const float wanted = before * blocks[i].share / shares;
      const float given = std::min(wanted, blocks[i].most - heights[i]);
      again = again || given < wanted;
      heights[i] += given, left -= given;
    }
  }
  return heights;
}

void draw_column(const Blocks& blocks, float gap, Rect area) {
  const std::vector<float> heights = column_heights(*blocks, area.w, area.h - gaps(blocks, gap));
  float y = area.y;
  for (std::size_t i = 0; i < blocks->size(); ++i) {
    (*blocks)[i].draw({area.x, y, area.w, heights[i]});
    y += heights[i] + gap;
  }
}

/// Widths by weight, within what each allows.
std::vector<float> row_widths(const std::vector<Block>& blocks, float width) {
  std::vector<float> widths(blocks.size(), -1);  // below 0: not fixed yet
  float room = width, weights = 0;
  for (const Block& b : blocks) weights += b.weight;
  for (bool fixed = true; fixed;) {
    fixed = false;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      if (widths[i] >= 0) continue;
      const float wanted = weights > 0 ? room * blocks[i].weight / weights : 0;
      const float allowed = std::clamp(wanted, blocks[i].narrowest, std::max(blocks[i].narrowest, blocks[i].widest));
      if (allowed == wanted) continue;
      widths[i] = allowed, room -= allowed, weights -= blocks[i].weight;
      fixed = true;
      break;
    }
  }
  for (std::size_t i = 0; i < blocks.size(); ++i)
    if (widths[i] < 0) widths[i] = weights > 0 ? std::max(0.f, room * blocks[i].weight / weights) : 0;
  return widths;
}

}  // namespace

Block block(float least, std::function<void(Rect)> draw) {
  return {.least = [least](float) { return least; }, .draw = std::move(draw)};
}

Block block(std::function<float(float width)> least, std::function<void(Rect)> draw) {
  return {.least = std::move(least), .draw = std::move(draw)};
}

Block space(float height) {
  return block(height, [](Rect) {});
}

Block column(std::vector<Block> blocks, float gap) {
  const Blocks kept = keep(std::move(blocks));
  if (kept->empty()) return {};
  float shares = 0;
  for (const Block& b : *kept) shares += b.share;
  return {.least = [kept, gap](float width) { return column_least(kept, gap, width); },
          .draw = [kept, gap](Rect area) { draw_column(kept, gap, area); },
          .share = shares > 0 ? 1.f : 0.f};
}

Block row(std::vector<Block> blocks, RowOptions o) {
  const Blocks kept = keep(std::move(blocks));
  if (kept->empty()) return {};
  float shares = 0;
  for (const Block& b : *kept) shares = std::max(shares, b.share);
  const auto least = [kept, o](float width) {
    if (width < o.fold_below) return column_least(kept, o.gap, width);
    const std::vector<float> widths = row_widths(*kept, width - gaps(kept, o.gap));
    float height = 0;
    for (std::size_t i = 0; i < kept->size(); ++i)
      height = std::max(height, (*kept)[i].least_height(widths[i]));
    return height;
  };
  const auto draw = [kept, o](Rect area) {
    if (area.w < o.fold_below) return draw_column(kept, o.gap, area);
    const std::vector<float> widths = row_widths(*kept, area.w - gaps(kept, o.gap));
    float x = area.x;
    for (std::size_t i = 0; i < kept->size(); ++i) {
      (*kept)[i].draw({x, area.y, widths[i], area.h});
      x += widths[i] + o.gap;
    }
  };
  return {.least = least, .draw = draw, .share = shares};
}

Block card(Ui& ui, std::string title, std::string reading, Block inside) {
  const float share = inside.share;
  const auto kept = std::make_shared<const Block>(std::move(inside));
  return {.least = [kept](float width) { return card_chrome_height() + kept->least_height(width - 2 * kCardPadding); },
          .draw =
              [&ui, kept, title = std::move(title), reading = std::move(reading)](Rect area) {
                const Rect in = card(ui, area, title, reading);
                if (!kept->empty()) kept->draw(in);
              },
          .share = share};
}

Block card(Ui& ui, Block inside, float padding) {
  const float share = inside.share;
  const auto kept = std::make_shared<const Block>(std::move(inside));
  return {.least = [kept, padding](float width) { return 2 * padding + kept->least_height(width - 2 * padding); },
          .draw =
              [&ui, kept, padding](Rect area) {
                const Rect in = card(ui, area, padding);
                if (!kept->empty()) kept->draw(in);
              },
          .share = share};
}

Block square(float more, std::function<void(Rect)> draw) {
  return block([more](float width) { return width + more; }, std::move(draw));
}

}  // namespace neurona::app
