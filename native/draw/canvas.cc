#include "draw/canvas.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace vigie::draw {

namespace {

std::uint8_t mixed(std::uint8_t under, std::uint8_t over, float opacity) {
  const float one = under;
  return static_cast<std::uint8_t>(one + (static_cast<float>(over) - one) * opacity + 0.5F);
}

/// A whole number within the bounds, however far away the value is.
std::int32_t clamped(float value, std::int32_t least, std::int32_t most) {
  return static_cast<std::int32_t>(std::clamp(value, static_cast<float>(least), static_cast<float>(most)));
}

}  // namespace

void Canvas::blend(std::int32_t x, std::int32_t y, Colour colour, float opacity) {
  std::uint8_t* at = picture_.rgb.data() + (static_cast<std::size_t>(y) * picture_.width + static_cast<std::size_t>(x)) * 3;
  at[0] = mixed(at[0], colour.red, opacity);
  at[1] = mixed(at[1], colour.green, opacity);
  at[2] = mixed(at[2], colour.blue, opacity);
}

void Canvas::fill(float left, float top, float right, float bottom, Colour colour, float opacity) {
  const std::int32_t first = clamped(std::round(left), 0, width());
  const std::int32_t last = clamped(std::round(right), 0, width());
  const std::int32_t end = clamped(std::round(bottom), 0, height());
  for (std::int32_t y = clamped(std::round(top), 0, height()); y < end; ++y) {
    for (std::int32_t x = first; x < last; ++x) blend(x, y, colour, opacity);
  }
}

void Canvas::line(Point from, Point to, float thickness, Colour colour) {
  const float half = thickness / 2;
  const float reach = half + 1;
  const float dx = to.x - from.x;
  const float dy = to.y - from.y;
  const float squared = dx * dx + dy * dy;
  const std::int32_t end = clamped(std::ceil(std::max(from.y, to.y) + reach), 0, height());
  for (std::int32_t y = clamped(std::floor(std::min(from.y, to.y) - reach), 0, height()); y < end; ++y) {
    const float centre_y = static_cast<float>(y) + 0.5F;
    float left = std::min(from.x, to.x) - reach;
    float right = std::max(from.x, to.x) + reach;
    // Of a steep line only the few pixels of the row that it can touch.
    if (std::abs(dy) > 0.001F) {
      const float crossing = from.x + (centre_y - from.y) * dx / dy;
      const float spread = reach * std::sqrt(squared) / std::abs(dy);
      left = std::max(left, crossing - spread);
      right = std::min(right, crossing + spread);
    }
    const std::int32_t last = clamped(std::ceil(right), 0, width());
    for (std::int32_t x = clamped(std::floor(left), 0, width()); x < last; ++x) {
      const float px = static_cast<float>(x) + 0.5F - from.x;
      const float py = centre_y - from.y;
      const float along = squared > 0 ? std::clamp((px * dx + py * dy) / squared, 0.0F, 1.0F) : 0.0F;
      const float distance = std::hypot(px - along * dx, py - along * dy);
      const float cover = std::clamp(half + 0.5F - distance, 0.0F, 1.0F);
      if (cover > 0) blend(x, y, colour, cover);
    }
  }
}

void Canvas::polygon(std::span<const Point> corners, Colour colour, float opacity, std::int32_t hatch) {
  if (corners.size() < 3) return;
  std::vector<float> crossings;
  for (std::int32_t y = 0; y < height(); ++y) {
    const float centre = static_cast<float>(y) + 0.5F;
    crossings.clear();
    for (std::size_t i = 0, j = corners.size() - 1; i < corners.size(); j = i++) {
      const Point a = corners[i];
      const Point b = corners[j];
      if ((a.y > centre) == (b.y > centre)) continue;
      crossings.push_back(a.x + (centre - a.y) * (b.x - a.x) / (b.y - a.y));
    }
    std::sort(crossings.begin(), crossings.end());
    for (std::size_t i = 0; i + 1 < crossings.size(); i += 2) {
      const std::int32_t end = clamped(std::ceil(crossings[i + 1] - 0.5F), 0, width());
      for (std::int32_t x = clamped(std::ceil(crossings[i] - 0.5F), 0, width()); x < end; ++x) {
        if (hatch == 0 || (x + y) % hatch < std::max(1, hatch / 5)) blend(x, y, colour, opacity);
      }
    }
  }
}

}  // namespace vigie::draw
