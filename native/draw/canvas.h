#pragma once

#include <cstdint>
#include <span>

#include "draw/geometry.h"
#include "image/picture.h"

namespace vigie::draw {

/// Lines, areas and plates on an RGB picture. A rasteriser of our own, since what is drawn is so little: Cairo would
/// bring pixman, fontconfig, freetype and X11 (14 Debian packages, 9 MB) to each board and into each vision process, wants
/// 32-bit pixels (a copy there and back of each picture), and reads fonts from a disk that need not have any.
/// Everything is in pixels and cut at the border; wild coordinates cost no time outside of it.
class Canvas {
 public:
  explicit Canvas(vision::Picture& picture) : picture_(picture) {}

  std::int32_t width() const { return static_cast<std::int32_t>(picture_.width); }
  std::int32_t height() const { return static_cast<std::int32_t>(picture_.height); }

  /// @param right, bottom the first pixels that are not filled. @param opacity 0 … 1
  void fill(float left, float top, float right, float bottom, Colour colour, float opacity);
  /// Smooth, with round ends.
  void line(Point from, Point to, float thickness, Colour colour);
  /// Even-odd. @param hatch pixels from one diagonal stripe to the next; 0: filled.
  void polygon(std::span<const Point> corners, Colour colour, float opacity, std::int32_t hatch);

 private:
  void blend(std::int32_t x, std::int32_t y, Colour colour, float opacity);
  vision::Picture& picture_;
};

}  // namespace vigie::draw
