#include "draw/privacy.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace vigie::draw {

namespace {

constexpr std::size_t kCellsAcross = 4;
constexpr std::size_t kMostCells = 12;

/// Pixels; right and bottom are the first outside.
struct Region {
  std::size_t left;
  std::size_t top;
  std::size_t right;
  std::size_t bottom;
  std::size_t width() const { return right - left; }
  std::size_t height() const { return bottom - top; }
};

std::size_t pixel(float share, std::uint32_t size, bool up) {
  const float at = share * static_cast<float>(size);
  return static_cast<std::size_t>(std::clamp(up ? std::ceil(at) : std::floor(at), 0.0F, static_cast<float>(size)));
}

Region region_of(const Box& box, float enlarge, const vision::Picture& picture) {
  const float beside = box.width * enlarge;
  const float above = box.height * enlarge;
  return {pixel(box.x - beside, picture.width, false), pixel(box.y - above, picture.height, false),
          pixel(box.x + box.width + beside, picture.width, true), pixel(box.y + box.height + above, picture.height, true)};
}

struct Cells {
  std::size_t across;
  std::size_t down;
};

Cells cells_of(const Region& region) {
  const std::size_t shorter = std::min(region.width(), region.height());
  const auto count = [&](std::size_t side) {
    const std::size_t wanted = (side * kCellsAcross + shorter - 1) / shorter;
    // Of a box of few pixels one cell: a pixel for a cell would hide nothing.
    return shorter < 4 * kCellsAcross ? 1 : std::clamp<std::size_t>(wanted, 1, kMostCells);
  };
  return {count(region.width()), count(region.height())};
}

/// Mean colour of each cell, row by row.
std::vector<float> means_of(const vision::Picture& picture, const Region& region, Cells cells) {
  std::vector<float> means;
  for (std::size_t row = 0; row < cells.down; ++row) {
    const std::size_t top = region.top + row * region.height() / cells.down;
    const std::size_t bottom = region.top + (row + 1) * region.height() / cells.down;
    for (std::size_t column = 0; column < cells.across; ++column) {
      const std::size_t left = region.left + column * region.width() / cells.across;
      const std::size_t right = region.left + (column + 1) * region.width() / cells.across;
      std::uint64_t sums[3] = {0, 0, 0};
      for (std::size_t y = top; y < bottom; ++y) {
        const std::uint8_t* at = picture.rgb.data() + (y * picture.width + left) * 3;
        for (std::size_t x = left; x < right; ++x, at += 3) {
          for (std::size_t c = 0; c < 3; ++c) sums[c] += at[c];
        }
      }
      const auto pixels = static_cast<float>((bottom - top) * (right - left));
      for (const std::uint64_t sum : sums) means.push_back(static_cast<float>(sum) / pixels);
    }
  }
  return means;
}

/// Between which two cells a pixel lies, and how far on the way from the one to the other.
struct Between {
  std::size_t one;
  std::size_t other;
  float share;
};

Between between(std::size_t index, std::size_t pixels, std::size_t cells) {
  const float at = (static_cast<float>(index) + 0.5F) * static_cast<float>(cells) / static_cast<float>(pixels) - 0.5F;
  const float held = std::clamp(at, 0.0F, static_cast<float>(cells - 1));
  const auto one = static_cast<std::size_t>(held);
  return {one, std::min(one + 1, cells - 1), held - static_cast<float>(one)};
}

void obscure_region(vision::Picture& picture, const Region& region) {
  const Cells cells = cells_of(region);
  const std::vector<float> means = means_of(picture, region, cells);
  std::vector<Between> columns;
  for (std::size_t x = 0; x < region.width(); ++x) columns.push_back(between(x, region.width(), cells.across));
  const std::size_t row_values = cells.across * 3;
  std::vector<float> row(row_values);
  for (std::size_t y = 0; y < region.height(); ++y) {
    const Between rows = between(y, region.height(), cells.down);
    for (std::size_t i = 0; i < row_values; ++i) {
      const float one = means[rows.one * row_values + i];
      row[i] = one + (means[rows.other * row_values + i] - one) * rows.share;
    }
    std::uint8_t* at = picture.rgb.data() + ((region.top + y) * picture.width + region.left) * 3;
    for (const Between& column : columns) {
      const float* one = row.data() + column.one * 3;
      const float* other = row.data() + column.other * 3;
      for (std::size_t c = 0; c < 3; ++c) {
        *at++ = static_cast<std::uint8_t>(one[c] + (other[c] - one[c]) * column.share + 0.5F);
      }
    }
  }
}

}  // namespace

void obscure(vision::Picture& picture, std::span<const Box> boxes, float enlarge) {
  for (const Box& box : boxes) {
    const Region region = region_of(box, enlarge, picture);
    if (region.right > region.left && region.bottom > region.top) obscure_region(picture, region);
  }
}

}  // namespace vigie::draw
